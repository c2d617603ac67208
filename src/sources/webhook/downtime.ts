import type { Endpoint } from './endpoint.js';

/** What may be missing since nobody listened, as a sentence; undefined where every sender has tried again, or will. */
export function downtimeOf(endpoints: readonly Endpoint[], from: number, to: number): string | undefined {
  const ms = to - from;
  if (ms <= 0) return undefined;
  const missing = endpoints.filter(({ provider }) => !provider.retries || ms > provider.redeliveryMs);
  if (missing.length === 0) return undefined;
  const names = missing.map(({ name }) => name).join(', ');
  return `nothing listened for ${Math.ceil(ms / 1_000)} seconds; what was sent meanwhile to ${names} is not sent again`;
}
