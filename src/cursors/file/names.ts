import { createHash, randomUUID } from 'node:crypto';

const READABLE_LENGTH = 40;
const SOURCE_DIRECTORY = /-[0-9a-f]{40}$/;
const GENERATION = /^(\d{16})\.cursor$/;
const STATE = /^state-(\d{16})-[0-9a-f]+\.jsonl$/;
const TEMPORARY = /^[0-9a-f]+\.tmp$/;

/** The files of one source, by what their names say. */
export interface Listing {
  /** Newest first. */
  readonly generations: readonly number[];
  readonly stateFiles: readonly { readonly name: string; readonly number: number }[];
  readonly temporaries: readonly string[];
}

/**
 * The directory of a source: readable letters that no platform gives a meaning to, and a hash that tells apart what they
 * do not. The hash is of the UTF-16 units, so that even ids which are no valid Unicode differ; it is in lower case, so
 * that ids which differ in case do not meet on a file system that ignores it.
 */
export function directoryNameOf(sourceId: string): string {
  const readable = sourceId
    .slice(0, READABLE_LENGTH)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  const hash = createHash('sha256').update(sourceId, 'utf16le').digest('hex').slice(0, 40);
  return `source-${readable}-${hash}`;
}

export function isSourceDirectory(name: string): boolean {
  return SOURCE_DIRECTORY.test(name);
}

export function generationName(number: number): string {
  return `${pad(number)}.cursor`;
}

/** `number` is the first generation that may name the file. */
export function newStateName(number: number): string {
  return `state-${pad(number)}-${randomHex()}.jsonl`;
}

export function newTemporaryName(): string {
  return `${randomHex()}.tmp`;
}

/** Names of other shapes are somebody else's files, and left alone. */
export function readListing(names: readonly string[]): Listing {
  const generations: number[] = [];
  const stateFiles: { name: string; number: number }[] = [];
  for (const name of names) {
    const generation = GENERATION.exec(name)?.[1];
    const state = STATE.exec(name)?.[1];
    if (generation !== undefined) generations.push(Number(generation));
    if (state !== undefined) stateFiles.push({ name, number: Number(state) });
  }
  generations.sort((left, right) => right - left);
  return { generations, stateFiles, temporaries: names.filter((name) => TEMPORARY.test(name)) };
}

function pad(number: number): string {
  return String(number).padStart(16, '0');
}

function randomHex(): string {
  return randomUUID().replaceAll('-', '');
}
