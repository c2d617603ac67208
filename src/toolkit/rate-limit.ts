import pThrottle from 'p-throttle';
import { type Clock, systemClock } from '../core/clock.js';
import { RateLimitedError } from '../core/errors.js';

export interface RateLimitOptions {
  /** Calls begun within `intervalMs`, at most. */
  limit: number;
  intervalMs: number;
  clock?: Clock | undefined;
  /** Told when upstream asked for a pause, and until when. */
  onPause?: ((until: Date) => void) | undefined;
}

/** Lets calls begin no faster than agreed. One for each credential: the budget is shared by all who use it. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #onPause: ((until: Date) => void) | undefined;
  readonly #admit: () => Promise<void>;
  #pausedUntil = 0;

  constructor(options: RateLimitOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#onPause = options.onPause;
    const throttle = pThrottle({ limit: options.limit, interval: options.intervalMs, strict: true });
    this.#admit = throttle(async () => {});
  }

  /**
   * Runs a call when its turn has come. A RateLimitedError that says how long to wait holds back all that follow.
   * @throws what the call rejects with; `signal.reason` when the signal fires before the call begins
   */
  async run<Result>(call: () => Promise<Result>, options: { signal?: AbortSignal | undefined } = {}): Promise<Result> {
    await this.#turn(options.signal);
    try {
      return await call();
    } catch (error) {
      if (RateLimitedError.isInstance(error)) this.#pause(error.retryAfterMs ?? 0);
      throw error;
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    await untilAborted(this.#admit(), signal);
    for (let wait = this.#waitLeft(); wait > 0; wait = this.#waitLeft()) await this.#clock.sleep(wait, signal);
  }

  #waitLeft(): number {
    return this.#pausedUntil - this.#clock.now();
  }

  #pause(milliseconds: number): void {
    const until = this.#clock.now() + milliseconds;
    if (until <= this.#pausedUntil) return;
    this.#pausedUntil = until;
    this.#onPause?.(new Date(until));
  }
}

/** A turn in the queue cannot be given back, but nobody has to wait for it. */
async function untilAborted(turn: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return turn;
  signal.throwIfAborted();
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([turn, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
