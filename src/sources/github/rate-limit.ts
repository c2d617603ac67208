/** What is left of the limit of the credentials in use. */
export interface RateLimit {
  /** Requests in an hour. */
  readonly limit: number;
  readonly remaining: number;
  readonly used: number;
  /** When all of them are there again. */
  readonly resetAt: Date;
}

/** Of the headers of an answer; undefined where there are none, as where an Enterprise server sets no limit. */
export function readLimit(headers: Readonly<Record<string, string>>): RateLimit | undefined {
  if ((headers['x-ratelimit-resource'] ?? 'core') !== 'core') return undefined;
  return limitOf({
    limit: headers['x-ratelimit-limit'],
    remaining: headers['x-ratelimit-remaining'],
    reset: headers['x-ratelimit-reset'],
  });
}

/** Of the answer to `/rate_limit`, which costs nothing. */
export function readLimitBody(body: unknown): RateLimit | undefined {
  const { resources } = body as { resources?: { core?: Readonly<Record<string, unknown>> } };
  return resources?.core && limitOf(resources.core);
}

function limitOf(fields: Readonly<Record<string, unknown>>): RateLimit | undefined {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) => wholeNumber(fields[name]));
  if (limit === undefined || remaining === undefined || reset === undefined) return undefined;
  return { limit, remaining, used: Math.max(0, limit - remaining), resetAt: new Date(reset * 1_000) };
}

function wholeNumber(value: unknown): number | undefined {
  return /^\d{1,13}$/.test(String(value)) ? Number(value) : undefined;
}
