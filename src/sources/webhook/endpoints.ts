import { ConfigError, HeadwaterError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Problem } from '../../core/source-definition.js';
import { type EndpointConfig, HOST_PROVIDER, type WebhookConfig } from './config.js';
import { createEndpoint, type Endpoint } from './endpoint.js';
import type { ProviderFactory, WebhookProvider } from './provider.js';
import type { GitHubReconcile } from './providers/github.js';
import { type ProviderName, providers } from './providers/index.js';

/** Providers that are objects of the host, by endpoint. */
export type HostProviders = ReadonlyMap<string, WebhookProvider>;

/**
 * Takes the objects of the host out of a configuration, so that a schema can check the rest.
 */
export function splitProviders(config: unknown): { config: unknown; hosts: HostProviders } {
  const hosts = new Map<string, WebhookProvider>();
  const { endpoints } = (config ?? {}) as { endpoints?: unknown };
  if (typeof endpoints !== 'object' || endpoints === null) return { config, hosts };
  const plain = Object.entries(endpoints).map(([name, endpoint]) => {
    const { provider } = (endpoint ?? {}) as { provider?: unknown };
    if (!isProvider(provider)) return [name, endpoint];
    hosts.set(name, provider);
    return [name, { ...endpoint, provider: HOST_PROVIDER }];
  });
  return { config: { ...(config as object), endpoints: Object.fromEntries(plain) }, hosts };
}

function isProvider(value: unknown): value is WebhookProvider {
  if (typeof value !== 'object' || value === null) return false;
  const { verify, read, name } = value as Partial<WebhookProvider>;
  return typeof verify === 'function' && typeof read === 'function' && typeof name === 'string';
}

export interface EndpointsOptions {
  readonly sourceId: string;
  readonly config: WebhookConfig;
  readonly hosts: HostProviders;
  readonly secrets: Readonly<Record<string, readonly string[]>>;
  readonly tokens: Readonly<Record<string, unknown>>;
}

/** @throws ConfigError with everything that is wrong with the endpoints and their secrets. */
export function createEndpoints({ sourceId, config, hosts, secrets, tokens }: EndpointsOptions): readonly Endpoint[] {
  const problems: Problem[] = [];
  const endpoints: Endpoint[] = [];
  for (const [name, endpoint] of Object.entries(config.endpoints)) {
    try {
      const provider = hosts.get(name) ?? makeProvider(name, endpoint, ownEntry(secrets, name) ?? []);
      endpoints.push(createEndpoint(name, endpoint, { sourceId, provider, allow: config.allow }));
    } catch (error) {
      if (!ConfigError.isInstance(error)) throw error;
      problems.push(
        ...error.problems.map((problem) => ({ ...problem, message: `endpoint "${name}": ${problem.message}` })),
      );
    }
  }
  for (const [name, endpoint] of Object.entries(config.endpoints)) {
    if (reconcileOf(endpoint) !== undefined && !Object.hasOwn(tokens, name)) problems.push(missingToken(name));
  }
  for (const name of Object.keys(secrets)) {
    if (!Object.hasOwn(config.endpoints, name)) problems.push(unknownEndpoint(name, config));
    else if (hosts.has(name)) problems.push(unusedSecret(name));
  }
  if (problems.length > 0) throw new ConfigError(problems, { code: problems[0]?.code, sourceId });
  return endpoints;
}

/** How an endpoint has sent again what was missed, where it does. */
export function reconcileOf(endpoint: EndpointConfig | undefined): GitHubReconcile | undefined {
  return (endpoint as { reconcile?: GitHubReconcile } | undefined)?.reconcile;
}

function makeProvider(name: string, endpoint: EndpointConfig, secrets: readonly string[]): WebhookProvider {
  const { provider } = endpoint;
  if (provider === HOST_PROVIDER) {
    const message = 'the provider is no object with name, verify and read';
    throw new ConfigError([{ severity: 'error', code: 'WEBHOOK_PROVIDER', message }]);
  }
  const create = providers[provider as ProviderName].create as unknown as ProviderFactory<EndpointConfig>;
  try {
    return create(endpoint, secrets);
  } catch (error) {
    if (!HeadwaterError.isInstance(error) || error.code !== 'SECRET_EMPTY') throw error;
    const message = `${provider} needs a secret, and credentials.${name} is missing or empty`;
    const fix = `pass credentials: { ${JSON.stringify(name)}: … }, the secret that the sender has`;
    throw new ConfigError([{ severity: 'error', code: 'SECRET_EMPTY', message, fix }]);
  }
}

function unknownEndpoint(name: string, { endpoints }: WebhookConfig): Problem {
  const fix = `endpoints: ${Object.keys(endpoints).join(', ')}`;
  return { severity: 'error', code: 'CREDENTIALS_UNUSED', message: `credentials.${name} belongs to no endpoint`, fix };
}

function missingToken(name: string): Problem {
  const message = `endpoint "${name}": reconcile asks the API of GitHub, and credentials.${name}.apiToken is missing`;
  const fix = `pass credentials: { ${JSON.stringify(name)}: { secret, apiToken } }`;
  return { severity: 'error', code: 'SECRET_EMPTY', message, fix };
}

function unusedSecret(name: string): Problem {
  const message = `credentials.${name} is not used: the provider of the endpoint is an object, which has its own`;
  return { severity: 'error', code: 'CREDENTIALS_UNUSED', message, fix: 'leave it out' };
}

function ownEntry<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Says what a host should know of its endpoints before it relies on them. */
export function warnOf(endpoints: readonly Endpoint[], config: WebhookConfig, logger: Logger, sourceId: string): void {
  for (const { name, provider } of endpoints) {
    const endpoint = config.endpoints[name] as { auth?: { scheme?: unknown } } | undefined;
    if (endpoint?.auth?.scheme === 'none') {
      logger.warn(
        { sourceId, endpoint: name },
        'webhook: anybody who reaches this endpoint can send to it (auth none)',
      );
    }
    if (provider.retries || config.spool !== undefined || reconcileOf(config.endpoints[name]) !== undefined) continue;
    const what = `webhook: ${provider.name} sends each delivery once; what the consumer does not take in time is lost`;
    logger.warn({ sourceId, endpoint: name }, `${what}. Give the source a spool`);
  }
}
