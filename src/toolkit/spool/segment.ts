import { closeSync, constants, openSync, read, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withFaultPoints } from '../../core/fault-point.js';
import { createFile, NO_FOLLOW, syncDirectory } from '../durable-file.js';
import { encodeHeader, HEADER_BYTES, type Identity } from './header.js';
import type { RecordFile } from './read-records.js';

const SEGMENT = /^(\d{16})\.segment$/;
const TEMPORARY = /\.tmp$/;

/** A file of records whose sequences follow one another. */
export interface Segment {
  readonly path: string;
  /** The sequence of its first record. */
  readonly first: number;
  /** The sequence of its last record that is on the disk; `first - 1` while there is none. */
  last: number;
  /** Where that record ends. */
  size: number;
}

export function segmentPath(directory: string, first: number): string {
  return join(directory, `${String(first).padStart(16, '0')}.segment`);
}

/** The first sequences of the segments that these names stand for, in order. */
export function segmentsIn(names: readonly string[]): number[] {
  const firsts = names.flatMap((name) => SEGMENT.exec(name)?.[1] ?? []);
  return firsts.map(Number).sort((left, right) => left - right);
}

/** Names of what was being made when a process was killed. */
export function temporariesIn(names: readonly string[]): string[] {
  return names.filter((name) => TEMPORARY.test(name));
}

/** An empty segment whose name and header are on the disk when this resolves. */
export async function createSegment(
  directory: string,
  identity: Identity,
  first: number,
  released: number,
): Promise<Segment> {
  const path = segmentPath(directory, first);
  const mark = { offset: HEADER_BYTES, sequence: first - 1, released };
  await replaceFile(path, encodeHeader(identity, first, mark));
  return { path, first, last: first - 1, size: HEADER_BYTES };
}

/** Puts a whole file in place of what has this name, or of nothing. On the disk when it resolves. */
export async function replaceFile(path: string, bytes: Buffer): Promise<void> {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  await createFile(temporary, bytes, 'spool.');
  await withFaultPoints('spool.rename', () => renameSync(temporary, path));
  await withFaultPoints('spool.fsync-directory', () => syncDirectory(join(path, '..')));
}

/** A file of records, open for reading. */
export class OpenRecordFile implements RecordFile {
  readonly magic: number;
  readonly #descriptor: number;

  constructor(path: string, magic: number) {
    this.magic = magic;
    this.#descriptor = openSync(path, constants.O_RDONLY | NO_FOLLOW);
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let count = 0;
    while (count < length) {
      const step = await this.#readSome(bytes, count, offset + count);
      if (step === 0) break;
      count += step;
    }
    return bytes.subarray(0, count);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #readSome(bytes: Buffer, at: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, bytes, at, bytes.length - at, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }
}
