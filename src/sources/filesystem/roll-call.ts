import type { Slice } from '../../toolkit/walker.js';
import type { Scope } from './look.js';
import { type KnownDirectory, parentOf, pathIn, type Tree } from './tree.js';

/** A directory whose files are being looked at. */
interface Called {
  readonly directory: string;
  readonly known: KnownDirectory;
  /** How many were known before. */
  readonly expected: number;
  /** How many of them are there. */
  found: number;
  readonly slices: Slice[];
}

/** Finds the known files that are not there any more: of each directory that was looked at, and of those that are gone. */
export class RollCall {
  readonly #tree: Tree;
  readonly #scope: Scope;
  readonly #done = new Set<string>();
  /** Directories that were listed in another, whether or not they were entered. */
  readonly #listed = new Set<string>();
  #missing: string[] = [];
  #called: Called | undefined;

  constructor(tree: Tree, scope: Scope) {
    this.#tree = tree;
    this.#scope = scope;
  }

  /** A directory is there. */
  list(directory: string): void {
    this.#listed.add(directory);
  }

  /** More files of a directory were found; gives what was known of it. */
  call(slice: Slice): KnownDirectory {
    if (this.#called?.directory !== slice.directory) {
      this.#finish();
      const known = this.#tree.directory(slice.directory);
      this.#called = { directory: slice.directory, known, expected: known.size, found: 0, slices: [] };
    }
    this.#called.slices.push(slice);
    return this.#called.known;
  }

  /** One of them was known. */
  answer(): void {
    if (this.#called !== undefined) this.#called.found += 1;
  }

  /** The paths of all that are missing, once everything was looked at. */
  missing(): string[] {
    this.#finish();
    for (const [directory, files] of this.#tree.directories()) {
      if (files.size === 0 || this.#done.has(directory) || !this.#isGone(directory)) continue;
      for (const name of files.keys()) this.#missing.push(pathIn(directory, name));
    }
    return this.#missing;
  }

  #finish(): void {
    const { directory, known, expected, found, slices } = this.#called ?? NONE;
    this.#called = undefined;
    if (directory === undefined) return;
    this.#done.add(directory);
    if (found === expected) return;
    const there = new Set(slices.flatMap(({ files }) => files.map(({ name }) => name)));
    for (const name of known.keys()) if (!there.has(name)) this.#missing.push(pathIn(directory, name));
  }

  /** Looked at without a file in it, or below a directory that was looked at and does not list it any more. */
  #isGone(directory: string): boolean {
    const { directories } = this.#scope;
    if (directories === undefined || directories.has(directory)) return true;
    for (let child = directory; child !== ''; child = parentOf(child)) {
      if (directories.has(parentOf(child))) return !this.#listed.has(child);
    }
    return false;
  }
}

const NONE = { directory: undefined, known: undefined, expected: 0, found: 0, slices: [] };
