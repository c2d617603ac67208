import type { KeyedState } from '../../core/keyed-state.js';
import { fromStored, type KnownFile, type StoredFile, toStored } from './known-file.js';

/** Paths hold no NUL, so nothing else begins with it. */
const OBSTACLE = '\0';

/** What is known of the files of a directory, by name. */
export type KnownDirectory = ReadonlyMap<string, StoredFile>;

const EMPTY: KnownDirectory = new Map();

/**
 * What is known of every file, as of the last step that was handed out. Kept by directory: one table of 100,000 paths
 * takes several times as long to search as many of a hundred names.
 */
export class Tree {
  readonly #directories = new Map<string, Map<string, StoredFile>>();
  /** Directories and names that could not be looked at, with the reason: told of once. */
  readonly #obstacles = new Map<string, string>();
  readonly #state: KeyedState;
  #byInode: Map<number, string> | undefined;
  #size = 0;
  /** The directory that was looked up last, which is mostly the one that is asked for next. */
  #lastDirectory = '';
  #lastFiles: Map<string, StoredFile>;

  constructor(state: KeyedState) {
    this.#state = state;
    this.#lastFiles = this.#filesOf('');
  }

  async load(): Promise<void> {
    for await (const [key, value] of this.#state.entries()) {
      if (key.startsWith(OBSTACLE)) this.#obstacles.set(key.slice(1), String(value));
      else this.#put(key, value as StoredFile);
    }
  }

  get size(): number {
    return this.#size;
  }

  get(path: string): KnownFile | undefined {
    const stored = this.directory(parentOf(path)).get(nameOf(path));
    return stored === undefined ? undefined : fromStored(stored);
  }

  /** The files that are known in a directory, as they change. */
  directory(path: string): KnownDirectory {
    return this.#directories.get(path) ?? EMPTY;
  }

  directories(): Iterable<readonly [path: string, files: KnownDirectory]> {
    return this.#directories;
  }

  set(path: string, file: KnownFile): void {
    const stored = toStored(file);
    this.#put(path, stored);
    this.#byInode?.set(file.inode, path);
    this.#state.set(path, stored);
  }

  delete(path: string): void {
    if (this.#directories.get(parentOf(path))?.delete(nameOf(path)) === true) this.#size -= 1;
    this.#state.delete(path);
  }

  /** The path under which an inode was known. */
  pathOf(inode: number): string | undefined {
    if (this.#size === 0) return undefined;
    if (this.#byInode === undefined) {
      this.#byInode = new Map();
      for (const [directory, files] of this.#directories) {
        for (const [name, [, , , known]] of files) this.#byInode.set(known, pathIn(directory, name));
      }
    }
    return this.#byInode.get(inode);
  }

  obstacleAt(path: string): string | undefined {
    return this.#obstacles.get(path);
  }

  obstacles(): string[] {
    return [...this.#obstacles.keys()];
  }

  setObstacle(path: string, code: string | undefined): void {
    if (code === this.#obstacles.get(path)) return;
    if (code === undefined) {
      this.#obstacles.delete(path);
      this.#state.delete(OBSTACLE + path);
    } else {
      this.#obstacles.set(path, code);
      this.#state.set(OBSTACLE + path, code);
    }
  }

  #put(path: string, stored: StoredFile): void {
    const at = path.lastIndexOf('/');
    const isInLast = Math.max(at, 0) === this.#lastDirectory.length && path.startsWith(this.#lastDirectory);
    if (!isInLast) {
      this.#lastDirectory = parentOf(path);
      this.#lastFiles = this.#filesOf(this.#lastDirectory);
    }
    const files = this.#lastFiles;
    const before = files.size;
    files.set(path.slice(at + 1), stored);
    this.#size += files.size - before;
  }

  #filesOf(directory: string): Map<string, StoredFile> {
    let files = this.#directories.get(directory);
    if (files === undefined) {
      files = new Map();
      this.#directories.set(directory, files);
    }
    return files;
  }
}

/** The directory that a path is in; '' for the root. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at === -1 ? '' : path.slice(0, at);
}

export function pathIn(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
