import { createHash } from 'node:crypto';
import type { CursorRecord } from '../../core/cursor-store.js';
import { CursorError } from '../../core/errors.js';
import type { LeaseState } from '../lease-state.js';
import { corruptFile } from './damage.js';
import { NO_STATE, type StateFiles } from './state-files.js';

/**
 * All there is to know of one source at one moment. Every change (save, delete, lease) writes a new one, under the next
 * number; none is ever written to again.
 */
export interface Generation {
  /** The true id: the directory's name holds only a hash of it. */
  readonly sourceId: string;
  /** Tells this from any other generation that was meant for the same number. */
  readonly id: string;
  /** The `id` of the generation this one was made from. */
  readonly previous: string;
  /** Absent before the first save and after a delete. */
  readonly record?: CursorRecord | undefined;
  readonly lease?: LeaseState | undefined;
  readonly state: StateFiles;
  /** The numbers of the generations that hold the earlier records, newest first. */
  readonly history: readonly number[];
}

/** What a change decides; the rest follows from where it is put. */
export type Draft = Pick<Generation, 'record' | 'lease' | 'state' | 'history'>;

export interface NumberedGeneration {
  readonly number: number;
  readonly generation: Generation;
}

const MAGIC = 'headwater-cursor';
const FORMAT_VERSION = 1;
const HEADER = /^headwater-cursor (\d+) ([0-9a-f]{64})$/;

/** What there is before anything was written. */
export function emptyGeneration(sourceId = ''): NumberedGeneration {
  return { number: 0, generation: { sourceId, id: '', previous: '', state: NO_STATE, history: [] } };
}

/** One line with format version and checksum, one line of JSON. */
export function encodeGeneration(generation: Generation): Buffer {
  const body = JSON.stringify(generation);
  return Buffer.from(`${MAGIC} ${FORMAT_VERSION} ${checksum(body)}\n${body}\n`);
}

/**
 * @throws CursorError 'CURSOR_UNSUPPORTED_VERSION' for what a later release wrote, 'CURSOR_CORRUPT' for what is torn,
 *   damaged or another source's.
 */
export function decodeGeneration(bytes: Buffer, file: string, sourceId: string | undefined): Generation {
  const text = bytes.toString('utf8');
  const headerEnd = text.indexOf('\n');
  const header = HEADER.exec(text.slice(0, headerEnd));
  if (header === null) throw corruptFile(file, 'it has no header', sourceId);
  if (Number(header[1]) > FORMAT_VERSION) throw unsupportedFile(file, Number(header[1]), sourceId);
  const body = text.slice(headerEnd + 1, -1);
  if (checksum(body) !== header[2] || !text.endsWith('\n')) throw corruptFile(file, 'its checksum is wrong', sourceId);
  const generation = JSON.parse(body) as Generation;
  if (sourceId === undefined || generation.sourceId === sourceId) return generation;
  throw corruptFile(file, `it belongs to source "${generation.sourceId}"`, sourceId);
}

function unsupportedFile(file: string, version: number, sourceId: string | undefined): CursorError {
  return new CursorError(
    `${file} has format version ${version}, this release reads up to ${FORMAT_VERSION}. It was not touched: ` +
      'use the release that wrote it, or a later one',
    { code: 'CURSOR_UNSUPPORTED_VERSION', sourceId },
  );
}

function checksum(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
