import type { KeyedState } from '../../core/keyed-state.js';
import { fromStored, type KnownFile, type StoredFile, toStored } from './known-file.js';

/** Paths hold no NUL, so nothing else begins with it. */
const OBSTACLE = '\0';

/** What is known of every file, as of the last step that was handed out. */
export class Tree {
  readonly #files = new Map<string, StoredFile>();
  /** Directories and names that could not be looked at, with the reason: told of once. */
  readonly #obstacles = new Map<string, string>();
  readonly #state: KeyedState;
  #byInode: Map<number, string> | undefined;

  constructor(state: KeyedState) {
    this.#state = state;
  }

  async load(): Promise<void> {
    for await (const [key, value] of this.#state.entries()) {
      if (key.startsWith(OBSTACLE)) this.#obstacles.set(key.slice(1), String(value));
      else this.#files.set(key, value as StoredFile);
    }
  }

  get size(): number {
    return this.#files.size;
  }

  get(path: string): KnownFile | undefined {
    const stored = this.#files.get(path);
    return stored === undefined ? undefined : fromStored(stored);
  }

  /** The same without making anything of it. */
  stored(path: string): StoredFile | undefined {
    return this.#files.get(path);
  }

  paths(): IterableIterator<string> {
    return this.#files.keys();
  }

  set(path: string, file: KnownFile): void {
    const stored = toStored(file);
    this.#files.set(path, stored);
    this.#byInode?.set(file.inode, path);
    this.#state.set(path, stored);
  }

  delete(path: string): void {
    this.#files.delete(path);
    this.#state.delete(path);
  }

  /** The path under which an inode was known. */
  pathOf(inode: number): string | undefined {
    if (this.#files.size === 0) return undefined;
    if (this.#byInode === undefined) {
      this.#byInode = new Map();
      for (const [path, [, , , known]] of this.#files) this.#byInode.set(known, path);
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
}
