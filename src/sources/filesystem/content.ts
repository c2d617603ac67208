import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  read as readCallback,
  readSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { dirname, sep } from 'node:path';
import { promisify } from 'node:util';
import type { FoundFile } from '../../toolkit/walker.js';

const read = promisify(readCallback);

/** Bytes asked for at once. */
const CHUNK = 131_072;

/** Where files are read, and who counts what is read of them. */
export interface Ground {
  /** The real path of the directory. */
  readonly root: string;
  onBytes(count: number): void;
}

/** The file is not what was looked at: gone, replaced, written to. It is looked at again. */
export class FileMovedError extends Error {}

/**
 * A file that is open, and that is the one which was looked at: a regular file with the same identity, below the root.
 * Whether it was written to since is told by `isUnchanged`.
 */
export class OpenFile {
  readonly #descriptor: number;
  readonly #buffer: Buffer;
  readonly stats: Stats;
  readonly #ground: Ground;
  #position: number;

  /** @throws FileMovedError, or the error of the operating system */
  constructor(ground: Ground, { full, stats, isLink }: FoundFile, from = 0) {
    this.#ground = ground;
    // A FIFO would wait for a writer, a device might do anything, and a link may lead anywhere.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (isLink ? 0 : (constants.O_NOFOLLOW ?? 0));
    this.#descriptor = openSync(full, flags);
    this.#position = from;
    try {
      this.stats = fstatSync(this.#descriptor);
      const isSame = this.stats.isFile() && this.stats.ino === stats.ino && this.stats.dev === stats.dev;
      if (!isSame || !isBelow(realpathSync(isLink ? full : dirname(full)), ground.root)) throw new FileMovedError();
    } catch (error) {
      this.close();
      throw error;
    }
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, Math.max(1, this.stats.size - from + 1)));
  }

  /** The next bytes, valid until the next call; empty at the end. The first are there at once: most files are small. */
  async next(): Promise<Buffer> {
    const length =
      this.#position === 0
        ? readSync(this.#descriptor, this.#buffer, 0, this.#buffer.length, 0)
        : (await read(this.#descriptor, this.#buffer, 0, this.#buffer.length, this.#position)).bytesRead;
    this.#position += length;
    this.#ground.onBytes(length);
    return this.#buffer.subarray(0, length);
  }

  isUnchanged(): boolean {
    const now = fstatSync(this.#descriptor);
    const { size, mtimeMs, ctimeMs } = this.stats;
    return now.size === size && now.mtimeMs === mtimeMs && now.ctimeMs === ctimeMs;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The whole content and its hash. @throws FileMovedError when it was written to meanwhile */
export async function readWhole(ground: Ground, file: FoundFile): Promise<{ bytes: Buffer; hash: string }> {
  const parts: Buffer[] = [];
  const hash = await readThrough(ground, file, (bytes) => parts.push(Buffer.from(bytes)));
  return { bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), hash };
}

/** The hash alone, however large the file is. @throws FileMovedError when it was written to meanwhile */
export function hashFile(ground: Ground, file: FoundFile): Promise<string> {
  return readThrough(ground, file, () => {});
}

async function readThrough(ground: Ground, file: FoundFile, take: (bytes: Buffer) => void): Promise<string> {
  const open = new OpenFile(ground, file);
  try {
    const hash = startHash();
    for (let bytes = await open.next(); bytes.length > 0; bytes = await open.next()) {
      hash.update(bytes);
      take(bytes);
    }
    if (!open.isUnchanged()) throw new FileMovedError();
    return hash.digest('hex');
  } finally {
    open.close();
  }
}

export function startHash(): Hash {
  return createHash('sha256');
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root + sep);
}
