/** Something that waits to be committed. */
interface Waiting<Item> {
  readonly item: Item;
  readonly bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Commits what comes while a commit is under way in one go after it: one flush of the disk for all that wait for one.
 * Groups are committed one after the other, in the order in which their items came.
 */
export class GroupCommit<Item> {
  readonly #commit: (items: readonly Item[]) => Promise<void>;
  readonly #maxGroupBytes: number;
  #waiting: Waiting<Item>[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;

  /**
   * @param commit all of them, or, when it rejects, none
   * @param maxGroupBytes a group is no larger, unless one item is
   */
  constructor(commit: (items: readonly Item[]) => Promise<void>, maxGroupBytes: number) {
    this.#commit = commit;
    this.#maxGroupBytes = maxGroupBytes;
  }

  /** Of all that is not committed yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Resolves when it is committed; rejects with what its group was refused for. */
  add(item: Item, bytes: number): Promise<void> {
    this.#waitingBytes += bytes;
    this.#running ??= this.#run();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, bytes, resolve, reject });
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
      await this.#commitGroup(this.#takeGroup());
    } while (this.#waiting.length > 0);
    this.#running = undefined;
  }

  async #commitGroup(group: readonly Waiting<Item>[]): Promise<void> {
    try {
      await this.#commit(group.map(({ item }) => item));
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      for (const { bytes } of group) this.#waitingBytes -= bytes;
    }
  }

  #takeGroup(): Waiting<Item>[] {
    let count = 0;
    for (let bytes = 0; count < this.#waiting.length; count += 1) {
      bytes += this.#waiting[count]?.bytes ?? 0;
      if (count > 0 && bytes > this.#maxGroupBytes) break;
    }
    return this.#waiting.splice(0, count);
  }
}
