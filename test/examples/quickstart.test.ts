import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../scripts/entries.js';
import { Random } from '../torture/random.js';

const SEED = Number(process.env['QUICKSTART_SEED'] ?? Date.now() % 1_000_000);
const COMMITS = 3_000;
const KILLS = 6;

/** As `npm run quickstart` starts it, but as one process, so that a SIGKILL reaches it. */
const PROGRAM = [
  '--import',
  pathToFileURL(join(repositoryRoot, 'node_modules/tsx/dist/loader.mjs')).href,
  join(repositoryRoot, 'examples/quickstart/main.ts'),
];

let work: string;
let repository: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'headwater-quickstart-'));
  repository = join(work, 'project');
  mkdirSync(repository);
  git('init', '--quiet', '--initial-branch=main');
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

describe('npm run quickstart', { timeout: 120_000 }, () => {
  test('brings everything, then nothing, then what is new', async () => {
    importCommits(1, 300);
    writeFileSync(join(repository, 'list.csv'), 'name\none\n');
    utimesSync(join(repository, 'list.csv'), new Date(0), new Date(0));
    const first = await run();
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toContain('history: 301 new events');
    expect(first.stdout).toContain('files: 2 new events');
    expect(first.stdout).toMatch(/300 {2}git\.commit/);
    expect(storedCommits()).toEqual(commitsInRepository());
    expect(stored('file.record')).toMatchObject([
      { data: JSON.stringify({ ...recordOf('list.csv'), record: { name: 'one' } }) },
    ]);

    const second = await run();
    expect(second.stdout).toMatch(/history: nothing new since \d{4}-\d\d-\d\dT/);
    expect(second.stdout).toMatch(/files: nothing new since \d{4}-\d\d-\d\dT/);
    expect(stored()).toHaveLength(303);

    importCommits(301, 305);
    const third = await run();
    expect(third.stdout).toContain('history: 6 new events');
    expect(third.stdout).toMatch(/305 {2}git\.commit\n/);
    expect(storedCommits()).toEqual(commitsInRepository());
  });

  test(`is complete, with nothing twice, however often it is killed (QUICKSTART_SEED=${SEED})`, async () => {
    importCommits(1, COMMITS);
    const random = new Random(SEED);
    for (let kills = 0; kills < KILLS; kills += 1) await run({ endBy: 'SIGKILL', afterMs: random.below(250) });
    const last = await run();
    expect(last).toMatchObject({ status: 0, stderr: '' });
    expect(storedCommits()).toEqual(commitsInRepository());
    expect((await run()).stdout).toContain('history: nothing new since');
  });

  test('ends on Ctrl-C with the cursor saved', async () => {
    importCommits(1, COMMITS);
    const stopped = await run({ endBy: 'SIGINT', afterMs: 0 });
    expect(stopped).toMatchObject({ status: 0, signal: null, stderr: '' });
    await run();
    expect(storedCommits()).toEqual(commitsInRepository());
  });

  test('of two on the same store one may be told, and nothing is lost or twice', async () => {
    importCommits(1, COMMITS);
    for (const { status, stderr } of await Promise.all([run(), run()])) {
      if (status !== 0)
        expect(stderr).toMatch(/^CursorConflictError \(CURSOR_CONFLICT\): .*\nIs another quickstart running/);
    }
    await run();
    expect(storedCommits()).toEqual(commitsInRepository());
  });

  test('says what is wrong with the path, without a stack', async () => {
    const missing = await run({ path: join(work, 'missing') });
    expect(missing).toMatchObject({ status: 1, stdout: '' });
    expect(missing.stderr).toMatch(/^ConfigError \(NOT_FOUND\): .*missing does not exist: .*\n$/);
    const other = await run({ path: work });
    expect(other.stderr).toMatch(/^ConfigError \(GIT_NOT_A_REPOSITORY\): .*is not a git repository: .*\n$/);
  });

  test('has nothing to say about an empty repository', async () => {
    const { status, stdout } = await run();
    expect(status).toBe(0);
    expect(stdout).toContain('history: there is nothing to read yet');
  });
});

interface RunOptions {
  path?: string;
  /** A signal, so long after the reading began. */
  endBy?: 'SIGKILL' | 'SIGINT';
  afterMs?: number;
}

interface Outcome {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

function run({ path = repository, endBy, afterMs }: RunOptions = {}): Promise<Outcome> {
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json') };
  const child = spawn(process.execPath, [...PROGRAM, path], { cwd: work, env });
  const outcome = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (endBy !== undefined && outcome.stdout === '') setTimeout(() => child.kill(endBy), afterMs);
    outcome.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    outcome.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, ...outcome }));
  });
}

interface Row {
  type: string;
  id: string;
  data: string;
}

/** What the only store there is holds. */
function stored(type?: string): Row[] {
  const stores = join(work, '.headwater/quickstart');
  const file = readdirSync(stores).find((name) => name.endsWith('.sqlite')) ?? '';
  const database = new Database(join(stores, file), { readonly: true });
  const rows = database.prepare('select type, id, data from headwater_events').all() as Row[];
  database.close();
  return type === undefined ? rows : rows.filter((row) => row.type === type);
}

function storedCommits(): string[] {
  return stored('git.commit')
    .map(({ id }) => id)
    .sort();
}

/** The first record of a file; its version is only known from the file itself. */
function recordOf(path: string): object {
  const created = stored('file.created').map(({ data }) => JSON.parse(data) as { path: string; version: string });
  return { path, version: created.find((file) => file.path === path)?.version, index: 0, line: 2 };
}

function commitsInRepository(): string[] {
  return git('rev-list', '--all').trim().split('\n').sort();
}

/** Commits with these numbers, on top of what is there. */
function importCommits(from: number, to: number): void {
  const commands: string[] = [];
  for (let number = from; number <= to; number += 1) {
    const person = `Tester <tester@example.com> ${1_700_000_000 + number} +0000`;
    const parent = number === from && from > 1 ? 'from refs/heads/main^0\n' : '';
    const head = `commit refs/heads/main\nauthor ${person}\ncommitter ${person}\n`;
    const text = `change ${number}`;
    commands.push(`${head}data ${text.length}\n${text}\n${parent}`);
    commands.push(`M 100644 inline file-${number % 20}.txt\ndata ${text.length}\n${text}\n\n`);
  }
  execFileSync('git', ['fast-import', '--quiet'], { cwd: repository, input: commands.join('') });
}

function git(...commandLine: string[]): string {
  return execFileSync('git', commandLine, { cwd: repository, encoding: 'utf8' });
}
