/** At most so many calls of a method within a time, in milliseconds. */
export interface RateLimit {
  calls: number;
  perMs: number;
}

/** "Rate limits are applied per method, per workspace": https://docs.slack.dev/apis/web-api/rate-limits */
export class RateLimits {
  readonly limits = new Map<string, RateLimit>();
  readonly #calls = new Map<string, number[]>();

  /** Seconds to wait, or undefined where the call is within the limit. A refused call does not count. */
  take(method: string, workspace: string, now: number): number | undefined {
    const limit = this.limits.get(method);
    if (limit === undefined) return undefined;
    const key = `${workspace} ${method}`;
    const recent = (this.#calls.get(key) ?? []).filter((at) => at > now - limit.perMs);
    this.#calls.set(key, recent);
    const oldest = recent[0];
    if (recent.length >= limit.calls && oldest !== undefined) return Math.ceil((oldest + limit.perMs - now) / 1_000);
    recent.push(now);
    return undefined;
  }
}
