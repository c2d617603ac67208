import { closeSync, mkdtempSync, openSync, readSync, rmSync, watch, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logSource } from './built.js';
import { cpuMilliseconds, figure, median } from './measure.js';

const FILES = 2_000;
const ROUNDS = 300;
const PAIRS = 5;

/** What it costs to follow, and how long a line takes. */
export async function* followingRows() {
  const costs: [many: number, one: number][] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) costs.push([await costOf(FILES), await costOf(1)]);
  const [many, one] = [median(costs.map(([first]) => first)), median(costs.map(([, second]) => second))];
  const ratio = median(costs.map(([first, second]) => first / second));
  yield figure('lines', `${FILES} files followed, one written to, beside one file`, many, one, ratio, 3);

  const delays: [ours: number, bare: number][] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) delays.push([await delayOf(followed), await delayOf(watched)]);
  const [ours, bare] = [median(delays.map(([first]) => first)), median(delays.map(([, second]) => second))];
  const slower = median(delays.map(([first, second]) => first / second));
  yield figure('lines', 'ms from the write to the event, beside fs.watch and read', ours, bare, slower, 2);
}

/** CPU milliseconds for so many lines, one at a time, each waited for. */
async function costOf(files: number): Promise<number> {
  return inDirectory(files, async (directory) => {
    const { next, close } = await followed(directory);
    const before = cpuMilliseconds();
    await writeAndWait(directory, next);
    const cost = cpuMilliseconds() - before;
    await close();
    return cost;
  });
}

/** The median of milliseconds from a write to its line. */
async function delayOf(follow: Follower): Promise<number> {
  return inDirectory(1, async (directory) => {
    const { next, close } = await follow(directory);
    const delays = await writeAndWait(directory, next);
    await close();
    return median(delays);
  });
}

async function inDirectory<Result>(files: number, use: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-bench-follow-'));
  try {
    for (let index = 0; index < files; index += 1) writeFileSync(join(directory, `${index}.log`), '');
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Following {
  next(): Promise<unknown>;
  close(): Promise<void>;
}
type Follower = (directory: string) => Promise<Following>;

async function writeAndWait(directory: string, next: Following['next']): Promise<number[]> {
  const file = openSync(join(directory, '0.log'), 'a');
  const delays: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const line = next();
    await new Promise((resolve) => setTimeout(resolve, 2));
    const before = performance.now();
    writeSync(file, `line ${round} of some length\n`);
    await line;
    delays.push(performance.now() - before);
  }
  closeSync(file);
  return delays;
}

async function followed(directory: string): Promise<Following> {
  const { LogSource } = await logSource();
  const source = await LogSource.create({ id: 'bench', config: { dir: directory, files: '*.log' } });
  const events = source.generateEvents({ follow: true });
  const first = events.next();
  while (source.getStatus().state !== 'caught-up') await new Promise((resolve) => setTimeout(resolve, 5));
  let isFirst = true;
  const next = () => {
    const event = isFirst ? first : events.next();
    isFirst = false;
    return event;
  };
  return { next, close: async () => void (await events.return()) };
}

/** What is written without the library: a watcher, and a read from where the last one ended. */
async function watched(directory: string): Promise<Following> {
  const path = join(directory, '0.log');
  const file = openSync(path, 'r');
  const buffer = Buffer.allocUnsafe(65_536);
  let position = 0;
  let take: ((text: string) => void) | undefined;
  const watcher = watch(path, () => {
    const bytes = readSync(file, buffer, 0, buffer.length, position);
    position += bytes;
    if (bytes > 0) take?.(buffer.toString('utf8', 0, bytes));
  });
  return {
    next: () => new Promise((resolve) => (take = resolve)),
    close: async () => {
      watcher.close();
      closeSync(file);
    },
  };
}
