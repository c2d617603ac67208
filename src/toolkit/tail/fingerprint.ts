import { hash } from 'node:crypto';
import { fstatSync, readSync } from 'node:fs';
import { gunzip } from '../lines/gunzip.js';
import type { TailPosition } from './tail-position.js';

/** So much of the beginning of a file tells it from others; of a shorter one, what there is. */
export const HEAD_BYTES = 1_024;
/** So much before the place where reading goes on tells whether what was read is still there. */
export const TAIL_BYTES = 256;
/** So much of the first line is in the ids of events. */
const KEY_BYTES = 256;

const LINE_FEED = 10;

/** Says whether bytes are the same; 64 bits of SHA-1, which nobody has a reason to forge. */
export function hashOf(bytes: Uint8Array): string {
  return hash('sha1', bytes, 'base64url').slice(0, 11);
}

/** The beginning of a file, as much as is compared. */
export type Head = readonly [length: number, hash: string];

export function headOf(bytes: Buffer): Head {
  const head = bytes.subarray(0, HEAD_BYTES);
  return [head.length, hashOf(head)];
}

export function isWholeHead([length]: Head): boolean {
  return length === HEAD_BYTES;
}

/** Whether these bytes at the beginning of a file are those that were seen, or more. */
export function beginsWith(bytes: Buffer, [length, expected]: Head): boolean {
  return bytes.length >= length && hashOf(bytes.subarray(0, length)) === expected;
}

/** What identifies a file that begins with these bytes: its first line, or the beginning of a long one. */
export function firstLineHash(bytes: Buffer): string {
  const first = bytes.subarray(0, KEY_BYTES);
  const feed = first.indexOf(LINE_FEED);
  return hashOf(feed === -1 ? first : first.subarray(0, feed));
}

/** Bytes of an open file; fewer where it ends. */
export function readBytes(descriptor: number, length: number, position: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const count = readSync(descriptor, bytes, read, length - read, position + read);
    if (count === 0) break;
    read += count;
  }
  return bytes.subarray(0, read);
}

export function readHead(descriptor: number): Buffer {
  return readBytes(descriptor, HEAD_BYTES, 0);
}

/** How much a file has of what was read of another one: all of it, or no more than its beginning. */
export type Match = 'all' | 'part';

/** Whether an open file holds what was read up to a position. */
export function holds(descriptor: number, position: TailPosition): boolean {
  return match(descriptor, position) === 'all';
}

export function match(descriptor: number, { head, tail: [end, length, expected] }: TailPosition): Match | undefined {
  if (!beginsWith(readHead(descriptor), head)) return undefined;
  if (fstatSync(descriptor).size < end) return 'part';
  const bytes = readBytes(descriptor, length, end - length);
  return bytes.length === length && hashOf(bytes) === expected ? 'all' : undefined;
}

/** The same of a gzip file: inflated up to there. One that is damaged before that holds nothing. */
export async function matchInflated(descriptor: number, { head, tail }: TailPosition): Promise<Match | undefined> {
  const [end, length, expected] = tail;
  const from = end - length;
  const first = Buffer.alloc(HEAD_BYTES);
  const last = Buffer.alloc(length);
  let position = 0;
  let isHeadSeen = false;
  try {
    for await (const piece of gunzip(descriptor)) {
      if (position < HEAD_BYTES) piece.copy(first, position);
      if (position + piece.length > from && position < end) {
        piece.copy(last, Math.max(0, position - from), Math.max(0, from - position), Math.max(0, end - position));
      }
      position += piece.length;
      if (!isHeadSeen && position >= head[0]) {
        if (!beginsWith(first.subarray(0, head[0]), head)) return undefined;
        isHeadSeen = true;
      }
      if (isHeadSeen && position >= end) return hashOf(last) === expected ? 'all' : undefined;
    }
  } catch {
    return undefined;
  }
  return isHeadSeen ? 'part' : undefined;
}

/** The beginning of what is in an open gzip file; as far as it is not damaged. */
export async function readInflatedHead(descriptor: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  try {
    for await (const piece of gunzip(descriptor)) {
      bytes = Buffer.concat([bytes, piece.subarray(0, HEAD_BYTES)]);
      if (bytes.length >= HEAD_BYTES) break;
    }
  } catch {
    // Whoever reads it is told.
  }
  return bytes.subarray(0, HEAD_BYTES);
}
