import type { Clock } from '../../core/clock.js';

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
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        signal.throwIfAborted();
        if (this.#failure !== undefined) throw this.#failure.error;
        if (this.#items.length > 0) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#wake = undefined;
      signal.removeEventListener('abort', wake);
    }
  }

  /** The same, but false when nothing came for so many milliseconds. */
  async someWithin(milliseconds: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const some = this.some(either).then(() => true);
    const none = clock.sleep(milliseconds, either).then(() => false);
    some.catch(() => {});
    none.catch(() => {});
    try {
      return await Promise.race([some, none]);
    } finally {
      over.abort();
    }
  }
}
