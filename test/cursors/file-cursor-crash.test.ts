import { appendFileSync, cpSync, readFileSync, statSync, truncateSync, unlinkSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileCursorStore } from '../../src/cursors/file/index.js';
import { inParallel, Program } from '../support/program.js';
import { AFTER, runStep, SOURCE_ID, STEPS } from './crash-steps.js';
import { filesBelow, makeDirectory } from './scratch.js';

interface Killed {
  /** Where: 'cursor-file.link.before'. */
  readonly point: string;
  /** The last step that was promised. */
  readonly done: number;
  readonly directory: string;
}

const LAST_WRITE = {
  sourceId: SOURCE_ID,
  sourceType: 'test',
  origin: 'o',
  cursorVersion: 1,
  writer: 'w',
  cursor: 'last',
};

describe('FileCursorStore, killed', () => {
  let program: Program;
  const { directory: root, dispose } = makeDirectory();
  let points: readonly string[] = [];
  const killed: Killed[] = [];

  beforeAll(async () => {
    program = await Program.build(new URL('./programs/killed-at.ts', import.meta.url));
    const whole = await program.run(join(root, 'whole'), -1);
    points = whole.lines.filter((line) => line.startsWith('point ')).map((line) => line.slice('point '.length));
    await inParallel([...points.entries()].filter(leavesItsOwnTraces), async ([index, point]) => {
      const directory = join(root, `${index}`);
      const { signal, lines, errors } = await program.run(directory, index);
      if (signal !== 'SIGKILL') throw new Error(`it was not killed at ${point}: ${errors}`);
      killed.push({ point, done: lines.length, directory });
    });
  }, 60_000);

  afterAll(() => {
    program.dispose();
    dispose();
  });

  it('passes every fault point there is', () => {
    const steps = ['journal-append', 'journal-fsync', 'write-temp', 'fsync-temp', 'link', 'fsync-directory', 'prune'];
    const names = steps.flatMap((step) => [`cursor-file.${step}.before`, `cursor-file.${step}.after`]);
    expect([...new Set(points)].sort()).toEqual(names.sort());
    expect(new Set(killed.map(({ done }) => done)).size).toBe(STEPS);
  });

  it('CU1: killed at every step of a save, load returns the old or the new record, with its state', async () => {
    for (const { point, done, directory } of killed) {
      const found = await whatIsIn(directory);
      expect([AFTER[done], AFTER[done + 1]], `killed at ${point} after step ${done}`).toContainEqual(found);
    }
  });

  it('CU1: what was promised is there though all that was not flushed is lost with the power', async () => {
    for (const { point, done, directory } of killed) {
      const copy = `${directory}-power`;
      cpSync(directory, copy, { recursive: true, errorOnExist: false, force: true });
      losePower(copy, point, done);
      const found = await whatIsIn(copy);
      expect([AFTER[done], AFTER[done + 1]], `power cut at ${point} after step ${done}`).toContainEqual(found);
    }
  });

  it('CU1: the next process goes on from there, and cleans up', async () => {
    for (const { point, done, directory } of killed) {
      const store = new FileCursorStore(directory, { history: 1 });
      const found = await whatIsIn(directory);
      const step = sameAs(found, done + 1) ? done + 2 : done + 1;
      for (const path of filesBelow(directory)) if (path.endsWith('.tmp')) utimesSync(path, 0, 0);
      for (let next = step; next <= STEPS; next += 1) await runStep(store, next).catch(ignoreHeldLease);
      expect(await whatIsIn(directory), `after ${point}`).toEqual(AFTER[STEPS]);
      await new FileCursorStore(directory, { history: 1 }).save(LAST_WRITE, { expectedRevision: 1 });
      expect(filesBelow(directory).map(kindOf), `after ${point}`).toEqual(['cursor', 'cursor', 'jsonl']);
    }
  });
});

/** Between these and the points before them nothing happens to any file: killed there, all is as it was there. */
function leavesItsOwnTraces([, point]: [number, string]): boolean {
  return !/(fsync-temp|link|journal-fsync)\.before$/.test(point);
}

/** Removes what a disk need not have yet: a name that was not flushed, the bytes of a file that was not. */
function losePower(directory: string, point: string, done: number): void {
  const files = filesBelow(directory);
  for (const path of files.filter((name) => name.endsWith('.tmp')))
    truncateSync(path, Math.floor(statSync(path).size / 2));
  const isUnflushedName = point === 'cursor-file.link.after' || point === 'cursor-file.fsync-directory.before';
  const newest = files.filter((name) => name.endsWith('.cursor')).at(-1);
  if (isUnflushedName && newest !== undefined) unlinkSync(newest);
  const isUnflushedJournal = point === 'cursor-file.journal-append.after';
  if (isUnflushedJournal) tearJournals(directory, done);
}

/** Leaves every journal as long as the newest record says, and garbage after it, or less where none names it. */
function tearJournals(directory: string, done: number): void {
  const files = filesBelow(directory);
  const record = files.filter((name) => name.endsWith('.cursor')).at(-1);
  const journals = record === undefined || done === 0 ? [] : journalsIn(record);
  for (const path of files.filter((name) => name.endsWith('.jsonl'))) {
    const promised = journals.find(({ name }) => name === basename(path))?.bytes ?? 0;
    truncateSync(path, promised);
    appendFileSync(path, '["torn');
  }
}

function journalsIn(record: string): { name: string; bytes: number }[] {
  const [, body = ''] = readFileSync(record, 'utf8').split('\n');
  return (JSON.parse(body) as { state: { journals: { name: string; bytes: number }[] } }).state.journals;
}

async function whatIsIn(directory: string): Promise<(typeof AFTER)[number]> {
  const store = new FileCursorStore(directory);
  const record = await store.load(SOURCE_ID);
  const state: Record<string, string> = {};
  for await (const [key, value] of store.loadState(SOURCE_ID)) state[key] = value as string;
  if (record !== undefined) expect(record.cursor).toEqual({ revision: record.revision });
  return { revision: record?.revision ?? 0, state };
}

function sameAs(found: object, step: number): boolean {
  return JSON.stringify(found) === JSON.stringify(AFTER[step]);
}

/** The killed process may have had the lease already. */
function ignoreHeldLease(error: { code?: string }): void {
  if (error.code !== 'LEASE_HELD') throw error;
}

function kindOf(path: string): string {
  return path.split('.').at(-1) ?? '';
}
