import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, type Group, groups } from './cases.js';
import { bundleChild, type Ending, finishes, runToEnd, type Task } from './children.js';
import type { Verdict } from './judge.js';
import { type LiveCase, type LiveEffort, type LiveRound, runLive } from './live.js';
import { Random } from './random.js';
import { record } from './record.js';
import { runSteady } from './steady.js';

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
  occurrences(point: string): readonly number[];
  readonly randomRounds: number;
  readonly contendedRounds: number;
  readonly live: LiveEffort;
  /** Absent: not run. No shorter time tells anything; what a bench does in seconds is its short form. */
  readonly steadySeconds?: number;
}

const manyRounds: LiveEffort = { rounds: 8, seconds: 11 };
const oneRound: LiveEffort = { rounds: 1, seconds: 6 };
const full: Effort = {
  occurrences: () => [1, 2, 3, 5, 8, 13, 21],
  randomRounds: 40,
  contendedRounds: 20,
  live: manyRounds,
  steadySeconds: 600,
};
const short: Effort = { occurrences: () => [2], randomRounds: 1, contendedRounds: 1, live: oneRound };
/** Groups whose runs are slow, because a database or a server is asked. */
const slow: Readonly<Record<string, { readonly full: Effort; readonly short: Effort }>> = {
  stores: {
    full: { occurrences: () => [1, 2, 5, 13], randomRounds: 12, contendedRounds: 10, live: manyRounds },
    short: { occurrences: () => [2], randomRounds: 1, contendedRounds: 1, live: oneRound },
  },
  github: {
    full: { occurrences: betweenRequests, randomRounds: 20, contendedRounds: 0, live: manyRounds },
    short: { occurrences: nowAndThen, randomRounds: 1, contendedRounds: 0, live: oneRound },
  },
  streams: {
    full: {
      occurrences: () => [],
      randomRounds: 0,
      contendedRounds: 0,
      // To begin takes Kafka seconds: in longer rounds more of them are left for kills.
      live: { rounds: 3, seconds: 60, kills: 50 },
      steadySeconds: 300,
    },
    short: { occurrences: () => [], randomRounds: 0, contendedRounds: 0, live: { rounds: 1, seconds: 4 } },
  },
  webhook: {
    full: {
      occurrences: () => [],
      randomRounds: 0,
      contendedRounds: 0,
      live: { rounds: 8, seconds: 44 },
      steadySeconds: 600,
    },
    short: { occurrences: () => [], randomRounds: 0, contendedRounds: 0, live: oneRound },
  },
  slack: {
    full: { occurrences: betweenRequests, randomRounds: 4, contendedRounds: 0, live: manyRounds },
    short: { occurrences: nowAndThen, randomRounds: 1, contendedRounds: 0, live: oneRound },
  },
};

/** After each request, so that a kill falls between any two; now and then at the other points. */
function betweenRequests(point: string): readonly number[] {
  if (point === 'http.request.after') return Array.from({ length: 200 }, (_, index) => index + 1);
  return point === 'http.request.before' ? [1, 34] : [9];
}

function nowAndThen(point: string): readonly number[] {
  if (point === 'http.request.after') return [41];
  return point === 'sink.after' || point === 'cursor.before' ? [12] : [];
}

/** Of the kills of a scenario that is sampled, every so many. */
const SAMPLE = 10;

function effortFor(group: string): Effort {
  const { full: most, short: least } = slow[group] ?? { full, short };
  return process.argv.includes('--short') ? least : most;
}

type Chosen = <Case>(cases: Readonly<Record<string, Case>>) => readonly (readonly [string, Case])[];

/** With `--share=1/3` the first scenario, the fourth, and so on, of all that are named; else all of them. */
function shareOf(): Chosen {
  const given = process.argv.find((argument) => argument.startsWith('--share='));
  const [, part = '1', parts = '1'] = given?.split(/[=/]/) ?? [];
  let count = -1;
  return (cases) =>
    Object.entries(cases).filter(() => {
      count += 1;
      return count % Number(parts) === Number(part) - 1;
    });
}

async function main(): Promise<void> {
  const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed} (repeat with TORTURE_SEED=${seed})`);
  const random = new Random(seed);
  const chosen = shareOf();
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
      const lines = await runGroup(group, chosen, { effort: effortFor(name), program, work, random });
      if (process.argv.includes('--record')) record(name, lines, seed);
    }
  } finally {
    if (process.argv.includes('--keep')) console.log(`kept: ${work}`);
    else rmSync(work, { recursive: true, force: true });
    rmSync(bundle, { recursive: true, force: true });
  }
}

interface Run {
  readonly effort: Effort;
  readonly program: string;
  readonly work: string;
  readonly random: Random;
}

async function runGroup(group: Group, chosen: Chosen, { effort, program, work, random }: Run): Promise<string[]> {
  const lines: string[] = [];
  for (const [scenario, each] of chosen(group.scenarios)) {
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
  for (const [scenario, each] of chosen(group.contended)) {
    const job = { scenario, case: { ...each, atRisk: () => 0 }, program, work };
    let events = 0;
    for (let round = 0; round < effort.contendedRounds; round += 1) events += await contend(job, random);
    lines.push(
      say(
        `${scenario}: ${effort.contendedRounds} rounds of three processes on one cursor, one of them killed; ${events} ${each.counted}, none lost, none twice`,
      ),
    );
  }
  for (const [scenario, each] of chosen(group.live ?? {})) {
    const { rounds: atLeast, seconds, kills = 0 } = effort.live;
    const rounds: LiveRound[] = [];
    while (rounds.length < atLeast || rounds.reduce((sum, round) => sum + round.kills, 0) < kills) {
      const directory = mkdtempSync(join(work, `${scenario}-`));
      rounds.push(await live(each, { program, scenario, directory }, seconds, random));
      rmSync(directory, { recursive: true, force: true });
    }
    lines.push(say(`${scenario}: ${(each.describe ?? describeRounds)(rounds)}`));
  }
  for (const [scenario, each] of effort.steadySeconds === undefined ? [] : chosen(group.steady ?? {})) {
    const directory = mkdtempSync(join(work, `${scenario}-`));
    const told = await runSteady(each, { program, scenario, directory }, effort.steadySeconds ?? 0);
    lines.push(say(`${scenario}: ${told}`));
    rmSync(directory, { recursive: true, force: true });
  }
  return lines;
}

async function live(each: LiveCase, task: Task, seconds: number, random: Random): Promise<LiveRound> {
  try {
    return await runLive(each, task, seconds, random);
  } catch (error) {
    throw new Error(`${task.scenario}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function describeRounds(rounds: readonly LiveRound[]): string {
  const sum = (count: (round: LiveRound) => number): number => rounds.reduce((total, round) => total + count(round), 0);
  const reader = `${sum(({ kills }) => kills)} kills and ${sum(({ stops }) => stops)} stops of the reader`;
  const found = `${sum(({ events }) => events)} events complete, ${sum(({ repeats }) => repeats)} repeats`;
  const lost = `${sum(({ destroyed }) => destroyed)} destroyed, all of them within ${sum(({ gaps }) => gaps)} gaps told`;
  return `${rounds.length} rounds, ${sum(({ disturbances }) => disturbances)} disturbances, ${reader}; ${found}; ${lost}`;
}

async function killAtEveryPoint(job: Job): Promise<void> {
  const { scenario, counts, effort } = job;
  const points = await recordPoints(job);
  counts.points = points.size;
  for (const [point, reached] of points) {
    const occurrences = effort.occurrences(point).filter((nth) => nth <= reached);
    const chosen = occurrences.filter((_, index) => job.case.isSampled !== true || index % SAMPLE === 0);
    for (const occurrence of chosen) {
      const task = await begin(job);
      const died = !(await finishes(task, JSON.stringify({ point, occurrence })));
      const atRisk = died ? await job.case.atRisk(task.directory) : 0;
      await runToEnd(task);
      add(counts, await judged(job, task, atRisk, `${scenario} killed at ${point} (${occurrence})`));
      counts.atPoints += died ? 1 : 0;
    }
  }
}

async function killAtRandom(job: Job, random: Random): Promise<void> {
  const task = await begin(job);
  let kills = 0;
  let atRisk = 0;
  while (kills < 6 && !(await finishes(task, '', killWithin(job.case, random)))) {
    kills += 1;
    atRisk += await job.case.atRisk(task.directory);
  }
  await runToEnd(task);
  add(job.counts, await judged(job, task, atRisk, `${job.scenario} killed ${kills} times at random`));
  job.counts.atRandom += kills;
}

/** Three processes move the same cursor; one is killed on the way and begins again. */
async function contend(job: Omit<Job, 'counts' | 'effort'>, random: Random): Promise<number> {
  const task = await begin(job);
  const killed = finishes(task, '', kill(100 + random.below(400)));
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

function killWithin({ readsForMs }: Case, random: Random): Ending {
  if (readsForMs === undefined) return kill(60 + random.below(260));
  return { ...kill(random.below(readsForMs)), sinceItReads: true };
}

function kill(afterMs: number): Ending {
  return { afterMs, signal: 'SIGKILL' };
}

function add(counts: Counts, { events, repeats }: Verdict): void {
  counts.events += events;
  counts.repeats += repeats;
}

/** The points of a run that nothing disturbs, and how often each is reached. */
async function recordPoints(job: Job): Promise<Map<string, number>> {
  const task = await begin(job);
  if (!(await finishes(task, 'record'))) throw new Error(`${job.scenario} does not run`);
  const points = readFileSync(join(task.directory, 'points.txt'), 'utf8').trim().split('\n');
  await end(job, task.directory);
  const reached = new Map<string, number>();
  for (const point of points) reached.set(point, (reached.get(point) ?? 0) + 1);
  return reached;
}

async function begin({ scenario, case: { prepare }, program, work }: Omit<Job, 'counts' | 'effort'>): Promise<Task> {
  const directory = mkdtempSync(join(work, `${scenario}-`));
  await prepare?.(directory);
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
