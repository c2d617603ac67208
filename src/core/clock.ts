/** Time as sources see it; a fake one in tests. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with `signal.reason` as soon as the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * The reason of a sleep that is not waited for any more. Without one the engine makes an error with its stack each time,
 * which costs more than the timer.
 */
export const NOT_NEEDED: Error = Object.freeze(new Error('the timer is not needed any more'));

/** Node fires a longer timer after 1 ms, so longer waits are made of pieces. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    let left = ms;
    while (left > LONGEST_TIMER_MS) {
      await wait(LONGEST_TIMER_MS, signal);
      left -= LONGEST_TIMER_MS;
    }
    await wait(Math.max(0, left), signal);
  },
};

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
