import type { KeyedState } from '../../core/keyed-state.js';
import { fromStored, type KnownFile, toStored } from './known-file.js';

/** Paths hold no NUL, so nothing else begins with it. */
const OBSTACLE = '\0';

/** What is known of every file, as of the last step that was handed out. */
export class Tree {
  readonly #files = new Map<string, KnownFile>();
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
      else this.#files.set(key, fromStored(value));
    }
  }

  get size(): number {
    return this.#files.size;
  }

  get(path: string): KnownFile | undefined {
    return this.#files.get(path);
  }

  paths(): IterableIterator<string> {
    return this.#files.keys();
  }

  set(path: string, file: KnownFile): void {
    this.#files.set(path, file);
    this.#byInode?.set(file.inode, path);
    this.#state.set(path, toStored(file));
  }

  delete(path: string): void {
    this.#files.delete(path);
    this.#state.delete(path);
  }

  /** The path under which an inode was known. */
  pathOf(inode: number): string | undefined {
    if (this.#files.size === 0) return undefined;
    this.#byInode ??= new Map([...this.#files].map(([path, file]) => [file.inode, path]));
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
