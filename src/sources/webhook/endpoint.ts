import { type AllowList, createAllowList } from '../../toolkit/allow-list.js';
import type { EndpointConfig } from './config.js';
import type { WebhookProvider } from './provider.js';
import type { Respond } from './respond.js';

/** One endpoint, as requests are handled by it. */
export interface Endpoint {
  readonly name: string;
  readonly path: string;
  readonly provider: WebhookProvider;
  /** The `source` of its events. */
  readonly uri: string;
  readonly maxBodyBytes: number;
  readonly maxContentBytes: number;
  /** How long a request may wait for its answer. */
  readonly patienceMs: number;
  readonly allows: AllowList;
  readonly respond: Respond | undefined;
}

/** What is left of a sender's patience for the way there and back. */
const LONGEST_MARGIN_MS = 1_000;
const MARGIN_SHARE = 0.2;

export function createEndpoint(
  name: string,
  config: EndpointConfig,
  { sourceId, provider, allow }: { sourceId: string; provider: WebhookProvider; allow: readonly string[] | undefined },
): Endpoint {
  const { maxBodyBytes = provider.maxBodyBytes, deadlineMs = provider.deadlineMs } = config;
  return {
    name,
    path: config.path ?? `/${name}`,
    provider,
    uri: `/webhook/${encodeURIComponent(sourceId)}/${encodeURIComponent(name)}`,
    maxBodyBytes,
    maxContentBytes: config.maxContentBytes ?? maxBodyBytes,
    patienceMs: deadlineMs - Math.min(LONGEST_MARGIN_MS, deadlineMs * MARGIN_SHARE),
    allows: createAllowList(config.allow ?? allow),
    respond: config.respond,
  };
}
