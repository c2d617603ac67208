import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { type Bench, compared, cpuMilliseconds, paired } from './measure.js';

type SpoolModule = typeof import('../src/toolkit/spool/spool.js');

const WRITERS = 64;
const RECORDS = 6_400;
const RECORD_BYTES = 8 * 1024;

/** What takes a record and says when it is on the disk. */
type Append = (value: Buffer, index: number) => Promise<unknown>;

/** Records from many writers at once, each waiting until its own is on the disk, beside a loop written by hand. */
export const spool: Bench = {
  name: 'spool',
  async *rows() {
    const { module, dispose } = await bundled();
    try {
      yield* spoolRows(module);
    } finally {
      dispose();
    }
  },
};

async function* spoolRows({ Spool }: SpoolModule) {
  const clock = { now: () => Date.now(), sleep: () => Promise.resolve() };
  const walls = { ours: 0, rival: 0, runs: 0 };
  const spooled = (): Promise<void> =>
    inDirectory(async (directory) => {
      const spool = await Spool.open({ directory: join(directory, 'spool'), clock });
      walls.ours += await write((value, index) => spool.append({ key: `delivery-${index}`, value }));
      await spool.close();
    });
  const consumed = (): Promise<void> =>
    inDirectory(async (directory) => {
      const spool = await Spool.open({ directory: join(directory, 'spool'), clock });
      const consuming = (async () => {
        for await (const { records } of spool.batches(undefined, { maxEvents: 1_000 })) {
          spool.release(records.at(-1)?.sequence ?? 0);
          if (records.at(-1)?.sequence === RECORDS) return;
        }
      })();
      await write((value, index) => spool.append({ key: `delivery-${index}`, value }));
      await consuming;
      await spool.close();
    });
  const byHand = (): Promise<void> =>
    inDirectory(async (directory) => {
      const log = await openByHand(join(directory, 'log'));
      walls.rival += await write(log.append);
      walls.runs += 1;
      await log.close();
    });
  const row = `${RECORDS} records of 8 KB from ${WRITERS} writers, flushed`;
  yield await paired({ bench: 'spool', row, goal: 1.25, ours: spooled, rival: byHand });
  const perRecord = (milliseconds: number): string => `${Math.round((milliseconds * 1_000) / walls.runs / RECORDS)} µs`;
  yield {
    bench: 'spool',
    information: `wall time per record: ${perRecord(walls.ours)}, by hand ${perRecord(walls.rival)}`,
  };
  yield await compared({ bench: 'spool', row: 'the same, read and released as well', ours: consumed, rival: byHand });
  yield { bench: 'spool', information: `CPU per record by hand: ${await cpuPerRecord(byHand)} µs` };
}

async function cpuPerRecord(job: () => Promise<void>): Promise<number> {
  const before = cpuMilliseconds();
  await job();
  return Math.round(((cpuMilliseconds() - before) * 1_000) / RECORDS);
}

/** Milliseconds that it took. */
async function write(append: Append): Promise<number> {
  const value = Buffer.alloc(RECORD_BYTES, 'a');
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let index = next++; index < RECORDS; index = next++) await append(value, index);
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return performance.now() - begin;
}

/** What one would write first: those that wait are written in one go, flushed, and answered. */
async function openByHand(path: string): Promise<{ append: Append; close(): Promise<void> }> {
  const file = await open(path, 'a', 0o600);
  let waiting: { value: Buffer; resolve(): void }[] = [];
  let isRunning = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const group = waiting;
      waiting = [];
      await file.writev(group.map(({ value }) => value));
      await file.sync();
      for (const { resolve } of group) resolve();
    }
    isRunning = false;
  };
  const append: Append = (value) =>
    new Promise<void>((resolve) => {
      waiting.push({ value, resolve });
      if (!isRunning) void run();
    });
  return { append, close: () => file.close() };
}

/** The spool is part of sources, without an entry of its own: it is built for the bench alone. */
async function bundled(): Promise<{ module: SpoolModule; dispose(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-bench-spool-'));
  const outfile = join(directory, 'spool.mjs');
  const entry = fileURLToPath(new URL('../src/toolkit/spool/spool.ts', import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20' });
  const module = (await import(pathToFileURL(outfile).href)) as SpoolModule;
  return { module, dispose: () => rmSync(directory, { recursive: true, force: true }) };
}

async function inDirectory(job: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'headwater-bench-spool-'));
  try {
    await job(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
