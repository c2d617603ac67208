import { type Clock, systemClock } from '../core/clock.js';

/**
 * Waits; of any length (Node's own timers fire at once beyond 24 days) and abortable.
 *
 * @param milliseconds how long
 * @throws `signal.reason` as soon as the signal fires
 */
export function delay(
  milliseconds: number,
  options: { signal?: AbortSignal | undefined; clock?: Clock | undefined } = {},
): Promise<void> {
  return (options.clock ?? systemClock).sleep(milliseconds, options.signal);
}
