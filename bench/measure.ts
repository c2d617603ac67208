import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** One line of a result. */
export interface Row {
  bench: string;
  row: string;
  /** Of the unit that the row names; CPU milliseconds where it names none. */
  ours: number;
  rival: number;
  ratio: number;
  goal: number;
  met: boolean;
}

/** A row for the reader only: a rival that would win, or a figure without a goal. */
export interface Information {
  bench: string;
  information: string;
}

export interface Bench {
  readonly name: string;
  rows(): AsyncIterable<Row | Information>;
}

type Job = () => Promise<unknown>;

const TICKS_PER_SECOND = 100;

/**
 * CPU milliseconds of this process and of the children it has waited for. Linux tells the children's time in ticks of
 * 10 ms, so a job must take many of them; elsewhere only this process counts.
 */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000 + childrenMilliseconds();
}

function childrenMilliseconds(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[13]) + Number(fields[14])) * 1_000) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

async function timed(job: Job): Promise<number> {
  const before = cpuMilliseconds();
  await job();
  return cpuMilliseconds() - before;
}

export interface PairOptions {
  bench: string;
  row: string;
  goal: number;
  ours: Job;
  rival: Job;
  /** Interleaved pairs that count; at least 5. */
  pairs?: number;
  /** Pairs before them that do not. */
  warmUps?: number;
}

/** Runs two jobs in turn and compares the CPU time of each pair; the median ratio counts. */
export async function paired(options: PairOptions): Promise<Row> {
  const { bench, row, goal, ours, rival, pairs = 7, warmUps = 2 } = options;
  const results: { ours: number; rival: number; ratio: number }[] = [];
  for (let turn = -warmUps; turn < pairs; turn += 1) {
    // Who goes first changes, so that neither always finds the other's garbage.
    const first = turn % 2 === 0 ? ours : rival;
    const one = await timed(first);
    const two = await timed(first === ours ? rival : ours);
    const [oursTime, rivalTime] = first === ours ? [one, two] : [two, one];
    if (turn >= 0) results.push({ ours: oursTime, rival: rivalTime, ratio: oursTime / Math.max(rivalTime, 0.001) });
  }
  const ratio = median(results.map((result) => result.ratio));
  return {
    bench,
    row,
    ours: round(median(results.map((result) => result.ours))),
    rival: round(median(results.map((result) => result.rival))),
    ratio: round(ratio),
    goal,
    met: ratio <= goal,
  };
}

/** A comparison for the reader: with a rival that wins, or that promises less. */
export async function compared(options: Omit<PairOptions, 'goal'>): Promise<Information> {
  const { bench, row, ratio } = await paired({ ...options, goal: Number.POSITIVE_INFINITY });
  return { bench, information: `${row}: ratio ${ratio}` };
}

/** A row that is not a pair of times. */
export function figure(bench: string, row: string, ours: number, rival: number, ratio: number, goal: number): Row {
  return { bench, row, ours: round(ours), rival: round(rival), ratio: round(ratio), goal, met: ratio <= goal };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** Of the heap, once everything is collected that can be. */
export function usedMegabytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed / 1_048_576;
}
