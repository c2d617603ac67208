import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { CursorWrite } from '../../core/cursor-store.js';
import { withFaultPoints } from '../../core/fault-point.js';
import { errorCode, NO_FOLLOW, syncDirectory, syncFile, writeFully } from '../../toolkit/durable-file.js';
import { readWholeLines } from '../../toolkit/whole-lines.js';
import { toJsonText } from '../json-text.js';
import { corruptFile } from './damage.js';
import { newStateName } from './names.js';

/**
 * Keyed state is the sum of journals. A generation names each with the length and checksum it had then, so a save of
 * state takes effect with the generation, whatever a crash leaves behind that length. A journal is appended to only by
 * the store that began it, and only while it is exactly as long as its newest generation says: a writer that lost the
 * race can spoil no journal but its own, and begins another.
 */
export interface StateFiles {
  /** To be read in this order; later entries replace earlier ones. */
  readonly journals: readonly Journal[];
  /** How long the first journal was when all of the state was last written. */
  readonly compactedBytes: number;
  /** Journals that only earlier generations name, and the last of those: what history may still need. */
  readonly retired: readonly { readonly name: string; readonly until: number }[];
}

export interface Journal {
  readonly name: string;
  readonly bytes: number;
  readonly checksum: number;
}

export type StateDelta = CursorWrite['state'];

export const NO_STATE: StateFiles = { journals: [], compactedBytes: 0, retired: [] };

/** Reading everything again costs no more than what was appended since it was last written. */
const GROWTH_BEFORE_COMPACTION = 2;
const SMALLEST_COMPACTION_BYTES = 64 * 1024;
const MOST_JOURNALS = 16;
const WRITE_BYTES = 1024 * 1024;
const APPEND = constants.O_WRONLY | constants.O_APPEND | NO_FOLLOW;
const CREATE = APPEND | constants.O_CREAT | constants.O_EXCL;

/** The lines of a delta: `["key",value]` sets, `["key"]` deletes. Checked before anything is written. */
export function toStateLines(delta: StateDelta, sourceId: string): string[] {
  const lines = (delta?.delete ?? []).map((key) => `[${JSON.stringify(key)}]\n`);
  for (const [key, value] of Object.entries(delta?.set ?? {})) {
    const name = JSON.stringify(key);
    lines.push(value === undefined ? `[${name}]\n` : `[${name},${toJsonText(value, `state[${name}]`, sourceId)}]\n`);
  }
  return lines;
}

/** Whether so much was appended that writing the state as a whole is due. */
export function isCompactionDue({ journals, compactedBytes }: StateFiles): boolean {
  if (journals.length >= MOST_JOURNALS) return true;
  const bytes = journals.reduce((sum, journal) => sum + journal.bytes, 0);
  return bytes > GROWTH_BEFORE_COMPACTION * compactedBytes + SMALLEST_COMPACTION_BYTES;
}

/** The whole state as lines of one journal. */
export function* compactLines(state: ReadonlyMap<string, unknown>): Generator<string> {
  for (const entry of state) yield `${JSON.stringify(entry)}\n`;
}

/**
 * Appends to a journal of our own, on the disk when it resolves.
 * @returns undefined when the journal is not as its newest generation says: then another has to be begun.
 */
export async function appendToJournal(
  directory: string,
  journal: Journal,
  lines: Iterable<string>,
): Promise<Journal | undefined> {
  const descriptor = openExisting(join(directory, journal.name));
  if (descriptor === undefined) return undefined;
  try {
    if (fstatSync(descriptor).size !== journal.bytes) return undefined;
    return await writeLines(descriptor, journal, lines);
  } finally {
    closeSync(descriptor);
  }
}

/** A new journal; its name is on the disk too, before a generation can mention it. */
export async function beginJournal(directory: string, number: number, lines: Iterable<string>): Promise<Journal> {
  const name = newStateName(number);
  const descriptor = openSync(join(directory, name), CREATE, 0o600);
  try {
    const journal = await writeLines(descriptor, { name, bytes: 0, checksum: 0 }, lines);
    await syncDirectory(directory);
    return journal;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The state that these journals add up to, as far as its keys begin with `prefix`.
 * @throws CursorError 'CURSOR_CORRUPT' when a journal is shorter or other than its generation says.
 */
export async function readJournals(
  directory: string,
  journals: readonly Journal[],
  sourceId: string,
  prefix = '',
): Promise<Map<string, unknown>> {
  const state = new Map<string, unknown>();
  for (const journal of journals) await readJournal(join(directory, journal.name), journal, sourceId, prefix, state);
  return state;
}

async function readJournal(
  path: string,
  { bytes, checksum }: Journal,
  sourceId: string,
  prefix: string,
  state: Map<string, unknown>,
): Promise<void> {
  let found = 0;
  let length = 0;
  const onBytes = (part: Buffer): void => {
    found = crc32(part, found);
    length += part.length;
  };
  try {
    for await (const lines of readWholeLines(path, { length: bytes, onBytes, noFollow: true })) {
      applyLines(lines, prefix, state);
    }
  } catch (error) {
    throw error instanceof SyntaxError ? corruptFile(path, 'a line of it cannot be read', sourceId) : error;
  }
  if (length !== bytes || found !== checksum) throw corruptFile(path, 'its length or checksum is wrong', sourceId);
}

/** Lines of a journal, applied to what came before them. Parsed as one text: a call for each takes as long as the parsing. */
export function applyLines(lines: readonly string[], prefix: string, state: Map<string, unknown>): void {
  for (const line of JSON.parse(`[${lines.join(',')}]`) as [key: string, value?: unknown][]) {
    const key = line[0];
    if (typeof key !== 'string') throw new SyntaxError('a line without a key');
    if (prefix !== '' && !key.startsWith(prefix)) continue;
    if (line.length === 1) state.delete(key);
    else state.set(key, line[1]);
  }
}

async function writeLines(descriptor: number, journal: Journal, lines: Iterable<string>): Promise<Journal> {
  const { name } = journal;
  let { bytes, checksum } = journal;
  const append = async (): Promise<void> => {
    for (const block of toBlocks(lines)) {
      await writeFully(descriptor, block);
      bytes += block.length;
      checksum = crc32(block, checksum);
    }
  };
  await withFaultPoints('cursor-file.journal-append', append);
  await withFaultPoints('cursor-file.journal-fsync', () => syncFile(descriptor));
  return { name, bytes, checksum };
}

function* toBlocks(lines: Iterable<string>): Generator<Buffer> {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length < WRITE_BYTES) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, APPEND);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
