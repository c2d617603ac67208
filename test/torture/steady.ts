import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { finishes, type Task } from './children.js';

/** Something that one child does at an even rate for minutes: what it keeps of it must not grow. */
export interface SteadyCase {
  /** Begins to send what the child works on; gives what ends that. */
  start(directory: string): Promise<() => Promise<void>>;
  /** What is counted, in the plural. */
  readonly unit: string;
  /** The heap may grow by so many bytes for each: what the engine's own tables and the noise of one run come to. */
  readonly mostBytes: number;
  /** @throws when less came through than was to be */
  judge?(directory: string, handled: number): Promise<void>;
}

interface Sample {
  readonly handled: number;
  readonly heap: number;
}

const EVERY_MS = 2_000;
/** Of the samples, those of the beginning: caches fill, code is compiled. */
const WARM_UP = 0.25;

function samplesFile(directory: string): string {
  return join(directory, 'heap.jsonl');
}

/** In the child: notes what is left after a collection, and how much was handled by then. Gives what ends that. */
export function sampleHeap(directory: string, handled: () => number): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const timer = setInterval(() => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    const sample: Sample = { handled: handled(), heap: heapUsed + external };
    appendFileSync(samplesFile(directory), `${JSON.stringify(sample)}\n`);
  }, EVERY_MS);
  return () => clearInterval(timer);
}

/** @throws when the heap grew with what was handled */
export async function runSteady(each: SteadyCase, task: Task, seconds: number): Promise<string> {
  const stop = await each.start(task.directory);
  const isOver = await finishes(task, '', { afterMs: seconds * 1_000, signal: 'SIGTERM', sinceItReads: true });
  await stop();
  if (!isOver) throw new Error(`${task.scenario} did not end when it was asked to`);
  const lines = readFileSync(samplesFile(task.directory), 'utf8').trim().split('\n');
  const samples = lines.map((line) => JSON.parse(line) as Sample);
  const { handled = 0 } = samples.at(-1) ?? {};
  await each.judge?.(task.directory, handled);
  const bytes = slope(samples.slice(Math.ceil(samples.length * WARM_UP)));
  const heap = Math.round(median(samples.map((sample) => sample.heap)) / 1024 ** 2);
  const told = `${handled} ${each.unit} in ${seconds} s, ${bytes.toFixed(2)} bytes of heap kept for each, ${heap} MB in all`;
  if (bytes > each.mostBytes) throw new Error(`${task.scenario} keeps too much: ${told}`);
  return told;
}

/** Bytes for each, by the median of the slopes between any two samples: one that is far off changes nothing. */
function slope(samples: readonly Sample[]): number {
  const slopes: number[] = [];
  for (const [at, later] of samples.entries()) {
    for (const earlier of samples.slice(0, at)) {
      if (later.handled > earlier.handled) {
        slopes.push((later.heap - earlier.heap) / (later.handled - earlier.handled));
      }
    }
  }
  if (slopes.length === 0) throw new Error('nothing was handled');
  return median(slopes);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
