import type { Clock } from '../core/clock.js';

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/**
 * A clock that stands still until it is moved.
 *
 * ```ts
 * const clock = new FakeClock();
 * const source = await MySource.create({ id: 'test', config, clock });
 * await clock.advance(60_000);
 * ```
 */
export class FakeClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];
  /** The longest sleeps asked for so far, in milliseconds, in order. */
  readonly sleeps: number[] = [];

  constructor(start: Date | number = 0) {
    this.#now = Number(start);
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms);
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const stop = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        at: this.#now + ms,
        wake: () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        },
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** How many are asleep. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Moves time forward, waking who is due in order, and lets what they do settle. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (let next = this.#nextDue(until); next !== undefined; next = this.#nextDue(until)) {
      this.#now = Math.max(this.#now, next.at);
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      next.wake();
      await settled();
    }
    this.#now = until;
    await settled();
  }

  #nextDue(until: number): Sleeper | undefined {
    return this.#sleepers.filter(({ at }) => at <= until).sort((left, right) => left.at - right.at)[0];
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
