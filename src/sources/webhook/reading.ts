import type { Clock } from '../../core/clock.js';

type Result<Item> = IteratorResult<Item, void>;

interface Waiting<Item> {
  resolve(result: Result<Item>): void;
  reject(error: unknown): void;
}

export interface ReadingOptions<Item> {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What must be done before anything is read; it may bring something that comes first. */
  begin(): Promise<Item | undefined>;
  readonly items: AsyncIterator<Item, void>;
  readonly everyMs: number;
  /** What is brought when nothing else came for so long. */
  beat(): Item;
}

/**
 * What a source reads, and something in between while it is quiet: with one timer, whatever comes. Hand-written, since
 * it stands between every event and its consumer.
 */
export class Reading<Item> implements AsyncIterator<Item, void> {
  readonly #options: ReadingOptions<Item>;
  #hasBegun = false;
  #isAsking = false;
  #waiting: Waiting<Item> | undefined;
  /** What came when a beat had been brought in its place. */
  #early: (() => Promise<Result<Item>>) | undefined;
  #came = 0;

  constructor(options: ReadingOptions<Item>) {
    this.#options = options;
  }

  next(): Promise<Result<Item>> {
    if (!this.#hasBegun) return this.#begin();
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) return early();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (!this.#isAsking) this.#ask();
    });
  }

  async return(): Promise<Result<Item>> {
    await this.#options.items.return?.();
    return { value: undefined, done: true };
  }

  async #begin(): Promise<Result<Item>> {
    this.#hasBegun = true;
    const first = await this.#options.begin();
    void this.#beat();
    return first === undefined ? this.next() : { value: first, done: false };
  }

  #ask(): void {
    this.#isAsking = true;
    this.#options.items.next().then(this.#onItem, this.#onError);
  }

  readonly #onItem = (result: Result<Item>): void => {
    const waiting = this.#arrived();
    if (waiting === undefined) this.#early = () => Promise.resolve(result);
    else waiting.resolve(result);
  };

  readonly #onError = (error: unknown): void => {
    const waiting = this.#arrived();
    if (waiting === undefined) this.#early = () => Promise.reject(error);
    else waiting.reject(error);
  };

  #arrived(): Waiting<Item> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#isAsking = false;
    this.#came += 1;
    return waiting;
  }

  async #beat(): Promise<void> {
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
