import type { Clock } from '../../core/clock.js';

interface Waiting<Item> {
  resolve(result: IteratorResult<Item, void>): void;
  reject(error: unknown): void;
}

export interface BeatOptions<Item> {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly everyMs: number;
  /** What is brought when nothing else came for so long. */
  beat(): Item;
}

/** The items of another iterator, and something in between while it is quiet: with one timer, whatever comes. */
export class Beating<Item> implements AsyncIterator<Item, void> {
  readonly #items: AsyncIterator<Item, void>;
  readonly #options: BeatOptions<Item>;
  #isAsking = false;
  #waiting: Waiting<Item> | undefined;
  /** What came when a beat had been brought in its place. */
  #early: Promise<IteratorResult<Item, void>> | undefined;
  #came = 0;
  #hasBegun = false;

  constructor(items: AsyncIterator<Item, void>, options: BeatOptions<Item>) {
    this.#items = items;
    this.#options = options;
  }

  next(): Promise<IteratorResult<Item, void>> {
    if (!this.#hasBegun) void this.#run();
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) return early;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (!this.#isAsking) this.#ask();
    });
  }

  async return(): Promise<IteratorResult<Item, void>> {
    await this.#items.return?.();
    return { value: undefined, done: true };
  }

  #ask(): void {
    this.#isAsking = true;
    const coming = this.#items.next();
    const came = (tell: (waiting: Waiting<Item>) => void): void => {
      this.#isAsking = false;
      this.#came += 1;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.#early = coming;
      else tell(waiting);
    };
    coming.then(
      (result) => came(({ resolve }) => resolve(result)),
      (error: unknown) => came(({ reject }) => reject(error)),
    );
  }

  async #run(): Promise<void> {
    this.#hasBegun = true;
    const { clock, signal, everyMs, beat } = this.#options;
    for (;;) {
      const before = this.#came;
      try {
        await clock.sleep(everyMs, signal);
      } catch {
        return;
      }
      if (this.#came !== before) continue;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.resolve({ value: beat(), done: false });
    }
  }
}
