import { type Clock, NOT_NEEDED } from '../../core/clock.js';

/** What came by itself and was not taken yet. Bounded by whoever sends: prefetch, or a pause. */
export class Arrivals<Item> {
  #items: Item[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(item: Item): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** Nothing more will come: `some` rejects with it, also where something is left. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  get size(): number {
    return this.#items.length;
  }

  /** What is there, up to so many. */
  take(most: number): readonly Item[] {
    if (this.#items.length <= most) {
      const all = this.#items;
      this.#items = [];
      return all;
    }
    return this.#items.splice(0, most);
  }

  /** Resolves when something is there. Rejects when nothing will come, and with `signal.reason` when the signal fires. */
  async some(signal: AbortSignal): Promise<void> {
    if (!this.#isThere(signal)) await this.#until(() => this.#isThere(signal), signal);
  }

  /** The same, but false when nothing came for so many milliseconds. */
  async someWithin(milliseconds: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
    if (this.#isThere(signal)) return true;
    let isOver = false;
    const timer = new AbortController();
    clock.sleep(milliseconds, timer.signal).then(
      () => {
        isOver = true;
        this.#wake?.();
      },
      () => {},
    );
    try {
      await this.#until(() => this.#isThere(signal) || isOver, signal);
    } finally {
      timer.abort(NOT_NEEDED);
    }
    return this.#items.length > 0;
  }

  #isThere(signal: AbortSignal): boolean {
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#items.length > 0;
  }

  async #until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      do {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } while (!holds());
    } finally {
      this.#wake = undefined;
      signal.removeEventListener('abort', wake);
    }
  }
}
