import { spawn, spawnSync } from 'node:child_process';
import { closeSync, createReadStream, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LogConfigInput } from '../src/sources/logs/log/index.js';
import { logSource } from './built.js';
import { followingRows } from './lines-following.js';
import { type Bench, figure, type Information, paired } from './measure.js';

const MEGABYTE = 1_048_576;
const LINES = 600_000;
const CHUNK_BYTES = 65_536;

/** Lines of a file of 100 MB, and of larger ones, beside what people write without the library. */
export const lines: Bench = {
  name: 'lines',
  async *rows() {
    const work = mkdtempSync(join(tmpdir(), 'headwater-bench-lines-'));
    try {
      const file = write(join(work, 'log'), LINES);
      const bench = { bench: 'lines', pairs: 5, warmUps: 1 };
      const raw = () => read(work, 'text');
      const parsed = () => read(work, 'json');
      yield await paired({
        ...bench,
        row: 'raw lines, beside the async iterator of readline',
        goal: 0.6,
        ours: raw,
        rival: () => byReadline(file, false),
      });
      yield await paired({
        ...bench,
        row: 'NDJSON to events, beside a loop of indexOf and JSON.parse',
        goal: 1.4,
        ours: parsed,
        rival: () => byHand(file),
      });
      yield await paired({
        ...bench,
        row: 'NDJSON to events, beside readline and JSON.parse',
        goal: 1,
        ours: parsed,
        rival: () => byReadline(file, true),
      });
      yield await besideJq(file, parsed);
      yield await resuming(work);
      yield* memoryRows(work);
      yield* followingRows();
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
};

function write(directory: string, count: number): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'app.log');
  const file = openSync(path, 'w');
  let text = '';
  for (let index = 0; index < count; index += 1) {
    text += `{"level":"info","time":"2026-11-25T10:00:00.${String(index % 1_000).padStart(3, '0')}Z","pid":4711,"hostname":"server","msg":"request ${index} was answered","method":"GET","url":"/items/${index % 997}","ms":${index % 89}}\n`;
    if (text.length < MEGABYTE) continue;
    writeSync(file, text);
    text = '';
  }
  writeSync(file, text);
  closeSync(file);
  return path;
}

async function read(work: string, format: LogConfigInput['format'], cursor?: never): Promise<void> {
  const { LogSource } = await logSource();
  const source = await LogSource.create({
    id: 'bench',
    config: { dir: join(work, 'log'), files: '*.log', format },
    cursor,
  });
  let count = 0;
  for await (const _event of source.generateEvents()) count += 1;
  if (cursor === undefined) check(count);
}

async function byReadline(file: string, parses: boolean): Promise<void> {
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (parses) JSON.parse(line);
    count += 1;
  }
  check(count);
}

/** As fast as it can be written: a buffer that is used again, and no more than that. */
async function byHand(file: string): Promise<void> {
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.allocUnsafe(2 * CHUNK_BYTES);
  let [filled, count] = [0, 0];
  for (;;) {
    const bytes = readSync(descriptor, buffer, filled, CHUNK_BYTES, null);
    if (bytes === 0) break;
    const block = buffer.subarray(0, filled + bytes);
    let at = 0;
    for (let feed = block.indexOf(10, filled); feed !== -1; feed = block.indexOf(10, at)) {
      JSON.parse(block.toString('utf8', at, feed));
      count += 1;
      at = feed + 1;
    }
    buffer.copyWithin(0, at, block.length);
    filled = block.length - at;
  }
  closeSync(descriptor);
  check(count);
}

function check(count: number): void {
  if (count !== LINES) throw new Error(`${count} lines of ${LINES}`);
}

async function besideJq(file: string, ours: () => Promise<void>) {
  if (spawnSync('jq', ['--version']).status !== 0) {
    return { bench: 'lines', information: 'jq is not installed: NDJSON is not compared with it' } satisfies Information;
  }
  const rival = () => run('jq', ['-c', '.', file]);
  return paired({
    bench: 'lines',
    row: 'NDJSON to events, beside jq -c .',
    goal: 0.4,
    ours,
    rival,
    pairs: 5,
    warmUps: 0,
  });
}

function run(command: string, parameters: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

async function resuming(work: string) {
  const { LogSource } = await logSource();
  const config = { dir: join(work, 'log'), files: '*.log' };
  const source = await LogSource.create({ id: 'bench', config });
  for await (const _event of source.generateEvents({ limit: Math.floor(LINES * 0.99) }));
  const cursor = source.getCursor() as never;
  return paired({
    bench: 'lines',
    row: 'the last 1 % from a cursor, beside all of it',
    goal: 0.1,
    ours: () => read(work, 'text', cursor),
    rival: () => read(work, 'text'),
    pairs: 5,
    warmUps: 1,
  });
}

async function* memoryRows(work: string) {
  rmSync(join(work, 'log'), { recursive: true, force: true });
  const lineBytes = 180;
  const idle = peakOf(undefined);
  const peaks: number[] = [];
  for (const megabytes of [300, 1_000]) {
    write(join(work, 'memory'), Math.round((megabytes * 1_000_000) / lineBytes));
    peaks.push(peakOf(join(work, 'memory')));
  }
  rmSync(join(work, 'memory'), { recursive: true, force: true });
  const [small = 0, large = 0] = peaks;
  yield figure('lines', 'MB of memory at its peak, 1 GB beyond 300 MB', large, small, (large - small) / 15, 1);
  yield figure('lines', 'MB of memory at its peak, 1 GB beyond an idle process', large, idle, (large - idle) / 80, 1);
}

/** Megabytes that a process of its own held at most: one that reads, or one that only loads what it would need. */
function peakOf(dir: string | undefined): number {
  const module = new URL('../dist/sources/logs/log/index.js', import.meta.url).href;
  const reads = `
    const source = await LogSource.create({ id: 'bench', config: { dir: ${JSON.stringify(dir)}, files: '*.log', format: 'json' } });
    for await (const event of source.generateEvents());`;
  const program = `
    import { LogSource } from ${JSON.stringify(module)};
    ${dir === undefined ? '' : reads}
    console.log(process.resourceUsage().maxRSS);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  if (stderr !== '') throw new Error(stderr);
  return (Number(stdout) * 1_024) / MEGABYTE;
}
