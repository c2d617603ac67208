import type { Credential } from './credentials.js';

export interface LimitState {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** Epoch seconds of the server's time. */
  readonly reset: number;
}

interface Window {
  used: number;
  readonly resetAt: number;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Primary limits per hour, and points per minute, of each credential. An hour begins with its first request. */
export class RateLimits {
  readonly #windows = new Map<string, Window>();
  readonly #minutes = new Map<string, Window>();

  state({ budget, hourlyLimit }: Credential, now: number): LimitState {
    const { used, resetAt } = current(this.#windows, budget, now, HOUR_MS);
    return { limit: hourlyLimit, used, remaining: Math.max(0, hourlyLimit - used), reset: Math.ceil(resetAt / 1000) };
  }

  take({ budget }: Credential, now: number): void {
    current(this.#windows, budget, now, HOUR_MS).used += 1;
  }

  /** Uses up an hour's requests, but for so many. */
  exhaust(credential: Credential, now: number, remaining = 0): void {
    current(this.#windows, credential.budget, now, HOUR_MS).used = credential.hourlyLimit - remaining;
  }

  /** Counts points of the secondary limit; says whether that was too many, and how many seconds to wait. */
  takePoints({ budget }: Credential, now: number, points: number, most: number): number | undefined {
    const window = current(this.#minutes, budget, now, MINUTE_MS);
    window.used += points;
    return window.used > most ? Math.max(1, Math.ceil((window.resetAt - now) / 1000)) : undefined;
  }
}

function current(windows: Map<string, Window>, name: string, now: number, length: number): Window {
  const found = windows.get(name);
  if (found !== undefined && now < found.resetAt) return found;
  const window = { used: 0, resetAt: now + length };
  windows.set(name, window);
  return window;
}
