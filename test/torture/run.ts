import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, type Group, groups } from './cases.js';
import { bundleChild, finishes, runToEnd, type Task } from './children.js';
import type { Verdict } from './judge.js';
import { Random } from './random.js';
import { record } from './record.js';

interface Counts {
  atPoints: number;
  points: number;
  atRandom: number;
  events: number;
  repeats: number;
}

interface Job {
  readonly scenario: string;
  readonly case: Case;
  readonly program: string;
  readonly work: string;
  readonly counts: Counts;
  readonly effort: Effort;
}

/** How often each point is reached before the kill, and how many rounds there are of the rest. */
interface Effort {
  readonly occurrences: readonly number[];
  readonly randomRounds: number;
  readonly contendedRounds: number;
}

const full: Effort = { occurrences: [1, 2, 3, 5, 8, 13, 21], randomRounds: 40, contendedRounds: 20 };
const short: Effort = { occurrences: [1, 3], randomRounds: 3, contendedRounds: 2 };
/** Groups whose runs are slow, because a database is asked. */
const slow: Readonly<Record<string, { readonly full: Effort; readonly short: Effort }>> = {
  stores: {
    full: { occurrences: [1, 2, 5, 13], randomRounds: 12, contendedRounds: 10 },
    short: { occurrences: [2], randomRounds: 1, contendedRounds: 1 },
  },
};

function effortFor(group: string): Effort {
  const { full: most, short: least } = slow[group] ?? { full, short };
  return process.argv.includes('--short') ? least : most;
}

async function main(): Promise<void> {
  const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed} (repeat with TORTURE_SEED=${seed})`);
  const random = new Random(seed);
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
  const work = mkdtempSync(join(tmpdir(), 'headwater-torture-'));
  const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
  mkdirSync(cache, { recursive: true });
  const bundle = mkdtempSync(join(cache, 'torture-'));
  try {
    const program = await bundleChild(bundle);
    for (const name of named.length > 0 ? named : Object.keys(groups)) {
      const group = groups[name];
      if (group === undefined) throw new Error(`no group named ${name}; there are: ${Object.keys(groups).join(', ')}`);
      const lines = await runGroup(group, effortFor(name), program, work, random);
      if (process.argv.includes('--record')) record(name, lines, seed);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(bundle, { recursive: true, force: true });
  }
}

async function runGroup(
  group: Group,
  effort: Effort,
  program: string,
  work: string,
  random: Random,
): Promise<string[]> {
  const lines: string[] = [];
  for (const [scenario, each] of Object.entries(group.scenarios)) {
    const counts: Counts = { atPoints: 0, points: 0, atRandom: 0, events: 0, repeats: 0 };
    const job: Job = { scenario, case: each, program, work, counts, effort };
    await killAtEveryPoint(job);
    for (let round = 0; round < effort.randomRounds; round += 1) await killAtRandom(job, random);
    const { atPoints, points, atRandom, events, repeats } = counts;
    lines.push(
      say(
        `${scenario}: ${atPoints} kills at ${points} fault points, ${atRandom} at random moments; ${events} events complete, ${repeats} repeats`,
      ),
    );
  }
  for (const [scenario, each] of Object.entries(group.contended)) {
    const job = { scenario, case: { ...each, atRisk: () => 0 }, program, work };
    let events = 0;
    for (let round = 0; round < effort.contendedRounds; round += 1) events += await contend(job, random);
    lines.push(
      say(
        `${scenario}: ${effort.contendedRounds} rounds of three processes on one cursor, one of them killed; ${events} ${each.counted}, none lost, none twice`,
      ),
    );
  }
  return lines;
}

async function killAtEveryPoint(job: Job): Promise<void> {
  const { scenario, counts, effort } = job;
  const points = await recordPoints(job);
  counts.points = points.length;
  for (const point of points) {
    for (const occurrence of effort.occurrences) {
      const task = begin(job);
      const died = !(await finishes(task, JSON.stringify({ point, occurrence })));
      const atRisk = died ? await job.case.atRisk(task.directory) : 0;
      await runToEnd(task);
      add(counts, await judged(job, task, atRisk, `${scenario} killed at ${point} (${occurrence})`));
      counts.atPoints += died ? 1 : 0;
    }
  }
}

async function killAtRandom(job: Job, random: Random): Promise<void> {
  const task = begin(job);
  let kills = 0;
  let atRisk = 0;
  while (kills < 6 && !(await finishes(task, '', 60 + random.below(260)))) {
    kills += 1;
    atRisk += await job.case.atRisk(task.directory);
  }
  await runToEnd(task);
  add(job.counts, await judged(job, task, atRisk, `${job.scenario} killed ${kills} times at random`));
  job.counts.atRandom += kills;
}

/** Three processes move the same cursor; one is killed on the way and begins again. */
async function contend(job: Omit<Job, 'counts' | 'effort'>, random: Random): Promise<number> {
  const task = begin(job);
  const killed = finishes(task, '', 100 + random.below(400));
  const others = [runToEnd(task), runToEnd(task)];
  await killed;
  await Promise.all([...others, runToEnd(task)]);
  return (await judged(job, task, 0, job.scenario)).events;
}

async function judged(
  job: Omit<Job, 'counts' | 'effort'>,
  { directory }: Task,
  atRisk: number,
  what: string,
): Promise<Verdict> {
  try {
    const verdict = await job.case.judge(directory, atRisk);
    await end(job, directory);
    return verdict;
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function add(counts: Counts, { events, repeats }: Verdict): void {
  counts.events += events;
  counts.repeats += repeats;
}

async function recordPoints(job: Job): Promise<string[]> {
  const task = begin(job);
  if (!(await finishes(task, 'record'))) throw new Error(`${job.scenario} does not run`);
  const points = readFileSync(join(task.directory, 'points.txt'), 'utf8').trim().split('\n');
  await end(job, task.directory);
  return [...new Set(points)];
}

function begin({ scenario, case: { prepare }, program, work }: Omit<Job, 'counts' | 'effort'>): Task {
  const directory = mkdtempSync(join(work, `${scenario}-`));
  prepare?.(directory);
  return { program, scenario, directory };
}

async function end({ case: { cleanUp } }: Omit<Job, 'counts' | 'effort'>, directory: string): Promise<void> {
  await cleanUp?.(directory);
  rmSync(directory, { recursive: true, force: true });
}

function say(line: string): string {
  console.log(line);
  return line;
}

await main();
