import type { Clock } from '../../core/clock.js';

/**
 * Sleeps that may be ended early, often. Being woken leaves the timer running, for the next sleep: making and ending one
 * each time costs more than to be woken too early once.
 */
export class Waiting {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #timer: { readonly time: number; readonly sleeping: AbortController } | undefined;
  #wake: (() => void) | undefined;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    signal.addEventListener('abort', this.close, { once: true });
  }

  /** Ends the sleep, if there is one. */
  readonly wake = (): void => {
    this.#wake?.();
    this.#wake = undefined;
  };

  /** Ends the sleep for good. */
  readonly close = (): void => {
    this.#signal.removeEventListener('abort', this.close);
    this.#timer?.sleeping.abort();
    this.#timer = undefined;
    this.wake();
  };

  /** Resolves at that time by the clock or earlier, when it is woken, or when the signal fires. */
  async until(time: number): Promise<void> {
    if (this.#signal.aborted) return;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (this.#timer === undefined || this.#timer.time > time) this.#start(time);
    await woken;
  }

  #start(time: number): void {
    this.#timer?.sleeping.abort();
    const sleeping = new AbortController();
    const timer = { time, sleeping };
    this.#timer = timer;
    this.#clock.sleep(Math.max(0, time - this.#clock.now()), sleeping.signal).then(
      () => {
        if (this.#timer === timer) this.#timer = undefined;
        this.wake();
      },
      () => {},
    );
  }
}
