import { type Clock, NOT_NEEDED } from './clock.js';

// Taken at load: a test that replaces the global timers must not be able to stop an iteration.
const { clearImmediate, setImmediate } = globalThis;

/** How long a batch waits to be filled: what is ready now, or the time given. */
export class Patience {
  /** Resolves when it has waited long enough. */
  readonly over: Promise<'over'>;
  #end: () => void = () => {};

  constructor(maxWaitMs: number | undefined, clock: Clock, signal: AbortSignal) {
    this.over = maxWaitMs === undefined || maxWaitMs <= 0 ? this.#aTurn() : this.#aWhile(maxWaitMs, clock, signal);
  }

  /** Lets go of the timer. */
  end(): void {
    this.#end();
  }

  #aTurn(): Promise<'over'> {
    return new Promise((resolve) => {
      const immediate = setImmediate(() => resolve('over'));
      this.#end = () => clearImmediate(immediate);
    });
  }

  async #aWhile(maxWaitMs: number, clock: Clock, signal: AbortSignal): Promise<'over'> {
    const timer = new AbortController();
    const stop = (): void => timer.abort(NOT_NEEDED);
    signal.addEventListener('abort', stop, { once: true });
    this.#end = stop;
    await clock.sleep(maxWaitMs, timer.signal).catch(() => {});
    signal.removeEventListener('abort', stop);
    return 'over';
  }
}
