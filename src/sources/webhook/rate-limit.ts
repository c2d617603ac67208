import type { Refusal } from './provider.js';

const MOST_KEYS = 10_000;

/** So many requests of one key within any span of a length; who asks for more is told how long to wait. */
export class RateLimit {
  readonly #requests: number;
  readonly #perMs: number;
  /** When each key was let through, oldest first; the keys in the order in which they were let through last. */
  readonly #taken = new Map<string, number[]>();

  constructor({ requests, perMs }: { requests: number; perMs: number }) {
    this.#requests = requests;
    this.#perMs = perMs;
  }

  /** Lets a request through, or tells why not. */
  take(key: string, now: number): Refusal | undefined {
    const times = (this.#taken.get(key) ?? []).filter((time) => time > now - this.#perMs);
    const oldest = times[0];
    if (oldest !== undefined && times.length >= this.#requests) {
      const seconds = Math.max(1, Math.ceil((oldest + this.#perMs - now) / 1_000));
      const reason = `more than ${this.#requests} requests in ${this.#perMs / 1_000} seconds`;
      return { reason, status: 429, headers: { 'retry-after': `${seconds}` } };
    }
    this.#taken.delete(key);
    this.#taken.set(key, [...times, now]);
    if (this.#taken.size > MOST_KEYS) this.#forgetOldest();
    return undefined;
  }

  #forgetOldest(): void {
    for (const key of this.#taken.keys()) {
      this.#taken.delete(key);
      return;
    }
  }
}
