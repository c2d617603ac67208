import { closeSync, constants, fsync, openSync, write, writeSync, writev, writevSync } from 'node:fs';
import { withFaultPoints } from '../core/fault-point.js';

/**
 * The calls that durable files are made of. The short ones (open, link, a small write into the page cache) are made at
 * once: a trip through the thread pool costs several times the call itself. What waits for the disk never blocks.
 */

/** 0 where the platform has no such flag. */
export const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/** Up to this size a write is a copy within memory, shorter than a trip through the thread pool. */
const SHORT_WRITE_BYTES = 64 * 1024;

/** What the system takes in one call (IOV_MAX). */
const MOST_PIECES = 1024;

/** What a directory answers to fsync where the platform or file system has no such thing. */
const NO_DIRECTORY_FSYNC = new Set(['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP']);

/** Writes all of it, however often the system takes only a part. */
export async function writeFully(descriptor: number, bytes: Buffer): Promise<void> {
  const writeSome = bytes.length <= SHORT_WRITE_BYTES ? writeSync : writeLong;
  let written = 0;
  while (written < bytes.length) written += await writeSome(descriptor, bytes, written);
}

function writeLong(descriptor: number, bytes: Buffer, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, offset, bytes.length - offset, null, (error, count) =>
      error === null ? resolve(count) : reject(error),
    );
  });
}

/** Writes pieces one behind the other, from a place in the file on, however often the system takes only a part. */
export async function writeFullyAt(descriptor: number, pieces: readonly Buffer[], position: number): Promise<void> {
  let at = position;
  for (let left = pieces; left.length > 0; ) {
    const some = left.slice(0, MOST_PIECES);
    const count = await writeSomeAt(descriptor, some, at);
    at += count;
    left = [...behind(some, count), ...left.slice(MOST_PIECES)];
  }
}

function writeSomeAt(descriptor: number, pieces: readonly Buffer[], position: number): number | Promise<number> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length <= SHORT_WRITE_BYTES) return writevSync(descriptor, pieces, position);
  return new Promise((resolve, reject) => {
    writev(descriptor, pieces, position, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/** What is left of the pieces behind their first bytes. */
function behind(pieces: readonly Buffer[], count: number): Buffer[] {
  let left = count;
  for (const [index, piece] of pieces.entries()) {
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(index + 1)];
    left -= piece.length;
  }
  return [];
}

/** Resolves when what was written is on the disk. */
export function syncFile(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(descriptor, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Resolves when names made in or removed from a directory are on the disk; at once where a platform cannot say. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const descriptor = openSync(path, 'r');
    try {
      await syncFile(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (!NO_DIRECTORY_FSYNC.has(errorCode(error) ?? '')) throw error;
  }
}

/** A file that must not exist yet, readable by its owner only, on the disk when this resolves. */
export async function createFile(path: string, bytes: Buffer, faultPrefix: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
  const descriptor = openSync(path, flags, 0o600);
  try {
    await withFaultPoints(`${faultPrefix}write-temp`, () => writeFully(descriptor, bytes));
    await withFaultPoints(`${faultPrefix}fsync-temp`, () => syncFile(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** The code of a system error: 'ENOENT', 'ENOSPC'. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** What a person can do about a failed call of the file system. */
export function adviceFor(code: string | undefined): string {
  return ADVICE[code ?? ''] ?? 'see the cause';
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room there, then start again',
  EDQUOT: 'the quota of this user is used up: make room, then start again',
  EFBIG: 'the file would grow past the limit of this process or file system: raise it, or use another path',
  EACCES: 'this user may not write there: correct owner or mode, or use another path',
  EPERM: 'this is not permitted there: correct owner or mode, or use another path',
  EROFS: 'it is mounted read-only: use another path',
  ENOENT: 'the directory is missing: create it',
  ENOTDIR: 'a part of the path is a file: use another path',
  ELOOP: 'it is a symbolic link, which is refused: put a real file or directory there',
  ENOTSUP: 'this file system has no hard links: use a directory on another one',
  EMFILE: 'this process has too many files open: raise the limit',
};
