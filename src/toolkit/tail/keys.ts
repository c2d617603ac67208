/** So many keys of files that are gone are remembered. */
const MOST_RETIRED = 1_000;

/**
 * Keys begin the ids of lines: the inode of the file and the hash of its first line, which another process finds as
 * well. A file that has both of an earlier one, because it was cut off and begins with the same header, or was given
 * the inode of one that was removed, has a number behind them.
 */
export class Keys {
  /** How many files there were with the same inode and first line. */
  readonly #generations = new Map<string, number>();
  #retired: readonly string[];

  constructor(retired: readonly string[], used: Iterable<string | undefined>) {
    this.#retired = retired;
    for (const key of [...retired, ...used]) if (key !== undefined) this.#note(key);
  }

  /** Those of files that are gone, the last ones. A list that was handed out never changes. */
  get retired(): readonly string[] {
    return this.#retired;
  }

  make(inode: number, firstLine: string): string {
    const base = `${inode.toString(36)}.${firstLine}`;
    const generation = (this.#generations.get(base) ?? 0) + 1;
    this.#generations.set(base, generation);
    return generation === 1 ? base : `${base}~${generation}`;
  }

  retire(key: string | undefined): void {
    if (key === undefined) return;
    const [forgotten] = this.#retired.slice(0, -(MOST_RETIRED - 1));
    this.#retired = [...this.#retired, key].slice(-MOST_RETIRED);
    if (forgotten === undefined || this.#retired.length < MOST_RETIRED) return;
    const { base, generation } = parse(forgotten);
    if (this.#generations.get(base) === generation) this.#generations.delete(base);
  }

  #note(key: string): void {
    const { base, generation } = parse(key);
    this.#generations.set(base, Math.max(this.#generations.get(base) ?? 0, generation));
  }
}

function parse(key: string): { base: string; generation: number } {
  const [base = '', generation = '1'] = key.split('~');
  return { base, generation: Number(generation) };
}
