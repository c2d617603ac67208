import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FatalError } from '../../core/errors.js';
import { NO_FOLLOW } from '../durable-file.js';
import { HEADER_BYTES, type Identity, readIdentity, readMark } from './header.js';
import { readRecords } from './read-records.js';
import type { StoredRecord } from './record.js';
import { OpenRecordFile, type Segment, segmentPath, segmentsIn, temporariesIn } from './segment.js';

/** Records that were promised and cannot be read. */
interface Hole {
  readonly from: number;
  readonly to: number;
  readonly path: string;
}

/** The segments of a directory, by their first sequences, in order. What a crash left half made is removed. */
export function findSegments(directory: string): number[] {
  const names = readdirSync(directory);
  for (const name of temporariesIn(names)) rmSync(join(directory, name), { force: true });
  return segmentsIn(names);
}

/**
 * What these segments belong to; `undefined` where there are none.
 * @throws FatalError 'SPOOL_CORRUPT' where none of them says it, or one says something else
 */
export function findIdentity(directory: string, firsts: readonly number[]): Identity | undefined {
  const identities = firsts.map((first) => ({
    first,
    found: readIdentity(readHeader(segmentPath(directory, first)).header),
  }));
  const { found: identity } = identities.find(({ found }) => found !== undefined) ?? {};
  for (const { first, found } of identities) {
    if (identity !== undefined && (found === undefined || (found.id === identity.id && found.first === first)))
      continue;
    const path = segmentPath(directory, first);
    const what = found === undefined ? 'cannot be read as a segment of a spool' : 'belongs to another spool';
    throw new FatalError(
      `${path} ${what}: move it out of the directory and open the spool again; what it holds is then not delivered`,
      { code: 'SPOOL_CORRUPT' },
    );
  }
  return identity;
}

/**
 * Reads every record of the segments that a process has left. What a crash tore off the last of them is left out; what
 * is damaged in front of that is passed over, and told.
 */
export class Recovery {
  readonly segments: Segment[] = [];
  /** The slot of the newest mark of the last segment. */
  turn = 0;
  /** The last sequence that the consumer has acknowledged. */
  released = 0;
  /** How much of the last segment was never promised. */
  tornBytes = 0;
  /** Whether the last segment ends with what was promised and cannot be read. */
  isEndDamaged = false;
  readonly #directory: string;
  readonly #identity: Identity;
  readonly #onRecord: (record: StoredRecord) => void;
  readonly #holes: Hole[] = [];

  constructor(directory: string, identity: Identity, onRecord: (record: StoredRecord) => void) {
    this.#directory = directory;
    this.#identity = identity;
    this.#onRecord = onRecord;
  }

  /** What was promised, was not acknowledged, and cannot be read, as sentences. */
  get damage(): string[] {
    const first = this.segments[0]?.first ?? 1;
    const missing = { from: this.released + 1, to: first - 1, path: this.#directory };
    return [missing, ...this.#holes]
      .filter(({ from, to }) => to > this.released && to >= from)
      .map(({ from, to, path }) => `records ${from} to ${to} of the spool cannot be read any more from ${path}`);
  }

  /** @param next the first sequence of the segment behind it; `undefined` for the last one */
  async read(first: number, next: number | undefined): Promise<void> {
    const path = segmentPath(this.#directory, first);
    const { header, size } = readHeader(path);
    const mark = readMark(header);
    this.released = Math.max(this.released, mark?.released ?? 0);
    this.turn = mark?.turn ?? 0;
    this.isEndDamaged = false;
    const segment = { path, first, last: first - 1, size: Math.min(HEADER_BYTES, size) };
    this.segments.push(segment);
    const promised = next === undefined ? Math.min(mark?.offset ?? size, size) : size;
    const promisedLast = next === undefined ? mark?.sequence : next - 1;
    const file = new OpenRecordFile(path, this.#identity.magic);
    try {
      await this.#readPromised(file, segment, promised, promisedLast);
      await this.#readUnpromised(file, segment, size);
    } finally {
      file.close();
    }
    this.tornBytes = size - segment.size;
  }

  /** @param last the last sequence; `undefined` when that is not known, and what is torn at the end was not promised */
  async #readPromised(file: OpenRecordFile, segment: Segment, end: number, last: number | undefined): Promise<void> {
    for await (const { records, to } of readRecords(file, segment.size, end)) {
      if (records !== undefined) this.#take(segment, records, to);
      else if (to < end || last !== undefined) segment.size = to;
      this.isEndDamaged = records === undefined && segment.size === to;
    }
    if (last !== undefined) this.#expect(segment, last + 1);
  }

  /** Written, and perhaps not flushed, when the process or the machine stopped: it counts as far as it is whole. */
  async #readUnpromised(file: OpenRecordFile, segment: Segment, size: number): Promise<void> {
    for await (const { records, to } of readRecords(file, segment.size, size)) {
      if (!records?.every(({ sequence }, index) => sequence === segment.last + 1 + index)) return;
      this.#take(segment, records, to);
    }
  }

  #take(segment: Segment, records: readonly StoredRecord[], end: number): void {
    for (const record of records) {
      this.#expect(segment, record.sequence);
      segment.last = record.sequence;
      this.#onRecord(record);
    }
    segment.size = end;
  }

  #expect(segment: Segment, sequence: number): void {
    if (sequence <= segment.last + 1) return;
    this.#holes.push({ from: segment.last + 1, to: sequence - 1, path: segment.path });
    segment.last = sequence - 1;
  }
}

function readHeader(path: string): { header: Buffer; size: number } {
  const descriptor = openSync(path, constants.O_RDONLY | NO_FOLLOW);
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const length = readSync(descriptor, header, 0, HEADER_BYTES, 0);
    return { header: header.subarray(0, length), size: fstatSync(descriptor).size };
  } finally {
    closeSync(descriptor);
  }
}
