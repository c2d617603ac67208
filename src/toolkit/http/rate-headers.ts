import type { HttpHeaders } from './http-response.js';
import { LONGEST_WAIT_MS, parseHttpDate, parseRetryAfter } from './retry-after.js';

/** What a response says about its rate limit. */
export interface RateReading {
  /** Requests left until the reset. */
  readonly remaining: number;
  /** When there are new ones, in milliseconds since the epoch by the server's clock. */
  readonly resetAt: number;
}

/** From here on a number of seconds is a time since the epoch, and one of milliseconds: APIs send all three. */
const EPOCH_SECONDS = 1_000_000_000;
const EPOCH_MILLISECONDS = 1_000_000_000_000;

/** What the server takes the time to be: its `Date`, or our own clock where it sends none. */
export function serverTime(headers: HttpHeaders, now: number): number {
  return parseHttpDate(headers['date'] ?? '') ?? now;
}

/** `x-ratelimit-remaining` and `-reset` (seconds since the epoch or from now), or the same without `x-`. */
export function readRateHeaders(headers: HttpHeaders, serverNow: number): RateReading | undefined {
  for (const prefix of ['x-ratelimit', 'ratelimit']) {
    const remaining = wholeNumber(headers[`${prefix}-remaining`]);
    const reset = wholeNumber(headers[`${prefix}-reset`]);
    if (remaining === undefined || reset === undefined) continue;
    return { remaining, resetAt: resetTime(reset, serverNow) };
  }
  return undefined;
}

function resetTime(reset: number, serverNow: number): number {
  if (reset >= EPOCH_MILLISECONDS) return reset;
  return reset >= EPOCH_SECONDS ? reset * 1_000 : serverNow + reset * 1_000;
}

/** A reset that is already past, by a clock that is a little off, must not become a hot loop. */
const SHORTEST_WAIT_MS = 1_000;

/**
 * How long a refusal asks to wait: `Retry-After` before everything else; when nothing remains, until the reset, at least
 * one second; undefined when neither is said.
 */
export function waitAsked(headers: HttpHeaders, now: number): number | undefined {
  const serverNow = serverTime(headers, now);
  const asked = parseRetryAfter(headers['retry-after'], serverNow);
  if (asked !== undefined) return asked;
  const reading = readRateHeaders(headers, serverNow);
  return reading?.remaining === 0 ? untilReset(reading, serverNow) : undefined;
}

/** From now until the reset, in milliseconds. */
export function untilReset({ resetAt }: RateReading, serverNow: number): number {
  return Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, resetAt - serverNow));
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
