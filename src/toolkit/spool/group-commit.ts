/** Something that waits to be committed. */
interface Waiting<Result> {
  readonly bytes: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Commits what comes while a commit is under way in one go after it: one flush of the disk for all that wait for one.
 * Groups are committed one after the other, in the order in which their items came.
 */
export class GroupCommit<Item extends { readonly bytes: number }, Result> {
  readonly #commit: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #maxGroupBytes: number;
  #items: Item[] = [];
  #waiting: Waiting<Result>[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;

  /**
   * @param commit all of them, or, when it rejects, none; resolves to what each has become
   * @param maxGroupBytes a group is no larger, unless one item is
   */
  constructor(commit: (items: readonly Item[]) => Promise<readonly Result[]>, maxGroupBytes: number) {
    this.#commit = commit;
    this.#maxGroupBytes = maxGroupBytes;
  }

  /** Of all that is not committed yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Resolves when it is committed; rejects with what its group was refused for. */
  add(item: Item): Promise<Result> {
    this.#items.push(item);
    this.#waitingBytes += item.bytes;
    this.#running ??= this.#run();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes: item.bytes, resolve, reject });
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      // Those that are woken by the last commit, and those whose bytes have come meanwhile, are of the next.
      await new Promise((resolve) => setImmediate(resolve));
      const count = this.#groupSize();
      await this.#commitGroup(this.#items.splice(0, count), this.#waiting.splice(0, count));
    } while (this.#items.length > 0);
    this.#running = undefined;
  }

  async #commitGroup(items: readonly Item[], waiting: readonly Waiting<Result>[]): Promise<void> {
    try {
      const results = await this.#commit(items);
      for (let index = 0; index < waiting.length; index += 1) waiting[index]?.resolve(results[index] as Result);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    } finally {
      for (const { bytes } of waiting) this.#waitingBytes -= bytes;
    }
  }

  #groupSize(): number {
    let bytes = 0;
    for (let count = 0; count < this.#items.length; count += 1) {
      bytes += this.#items[count]?.bytes ?? 0;
      if (count > 0 && bytes > this.#maxGroupBytes) return count;
    }
    return this.#items.length;
  }
}
