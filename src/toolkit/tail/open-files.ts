import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { faultPoint } from '../../core/fault-point.js';
import type { TailedFile } from './tailed-file.js';

/** The name leads to something else by now. */
export class FileMovedError extends Error {}

/**
 * The descriptors of files, so many at most: the least recently used is closed, unless its file was rotated. That one
 * may have no name by which to open it again.
 */
export class OpenFiles {
  readonly #root: string;
  readonly #most: number;
  /** In the order of their last use. */
  readonly #descriptors = new Map<TailedFile, number>();

  constructor(root: string, most: number) {
    this.#root = root;
    this.#most = most;
  }

  has(file: TailedFile): boolean {
    return this.#descriptors.has(file);
  }

  /**
   * @throws FileMovedError when its name leads elsewhere, FileChangedError when it does not hold what was read, or the
   * error of the operating system
   */
  open(file: TailedFile): number {
    const open = this.#descriptors.get(file);
    if (open !== undefined) {
      this.#descriptors.delete(file);
      this.#descriptors.set(file, open);
      return open;
    }
    if (file.place === undefined) throw new FileMovedError();
    void faultPoint(`tail.open:${file.place}`);
    // A FIFO would wait for a writer, a device might do anything.
    const descriptor = openSync(resolve(this.#root, file.place), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = fstatSync(descriptor);
      if (!stats.isFile() || stats.ino !== file.inode) throw new FileMovedError();
      file.check(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    this.#descriptors.set(file, descriptor);
    this.#closeOldest();
    return descriptor;
  }

  close(file: TailedFile): void {
    const descriptor = this.#descriptors.get(file);
    if (descriptor === undefined) return;
    this.#descriptors.delete(file);
    closeSync(descriptor);
  }

  closeAll(): void {
    for (const file of [...this.#descriptors.keys()]) this.close(file);
  }

  #closeOldest(): void {
    if (this.#descriptors.size <= this.#most) return;
    for (const file of this.#descriptors.keys()) {
      if (file.rotatedAt === undefined) return this.close(file);
    }
  }
}
