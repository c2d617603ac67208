import * as z from 'zod';
import type { Clock } from '../../core/clock.js';
import { RetryableError } from '../../core/errors.js';
import { delayBefore, isWorthRetrying, type RetryPolicy, retry } from '../../toolkit/retry.js';

/** How often a lost connection is tried again before the iteration fails with the error, and how far apart. */
export const reconnectPolicy = z
  .strictObject({
    /** In a row: whatever is read begins the count again. */
    retries: z.int().min(0).default(10),
    /** Before the first, in milliseconds; twice as long before each that follows, and up to as much again at random. */
    minDelayMs: z.int().min(1).default(500),
    maxDelayMs: z.int().min(1).default(30_000),
  })
  .prefault({});

export type ReconnectPolicy = z.output<typeof reconnectPolicy>;

/** The policy as `retry` takes it. */
function retryPolicyOf(policy: ReconnectPolicy): RetryPolicy {
  return { ...policy, factor: 2 };
}

export interface ReconnectOptions {
  readonly policy: ReconnectPolicy;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  onRetry(error: RetryableError, attempt: number, delayMs: number): void;
}

/**
 * Reads again from the start of `read` whenever it fails with a RetryableError: the connection is lost, a broker is
 * restarted, a channel is closed.
 *
 * @throws what cannot be mended so, and the last error once there were too many in a row
 */
export async function* reconnecting<Batch>(
  read: () => AsyncIterable<Batch>,
  options: ReconnectOptions,
): AsyncGenerator<Batch, void, undefined> {
  const { policy, clock, signal } = options;
  let failures = 0;
  for (;;) {
    try {
      for await (const batch of read()) {
        failures = 0;
        yield batch;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      failures += 1;
      if (!RetryableError.isInstance(error) || failures > policy.retries) throw error;
      const delayMs = delayBefore(failures, error, retryPolicyOf(policy));
      options.onRetry(error, failures, delayMs);
      await clock.sleep(delayMs, signal);
    }
  }
}

/**
 * Tells the broker what was handled, again by the policy when it fails; once the signal has fired, once more at once:
 * who reads no more still wants it to be known, and is not to be told of an abort.
 *
 * @param tell has to do no harm when it is done twice
 */
export async function telling<Answer>(
  tell: () => Promise<Answer>,
  { policy, ...options }: { policy: ReconnectPolicy; clock: Clock; signal: AbortSignal; onRetry?(error: Error): void },
): Promise<Answer> {
  try {
    return await retry(tell, { policy: retryPolicyOf(policy), ...options });
  } catch (error) {
    if (!options.signal.aborted || !isWorthRetrying(error)) throw error;
    return tell();
  }
}
