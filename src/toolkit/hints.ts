import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { faultPoint } from '../core/fault-point.js';
import type { Logger } from '../core/logger.js';
import { messageOf } from '../core/thrown.js';

/**
 * What the system tells of changes: hints, never the truth. A watcher for each directory; where there are no more to be
 * had, or one fails, everything is looked at from time to time instead.
 */
export class Hints {
  readonly #root: string;
  readonly #onName: ((directory: string, name: string | undefined, isListed: boolean) => void) | undefined;
  readonly #logger: Logger;
  readonly #watchers = new Map<string, FSWatcher>();
  #dirty = new Set<string>();
  #isBlind = false;
  #isClosed = false;
  #wake: (() => void) | undefined;

  /**
   * @param onName - is told each hint at once: the name within the directory where the system says it, and whether the
   * list of names changed, not just the content under one
   */
  constructor(
    root: string,
    logger: Logger,
    onName?: (directory: string, name: string | undefined, isListed: boolean) => void,
  ) {
    this.#root = root;
    this.#logger = logger;
    this.#onName = onName;
  }

  /** Whether changes are found only by looking. */
  get isBlind(): boolean {
    return this.#isBlind;
  }

  knows(directory: string): boolean {
    return this.#watchers.has(directory);
  }

  /** Before the directory is read, so that nothing is missed in between. */
  readonly watch = (directory: string): void => {
    if (this.#isBlind || this.#isClosed || this.#watchers.has(directory)) return;
    try {
      void faultPoint('hints.watch');
      const watcher = watch(join(this.#root, directory), { persistent: false }, (type, name) => {
        this.#onName?.(directory, name ?? undefined, type === 'rename');
        this.#mark(directory);
      });
      watcher.on('error', (error) => this.#lose(directory, error));
      this.#watchers.set(directory, watcher);
    } catch (error) {
      const { code } = error as { code?: unknown };
      // Gone already: its parent tells.
      if (code !== 'ENOENT' && code !== 'ENOTDIR') this.#lose(directory, error);
    }
  };

  /** The directories that something was told of since the last call. */
  take(): ReadonlySet<string> {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    return dirty;
  }

  get hasAny(): boolean {
    return this.#dirty.size > 0;
  }

  /** Directories that are not there any more have nothing to tell. */
  keepOnly(isThere: (directory: string) => boolean): void {
    for (const [directory, watcher] of this.#watchers) {
      if (isThere(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
  }

  /** Resolves with the next hint. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#wake?.();
  }

  #mark(directory: string): void {
    this.#dirty.add(directory);
    this.#wake?.();
  }

  #lose(directory: string, error: unknown): void {
    if (!this.#isBlind && !this.#isClosed) {
      const details = { directory: join(this.#root, directory), error: messageOf(error) };
      this.#logger.warn(
        details,
        'changes are found by looking at everything from time to time: no more can be watched',
      );
    }
    this.#isBlind = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }
}
