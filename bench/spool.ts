import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { crc32 } from 'node:zlib';
import { build } from 'esbuild';
import { type Bench, compared, paired } from './measure.js';

type Spool = import('../src/toolkit/spool/spool.js').Spool;
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

async function* spoolRows(module: SpoolModule) {
  const walls = { ours: 0, rival: 0, runs: 0 };
  const spooled = async (): Promise<void> => {
    walls.ours += await inSpool(module, (spool) => write((value, index) => spool.append({ key: `d-${index}`, value })));
  };
  const byHand = async (): Promise<void> => {
    walls.rival += await inLog(true);
    walls.runs += 1;
  };
  const row = `${RECORDS} records of 8 KB, ${WRITERS} writers, beside a loop by hand`;
  yield await paired({ bench: 'spool', row, goal: 1.25, ours: spooled, rival: byHand });
  const perRecord = (milliseconds: number): string => `${Math.round((milliseconds * 1_000) / walls.runs / RECORDS)} µs`;
  yield {
    bench: 'spool',
    information: `wall time per record: ${perRecord(walls.ours)}, by hand ${perRecord(walls.rival)}`,
  };
  const bare = (): Promise<number> => inLog(false);
  yield await compared({
    bench: 'spool',
    row: 'beside such a loop without checksums and ids',
    ours: spooled,
    rival: bare,
  });
  const consumed = (): Promise<void> => inSpool(module, writeAndConsume);
  yield await compared({ bench: 'spool', row: 'read and released as well', ours: consumed, rival: byHand });
}

async function writeAndConsume(spool: Spool): Promise<void> {
  const consume = async (): Promise<void> => {
    for await (const { records } of spool.batches(undefined, { maxEvents: 1_000 })) {
      const last = records.at(-1)?.sequence ?? 0;
      spool.release(last);
      if (last === RECORDS) return;
    }
  };
  await Promise.all([consume(), write((value, index) => spool.append({ key: `d-${index}`, value }))]);
}

function inSpool<Result>({ Spool }: SpoolModule, job: (spool: Spool) => Promise<Result>): Promise<Result> {
  return inDirectory(async (directory) => {
    const clock = { now: () => Date.now(), sleep: () => Promise.resolve() };
    const spool = await Spool.open({ directory: join(directory, 'spool'), clock });
    const result = await job(spool);
    await spool.close();
    return result;
  });
}

function inLog(isChecked: boolean): Promise<number> {
  return inDirectory(async (directory) => {
    const log = await openByHand(join(directory, 'log'), isChecked);
    const wall = await write(log.append);
    await log.close();
    return wall;
  });
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

/**
 * What one would write first: those that wait are written in one go, flushed, and answered.
 *
 * @param isChecked with the length and the checksum of each, and ids that are known once
 */
async function openByHand(path: string, isChecked: boolean): Promise<{ append: Append; close(): Promise<void> }> {
  const file = await open(path, 'a', 0o600);
  const ids = new Set<string>();
  let waiting: { value: Buffer; resolve(): void }[] = [];
  let isRunning = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const group = waiting;
      waiting = [];
      await file.writev(group.flatMap(({ value }) => (isChecked ? [frameOf(value), value] : [value])));
      await file.sync();
      for (const { resolve } of group) resolve();
    }
    isRunning = false;
  };
  const append: Append = (value, index) =>
    new Promise<void>((resolve) => {
      const id = `d-${index}`;
      if (isChecked && ids.has(id)) return resolve();
      if (isChecked) ids.add(id);
      waiting.push({ value, resolve });
      if (!isRunning) void run();
    });
  return { append, close: () => file.close() };
}

function frameOf(value: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(8);
  frame.writeUInt32LE(value.length, 0);
  frame.writeUInt32LE(crc32(value), 4);
  return frame;
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

async function inDirectory<Result>(job: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'headwater-bench-spool-'));
  try {
    return await job(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
