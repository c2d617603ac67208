import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import {
  commits,
  counted,
  eventsAtRisk,
  type Judge,
  judgeCounter,
  judgeEvents,
  numbered,
  type Verdict,
} from './judge.js';
import { Random } from './random.js';
import { createRepository } from './repository.js';
import { BATCH } from './scenarios.js';

interface Case {
  readonly judge: Judge;
  /** What one kill may bring again: the batch on its way, or whatever was stored since the last save. */
  readonly atRisk: 'one batch' | 'since the save';
}

/** A group of scenarios, named on the command line. */
interface Group {
  readonly scenarios: Readonly<Record<string, Case>>;
  readonly contended: Readonly<Record<string, Judge>>;
}

const groups: Readonly<Record<string, Group>> = {
  core: {
    scenarios: {
      pages: { judge: judgeEvents(numbered), atRisk: 'one batch' },
      counting: { judge: judgeEvents(counted), atRisk: 'one batch' },
      upstream: { judge: judgeEvents(numbered), atRisk: 'one batch' },
      autosaved: { judge: judgeEvents(counted), atRisk: 'since the save' },
      git: { judge: judgeEvents(commits), atRisk: 'one batch' },
    },
    contended: { contended: judgeCounter },
  },
};

interface Counts {
  atPoints: number;
  points: number;
  atRandom: number;
  events: number;
  repeats: number;
}

const asksForShort = process.argv.includes('--short');
const occurrences = asksForShort ? [1, 3] : [1, 2, 3, 5, 8, 13, 21];
const randomRounds = asksForShort ? 3 : 40;
const contendedRounds = asksForShort ? 2 : 20;

async function main(): Promise<void> {
  const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed} (repeat with TORTURE_SEED=${seed})`);
  const random = new Random(seed);
  const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
  const lines: string[] = [];
  const work = mkdtempSync(join(tmpdir(), 'headwater-torture-'));
  try {
    const program = await bundleChild(work);
    for (const name of names.length > 0 ? names : Object.keys(groups)) {
      const group = groups[name];
      if (group === undefined) throw new Error(`no group named ${name}; there are: ${Object.keys(groups).join(', ')}`);
      lines.push(...(await runGroup(group, program, work, random)));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  if (process.argv.includes('--record')) record(lines, seed);
}

async function runGroup(group: Group, program: string, work: string, random: Random): Promise<string[]> {
  const lines: string[] = [];
  for (const [scenario, { judge, atRisk }] of Object.entries(group.scenarios)) {
    const counts: Counts = { atPoints: 0, points: 0, atRandom: 0, events: 0, repeats: 0 };
    const job: Job = { scenario, judge, atRisk, program, work, counts };
    await killAtEveryPoint(job);
    for (let round = 0; round < randomRounds; round += 1) {
      await killAtRandom(job, random);
    }
    lines.push(
      say(
        `${scenario}: ${counts.atPoints} kills at ${counts.points} fault points, ${counts.atRandom} at random moments; ${counts.events} events complete, ${counts.repeats} repeats`,
      ),
    );
  }
  for (const [scenario, judge] of Object.entries(group.contended)) {
    let saves = 0;
    for (let round = 0; round < contendedRounds; round += 1)
      saves += await contend(scenario, judge, program, work, random);
    lines.push(
      say(
        `${scenario}: ${contendedRounds} rounds of three processes on one cursor, one of them killed; ${saves} saves, none lost, none twice`,
      ),
    );
  }
  return lines;
}

interface Job {
  scenario: string;
  judge: Judge;
  atRisk: Case['atRisk'];
  program: string;
  work: string;
  counts: Counts;
}

async function killAtEveryPoint(job: Job): Promise<void> {
  const { scenario, judge, program, work, counts } = job;
  const points = await recordPoints(scenario, program, work);
  counts.points = points.length;
  for (const point of points) {
    for (const occurrence of occurrences) {
      const directory = createDirectory(scenario, work);
      const fault = JSON.stringify({ point, occurrence });
      const died = !(await finishes(program, [scenario, directory, fault]));
      const atRisk = died ? await risked(job, directory) : 0;
      await runToEnd(program, scenario, directory);
      add(counts, await judged(judge, directory, atRisk, `${scenario} killed at ${point} (${occurrence})`));
      counts.atPoints += died ? 1 : 0;
    }
  }
}

async function killAtRandom(job: Job, random: Random): Promise<void> {
  const { scenario, judge, program, work, counts } = job;
  const directory = createDirectory(scenario, work);
  let kills = 0;
  let atRisk = 0;
  while (kills < 6 && !(await finishes(program, [scenario, directory], 60 + random.below(260)))) {
    kills += 1;
    atRisk += await risked(job, directory);
  }
  await runToEnd(program, scenario, directory);
  add(counts, await judged(judge, directory, atRisk, `${scenario} killed ${kills} times at random`));
  counts.atRandom += kills;
}

async function risked({ scenario, atRisk }: Job, directory: string): Promise<number> {
  const events = scenario === 'git' ? BATCH : await eventsAtRisk(directory);
  if (atRisk === 'one batch' && events > BATCH)
    throw new Error(`${scenario}: ${events} events stored beyond the cursor`);
  return events;
}

/** Three processes save the same cursor; one is killed on the way and begins again. */
async function contend(scenario: string, judge: Judge, program: string, work: string, random: Random): Promise<number> {
  const directory = createDirectory(scenario, work);
  const killed = finishes(program, [scenario, directory], 100 + random.below(400));
  const others = [runToEnd(program, scenario, directory), runToEnd(program, scenario, directory)];
  await killed;
  await Promise.all([...others, runToEnd(program, scenario, directory)]);
  return (await judged(judge, directory, 0, scenario)).events;
}

async function judged(judge: Judge, directory: string, atRisk: number, what: string): Promise<Verdict> {
  try {
    const verdict = await judge(directory, atRisk);
    rmSync(directory, { recursive: true, force: true });
    return verdict;
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function add(counts: Counts, { events, repeats }: Verdict): void {
  counts.events += events;
  counts.repeats += repeats;
}

async function recordPoints(scenario: string, program: string, work: string): Promise<string[]> {
  const directory = createDirectory(scenario, work);
  if (!(await finishes(program, [scenario, directory, 'record']))) throw new Error(`${scenario} does not run`);
  const points = readFileSync(join(directory, 'points.txt'), 'utf8').trim().split('\n');
  rmSync(directory, { recursive: true, force: true });
  return [...new Set(points)];
}

function createDirectory(scenario: string, work: string): string {
  const directory = mkdtempSync(join(work, `${scenario}-`));
  if (scenario === 'git') createRepository(join(directory, 'repository'));
  return directory;
}

async function runToEnd(program: string, scenario: string, directory: string): Promise<void> {
  if (!(await finishes(program, [scenario, directory]))) throw new Error(`${scenario} did not come to its end`);
}

/** Whether the child came to its end; false when it was killed. */
function finishes(program: string, args: readonly string[], killAfterMs?: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve(false);
      else if (status === 0) resolve(true);
      else reject(new Error(`a child ended with exit status ${status}: ${args.join(' ')}`));
    });
  });
}

async function bundleChild(work: string): Promise<string> {
  const outfile = join(work, 'child.mjs');
  const entry = fileURLToPath(new URL('child.ts', import.meta.url));
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner,
    logLevel: 'error',
  });
  return outfile;
}

function say(line: string): string {
  console.log(line);
  return line;
}

/** Keeps the result of a full run for readers. */
function record(lines: readonly string[], seed: number): void {
  const page = new URL('../../docs/reliability.md', import.meta.url);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const date = new Date().toISOString().slice(0, 10);
  const result = [
    `${date}, commit ${commit}, Node ${process.versions.node}, seed ${seed}:`,
    '',
    ...lines.map((line) => `- ${line}`),
  ];
  const [before = '', after = ''] = readFileSync(page, 'utf8').split(/(?<=<!-- result -->\n)[\s\S]*?(?=<!-- end -->)/);
  writeFileSync(page, `${before}\n${result.join('\n')}\n\n${after}`);
}

await main();
