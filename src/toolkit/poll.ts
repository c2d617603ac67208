import type { Clock } from '../core/clock.js';

export interface PollOptions {
  clock: Clock;
  /** Ends the waiting with `signal.reason`. */
  signal: AbortSignal;
  /** false: one round, then the end. */
  follow: boolean;
  /** Pause after a round, in milliseconds. */
  intervalMs: number;
  /** The pause doubles with each round that brings nothing, up to this. Default: `intervalMs`, so it stays the same. */
  maxIntervalMs?: number | undefined;
  /** Part of each pause that is left to chance, so that many sources do not ask at once. 0 to 1, default 0.1. */
  jitter?: number | undefined;
  /** From 0 up to 1. Default `Math.random`. */
  random?: (() => number) | undefined;
  /** Called when a round is over and the waiting begins. */
  onCaughtUp?: (() => void) | undefined;
}

/**
 * Asks again and again: the items of one round after another, with pauses in between. Errors of a round end it.
 *
 * @example
 * yield* poll(() => this.newItems(), { clock, signal, follow, intervalMs: 5_000 });
 */
export async function* poll<Item>(
  round: () => AsyncIterable<Item>,
  options: PollOptions,
): AsyncGenerator<Item, void, undefined> {
  const { clock, signal, follow, intervalMs } = options;
  const longest = Math.max(intervalMs, options.maxIntervalMs ?? intervalMs);
  let pause = intervalMs;
  for (;;) {
    let found = false;
    for await (const item of round()) {
      found = true;
      yield item;
    }
    if (!follow) return;
    options.onCaughtUp?.();
    pause = found ? intervalMs : pause;
    await clock.sleep(spread(pause, options), signal);
    pause = Math.min(longest, pause * 2);
  }
}

/** The pause, shortened by chance: never longer than was asked for. */
function spread(pause: number, { jitter = 0.1, random = Math.random }: PollOptions): number {
  return Math.round(pause * (1 - jitter * random()));
}
