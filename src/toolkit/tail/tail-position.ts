import type { Head } from './fingerprint.js';

/** Where reading stands in one file, and how the file is known again. Plain data, a part of cursors. */
export interface TailPosition {
  /** The name under which it was written to, relative to the root where it is below it. */
  readonly path: string;
  /** The name that it has, where it is another one. */
  readonly place?: string | undefined;
  readonly inode: number;
  readonly device: number;
  /** Begins the ids of its lines. Stays the same when the file is renamed, copied or compressed. */
  readonly key?: string | undefined;
  /** The byte at which the next line begins. */
  readonly offset: number;
  /** How many of its first bytes were seen, up to 1,024, and their hash. */
  readonly head: Head;
  /** A byte at `offset` or before it, and the hash of so many bytes in front of that. */
  readonly tail: readonly [end: number, length: number, hash: string];
  /** When it was last written to, as of the last look, in milliseconds since the epoch. */
  readonly modified: number;
  /**
   * 'rotated': it has, or had, another name by now. 'cut': what was read is in a copy, and a gap is to be told behind it.
   * 'complete': nobody is expected to write to it again.
   */
  readonly state?: 'rotated' | 'cut' | 'complete' | undefined;
}

/**
 * The positions of all files, in the order in which the files came to be known. A list that was handed out never
 * changes; the next change makes another one, which shares the positions with it.
 */
export class Positions<File extends object> {
  #all: TailPosition[] = [];
  #indices = new Map<File, number>();
  #isHandedOut = false;

  get all(): readonly TailPosition[] {
    this.#isHandedOut = true;
    return this.#all;
  }

  get files(): Iterable<File> {
    return this.#indices.keys();
  }

  has(file: File): boolean {
    return this.#indices.has(file);
  }

  get(file: File): TailPosition {
    return this.#all[this.#indexOf(file)] as TailPosition;
  }

  add(file: File, position: TailPosition): void {
    this.#own().push(position);
    this.#indices.set(file, this.#all.length - 1);
  }

  set(file: File, position: TailPosition): void {
    const index = this.#indexOf(file);
    this.#own()[index] = position;
  }

  /** All of them as they are now, later with others for some of the files. */
  snapshot(): (changes: Iterable<readonly [File, TailPosition]>) => readonly TailPosition[] {
    const { all } = this;
    // Files are added to it behind those that are in `all`, and taken out of a copy of it.
    const indices = this.#indices;
    return (changes) => {
      const changed = [...all];
      for (const [file, position] of changes) {
        const index = indices.get(file);
        if (index !== undefined && index < all.length) changed[index] = position;
      }
      return changed;
    };
  }

  remove(file: File): void {
    this.#own().splice(this.#indexOf(file), 1);
    this.#indices.delete(file);
    this.#indices = new Map([...this.#indices.keys()].map((each, index) => [each, index]));
  }

  #own(): TailPosition[] {
    if (this.#isHandedOut) this.#all = [...this.#all];
    this.#isHandedOut = false;
    return this.#all;
  }

  #indexOf(file: File): number {
    const index = this.#indices.get(file);
    if (index === undefined) throw new Error('this file is not known');
    return index;
  }
}
