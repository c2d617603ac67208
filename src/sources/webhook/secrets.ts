import { parseCredentials } from '../../core/config.js';
import { checkCredentials } from '../../core/credentials.js';
import { Secret } from '../../core/secret.js';
import { webhookCredentials } from './config.js';

export interface Secrets {
  /** By endpoint, the newest first. */
  readonly secrets: Readonly<Record<string, readonly string[]>>;
  readonly tokens: Readonly<Record<string, Secret>>;
}

/** @throws ConfigError where a secret is undefined or empty */
export async function readSecrets({ id, credentials }: { id: string; credentials?: unknown }): Promise<Secrets> {
  if (credentials === undefined || credentials === 'anonymous') return { secrets: {}, tokens: {} };
  checkCredentials(id, credentials);
  const parsed = Object.entries(await parseCredentials(webhookCredentials, { id, credentials }));
  const withToken = parsed.flatMap(([name, value]) =>
    typeof value === 'object' && !Array.isArray(value) ? [[name, new Secret(value.apiToken)] as const] : [],
  );
  return {
    secrets: Object.fromEntries(
      parsed.map(([name, value]) => {
        return [name, [typeof value === 'object' && !Array.isArray(value) ? value.secret : value].flat()];
      }),
    ),
    tokens: Object.fromEntries(withToken),
  };
}
