import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { finishes, runToEnd, type Task } from './children.js';
import type { Random } from './random.js';

/** Is there while a child shall go on reading when it has read everything. */
export function followFile(directory: string): string {
  return join(directory, 'follow');
}

/** Something that is written while it is read. */
export interface Writer {
  /** Begins to write, for one that waits until there is a reader. */
  begin?(): void;
  /** Does to what was written what happens to it in real life. */
  disturb(): Promise<void>;
  /** Resolves when everything is written, and notes what there is to be read. */
  finish(): Promise<void>;
  /** Resolves when what was begun is through, for one that needs the last reader for it. */
  settled?(): Promise<void>;
}

/** One scenario that is read while others write. */
export interface LiveCase {
  /** Begins to write; resolves when there is something to read. */
  start(directory: string, random: Random): Promise<Writer>;
  /** How many events a kill may bring again. */
  readonly atRisk: number;
  /** @throws an error that says what was lost, repeated or made up */
  judge(directory: string, atRisk: number): Promise<LiveVerdict>;
  /** What is told of all rounds. Default: in the words of logs. */
  describe?(rounds: readonly LiveRound[]): string;
}

export interface LiveVerdict {
  readonly events: number;
  readonly repeats: number;
  /** Events that say that something can no longer be had. */
  readonly gaps: number;
  /** What was written and was nowhere to be found afterwards. */
  readonly destroyed: number;
  /** How often something was sent again because nobody took it. */
  readonly retries?: number;
  /** How often somebody joined a group. */
  readonly joins?: number;
}

/** What one round came to. */
export interface LiveRound extends LiveVerdict {
  readonly disturbances: number;
  readonly kills: number;
  readonly stops: number;
}

export interface LiveEffort {
  /** So many at least. */
  readonly rounds: number;
  readonly seconds: number;
  /** Until there were so many in all; default 0. */
  readonly kills?: number;
}

/**
 * Children read, one after the other; each is killed, or asked to stop, at a random moment, and sometimes none is there
 * for a while. Meanwhile it is written, and what is written is disturbed. The first child reads what there is, so that
 * it is known what has been there; the last one reads to the end.
 */
export async function runLive(each: LiveCase, task: Task, seconds: number, random: Random): Promise<LiveRound> {
  const writer = await each.start(task.directory, random);
  await runToEnd(task);
  writeFileSync(followFile(task.directory), '');
  writer.begin?.();
  const until = performance.now() + seconds * 1_000;
  const disturbing = disturbUntil(until, writer, random);
  const { kills, stops } = await readUntil(until, task, random);
  const disturbances = await disturbing;
  await writer.finish();
  rmSync(followFile(task.directory));
  await Promise.all([runToEnd(task), writer.settled?.()]);
  const verdict = await each.judge(task.directory, kills * each.atRisk);
  return { ...verdict, disturbances, kills, stops };
}

async function disturbUntil(until: number, writer: Writer, random: Random): Promise<number> {
  for (let count = 0; ; count += 1) {
    await setTimeout(random.below(700));
    if (performance.now() >= until) return count;
    await writer.disturb();
  }
}

async function readUntil(until: number, task: Task, random: Random): Promise<{ kills: number; stops: number }> {
  let kills = 0;
  let stops = 0;
  while (performance.now() < until) {
    if (random.below(4) === 0) await setTimeout(random.below(1_500));
    const signal = random.below(3) === 0 ? 'SIGTERM' : 'SIGKILL';
    const isOver = await finishes(task, '', { afterMs: random.below(1_500), signal, sinceItReads: true });
    if (isOver) stops += 1;
    else kills += 1;
  }
  return { kills, stops };
}
