import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileCursorStore } from '../../src/index.js';
import { type DialectName, openDatabase } from './databases.js';
import { EVENTS } from './scenario.js';
import { keyOfFileEvent, treeKeys } from './tree.js';

/** What a directory holds after all its runs. */
export interface Verdict {
  events: number;
  repeats: number;
}

/** `atRisk`: how many events may come again. @throws an error that says what was lost, repeated or made up */
export type Judge = (directory: string, atRisk: number) => Promise<Verdict>;

export function judgeEvents(expected: (directory: string) => readonly string[]): Judge {
  return async (directory, atRisk) => compare(readIds(join(directory, 'events.jsonl')), expected(directory), atRisk);
}

/** Files are named by what they hold; an id holds the version, which is another one in every tree. */
export const judgeFiles: Judge = async (directory, atRisk) => {
  const events = readLines(join(directory, 'events.jsonl')).map(
    (line) => JSON.parse(line) as { id: string; type: string; data: unknown },
  );
  if (new Set(events.map(({ id }) => id)).size !== new Set(events.map(keyOfFileEvent)).size)
    throw new Error('the same event came with different ids');
  return compare(events.map(keyOfFileEvent), treeKeys(), atRisk);
};

/** The rows of the host's table, which has no key: a row that was stored twice is there twice. */
export function judgeRows(dialect: DialectName, expected: (directory: string) => readonly string[]): Judge {
  return async (directory) => {
    const database = await openDatabase(dialect, directory);
    try {
      const rows = await database.selectFrom('received').select('what').execute();
      const stored = rows.map(({ what }) => what).filter((what) => !what.startsWith('git.branch'));
      return compare(stored, expected(directory), 0);
    } finally {
      await database.destroy();
    }
  };
}

function compare(keys: readonly string[], wanted: readonly string[], atRisk: number): Verdict {
  const distinct = new Set(keys);
  const lost = wanted.filter((key) => !distinct.has(key));
  if (lost.length > 0) throw new Error(`lost: ${lost.slice(0, 5).join(', ')} and ${lost.length} in all`);
  const known = new Set(wanted);
  const made = [...distinct].filter((key) => !known.has(key));
  if (made.length > 0) throw new Error(`never sent: ${made.slice(0, 5).join(', ')}`);
  const repeats = keys.length - distinct.size;
  if (repeats > atRisk) throw new Error(`${repeats} repeats where at most ${atRisk} were on their way`);
  return { events: distinct.size, repeats };
}

/** Every accepted save counted, none twice. */
export const judgeCounter: Judge = async (directory) => {
  const accepted = readLines(join(directory, 'accepted.txt')).map(Number);
  const store = new FileCursorStore(join(directory, 'cursors'));
  const record = await store.load('torture');
  const last = (record?.cursor as { next: number } | undefined)?.next ?? 0;
  if (new Set(accepted).size !== accepted.length)
    throw new Error('two processes were told that the same save was theirs');
  if (accepted.some((value) => value > last)) throw new Error('an accepted save is gone');
  let keys = 0;
  for await (const _entry of store.loadState('torture')) keys += 1;
  if (keys !== last) throw new Error(`${keys} keys of state beside ${last} saves`);
  return { events: last, repeats: 0 };
};

/** Events stored and not covered by the saved position: what a kill at this moment brings again. */
export async function eventsAtRisk(directory: string): Promise<number> {
  const stored = new Set(readIds(join(directory, 'events.jsonl'))).size;
  return Math.max(0, stored - (await savedPosition(directory)));
}

async function savedPosition(directory: string): Promise<number> {
  const upstream = join(directory, 'upstream.txt');
  if (existsSync(upstream)) return Number(readFileSync(upstream, 'utf8'));
  const record = await new FileCursorStore(join(directory, 'cursors')).load('torture');
  return (record?.cursor as { next?: number } | undefined)?.next ?? 0;
}

export function numbered(): readonly string[] {
  return Array.from({ length: EVENTS }, (_, index) => `event-${index}`);
}

export function counted(): readonly string[] {
  return Array.from({ length: EVENTS }, (_, index) => `key-${index % 7}:${Math.floor(index / 7) + 1}`);
}

export function commits(directory: string): readonly string[] {
  const repository = join(directory, 'repository');
  const hashes = execFileSync('git', ['rev-list', '--all'], { cwd: repository, encoding: 'utf8' });
  return hashes.trim().split('\n');
}

export function storedCommits(directory: string): readonly string[] {
  return commits(directory).map((hash) => `git.commit ${hash}`);
}

function readIds(file: string): string[] {
  return readLines(file).flatMap((line) => {
    const event = JSON.parse(line) as { id: string; type: string };
    return event.type === 'torture.event' || event.type === 'git.commit' ? [event.id] : [];
  });
}

/** The lines of the file that a scenario writes. */
export const linesOfJsonl = async (directory: string): Promise<readonly string[]> =>
  readLines(join(directory, 'events.jsonl'));

/** Whole lines: a torn last one is what a kill leaves, and the sink mends it. */
export function readLines(file: string): string[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '');
}
