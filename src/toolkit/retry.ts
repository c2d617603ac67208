import pRetry from 'p-retry';
import { type Clock, systemClock } from '../core/clock.js';
import { ConfigError, FatalError, RetryableError, SkippableError } from '../core/errors.js';
import { toError } from '../core/thrown.js';

/** How often, and how far apart, something is tried again. */
export interface RetryPolicy {
  /** Tries after the first. */
  retries: number;
  /** Before the first retry, in milliseconds. */
  minDelayMs: number;
  maxDelayMs: number;
  /** Each delay is this many times the one before, and up to as much again at random. */
  factor: number;
}

/** Three retries, after about 1, 2 and 4 seconds. */
export const threeRetriesInSeconds: RetryPolicy = { retries: 3, minDelayMs: 1_000, maxDelayMs: 30_000, factor: 2 };

export interface RetryOptions {
  policy?: Partial<RetryPolicy> | undefined;
  signal?: AbortSignal | undefined;
  clock?: Clock | undefined;
  /** Whether an error of no class of ours is tried again. Default true. */
  retryUnknown?: boolean | undefined;
  /** A longer wait is not begun: the error is thrown. In milliseconds; default: any is waited for. */
  longestWaitMs?: number | undefined;
  onRetry?: ((error: Error, attempt: number, delayMs: number) => void) | undefined;
}

/**
 * Tries again what failed, by the class of the error: a RetryableError (waiting at least what upstream asked for), and
 * what is unknown; never a FatalError, ConfigError or SkippableError, nor a programming mistake (TypeError), nor after
 * the signal fired.
 *
 * ```ts
 * const page = await retry(() => fetchPage(token), { signal: context.signal, clock: this.clock });
 * ```
 * @throws the last error, or `signal.reason` when the signal fires while waiting
 */
export async function retry<Result>(
  action: (attempt: number) => Promise<Result>,
  options: RetryOptions = {},
): Promise<Result> {
  const { signal, clock = systemClock, onRetry } = options;
  const policy = { ...threeRetriesInSeconds, ...options.policy };
  return pRetry((attempt) => asErrors(() => action(attempt)), {
    retries: policy.retries,
    // The waiting is ours, by the clock the source was given and in pieces of any length.
    minTimeout: 0,
    maxTimeout: 0,
    shouldRetry: async ({ error, attemptNumber }) => {
      if (signal?.aborted === true || !isWorthRetrying(error, options.retryUnknown ?? true)) return false;
      const delayMs = delayBefore(attemptNumber, error, policy);
      if (delayMs > (options.longestWaitMs ?? Number.POSITIVE_INFINITY)) return false;
      onRetry?.(error, attemptNumber, delayMs);
      await clock.sleep(delayMs, signal);
      return true;
    },
  });
}

/** Whether the class of an error says that trying again may help. */
export function isWorthRetrying(error: unknown, retryUnknown = true): boolean {
  if (RetryableError.isInstance(error)) return true;
  if (FatalError.isInstance(error) || ConfigError.isInstance(error) || SkippableError.isInstance(error)) return false;
  return retryUnknown;
}

/** How long to wait before so many-th retry, in milliseconds: at least what upstream asked for. */
export function delayBefore(attempt: number, error: unknown, { minDelayMs, maxDelayMs, factor }: RetryPolicy): number {
  const asked = RetryableError.isInstance(error) ? (error.retryAfterMs ?? 0) : 0;
  const grown = Math.min(maxDelayMs, minDelayMs * factor ** (attempt - 1));
  return Math.max(asked, Math.min(maxDelayMs, grown * (1 + Math.random())));
}

async function asErrors<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw toError(error);
  }
}
