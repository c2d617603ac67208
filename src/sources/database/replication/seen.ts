const UNSIGNED = 0xffff_ffffn;

/** Which transactions a snapshot sees: `xmin:xmax:running,…`, as `pg_current_snapshot()` writes it. */
export class Seen {
  readonly #oldest: bigint;
  readonly #next: bigint;
  readonly #nextLow: number;
  readonly #running: ReadonlySet<bigint>;

  constructor(text: string) {
    const [oldest = '', next = '', running = ''] = text.split(':');
    this.#oldest = BigInt(oldest);
    this.#next = BigInt(next);
    this.#nextLow = Number(this.#next & UNSIGNED);
    this.#running = new Set(running === '' ? [] : running.split(',').map(BigInt));
  }

  /** A transaction that this one saw committed, and a later one does not see yet: its commit is written, and not done. */
  firstMissingIn(later: Seen): bigint | undefined {
    for (const number of later.#running) if (this.#hasNumber(number)) return number;
    return undefined;
  }

  /**
   * Of a transaction that was committed, by the low 32 bits of its number: those wrap, but the transactions that a
   * server knows at once lie within half of them.
   */
  has(transaction: number): boolean {
    return this.#hasNumber(this.#next + BigInt((transaction - this.#nextLow) | 0));
  }

  #hasNumber(number: bigint): boolean {
    return number < this.#oldest || (number < this.#next && !this.#running.has(number));
  }
}
