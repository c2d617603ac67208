import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openDatabase } from './databases.js';
import { readLines } from './judge.js';
import type { LiveVerdict } from './live.js';
import { logFolder, readCounts } from './log-writers.js';

/** What a sink is given for a gap, in the place of a line. */
export const GAP = 'gap';

/** What the sink holds in its order: lines, and gaps. */
export type Stored = (directory: string) => Promise<readonly string[]>;

export const storedInJsonl: Stored = async (directory) =>
  readLines(join(directory, 'events.jsonl')).map((line) => keyOfLogEvent(JSON.parse(line)));

export const storedInSqlite: Stored = async (directory) => {
  const { sql } = await import('kysely');
  const database = await openDatabase('sqlite', directory);
  try {
    const rows = await database.selectFrom('received').select('what').orderBy(sql`rowid`).execute();
    return rows.map(({ what }) => what);
  } finally {
    await database.destroy();
  }
};

/** Which line it is: who wrote it, and the number it was given. */
export function keyOfLogEvent(event: { type: string; data: unknown }): string {
  if (event.type === 'headwater.gap') return GAP;
  return keyOfLine((event.data as { line: string }).line);
}

function keyOfLine(line: string): string {
  const [writer, number] = line.split(' ');
  return `${writer} ${number}`;
}

/**
 * Every line that was written is an event, or was destroyed by the rotation and lies where a gap was told; nothing was
 * made up. `isOrdered`: one file after the other was written, so that the lines are in their order too. Several
 * processes that write one log begin a new file each at its own time.
 */
export function judgeLog(
  stored: Stored,
  { isOrdered }: { isOrdered: boolean },
): (directory: string, atRisk: number) => Promise<LiveVerdict> {
  return async (directory, atRisk) => {
    const keys = await stored(directory);
    const lines = keys.filter((key) => key !== GAP);
    const written = writtenKeys(directory);
    const found = new Set(lines);
    const made = [...found].filter((key) => !written.has(key));
    if (made.length > 0) throw new Error(`never written: ${made.slice(0, 5).join(', ')}`);
    const repeats = lines.length - found.size;
    if (repeats > atRisk) throw new Error(`${repeats} repeats where at most ${atRisk} were on their way`);
    const missing = [...written].filter((key) => !found.has(key));
    assertDestroyed(missing, directory);
    assertTold(new Set(missing), keys);
    if (isOrdered) assertInOrder(keys);
    return { events: found.size, repeats, gaps: keys.length - lines.length, destroyed: missing.length };
  };
}

function writtenKeys(directory: string): Set<string> {
  const keys = new Set<string>();
  for (const [writer, count] of Object.entries(readCounts(directory)))
    for (let number = 0; number < count; number += 1) keys.add(`${writer} ${number}`);
  return keys;
}

/** What is still in some file was not destroyed: not to read it is our loss. */
function assertDestroyed(missing: readonly string[], directory: string): void {
  const kept = new Map<string, string>();
  for (const name of readdirSync(logFolder(directory))) {
    for (const line of textOf(join(logFolder(directory), name)).split('\n')) kept.set(keyOfLine(line), name);
  }
  const lost = missing.filter((key) => kept.has(key));
  if (lost.length === 0) return;
  const where = lost.slice(0, 5).map((key) => `${key} of ${kept.get(key)}`);
  throw new Error(`lost: ${where.join(', ')}; ${lost.length} in all`);
}

/** Between the last line before those that are missing and the first behind them there is a gap. */
function assertTold(missing: ReadonlySet<string>, keys: readonly string[]): void {
  const firstAt = new Map<string, number>();
  for (const [at, key] of keys.entries()) if (!firstAt.has(key)) firstAt.set(key, at);
  for (const key of missing) {
    const before = neighbour(key, -1, firstAt);
    const after = neighbour(key, 1, firstAt);
    if (!keys.slice(before ?? 0, after ?? keys.length).includes(GAP)) {
      throw new Error(`${key} is missing, and there is no gap in its place`);
    }
  }
}

/** Where the nearest line of the same writer is that is there. */
function neighbour(key: string, step: number, firstAt: ReadonlyMap<string, number>): number | undefined {
  const [writer, number] = key.split(' ').map(Number) as [number, number];
  // No rotation destroys so many in a row.
  for (let distance = 1; distance < 100_000; distance += 1) {
    const at = firstAt.get(`${writer} ${number + distance * step}`);
    if (at !== undefined) return at;
    if (number + distance * step < 0) return undefined;
  }
  return undefined;
}

/** What comes first of each line; repeats begin again behind. */
function assertInOrder(keys: readonly string[]): void {
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (const key of keys) {
    if (key === GAP || seen.has(key)) continue;
    seen.add(key);
    const [writer = '', number] = key.split(' ');
    const before = last.get(writer) ?? -1;
    if (Number(number) < before) throw new Error(`line ${key} comes after line ${before}`);
    last.set(writer, Number(number));
  }
}

function textOf(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
}
