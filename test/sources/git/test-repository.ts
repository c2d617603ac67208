import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { GitConfigInput, GitCursor, GitEvent } from 'headwater/sources/git';
import { GitSource } from 'headwater/sources/git';
import { afterAll } from 'vitest';

const FIRST_DATE = 1_700_000_000;

export interface CommitOptions {
  files?: Readonly<Record<string, string | Buffer>>;
  /** Seconds since the epoch. Default: one minute after the commit before. */
  date?: number;
  parents?: readonly string[];
}

/** A real repository in a directory of its own, made with fixed names and dates. Removed after the tests of the file. */
export class TestRepository {
  readonly dir: string;
  #date = FIRST_DATE;

  constructor(dir: string) {
    this.dir = dir;
  }

  static create(...initArguments: string[]): TestRepository {
    const dir = temporaryDirectory();
    const repository = new TestRepository(dir);
    repository.git('init', '--quiet', '--initial-branch=main', ...initArguments, '.');
    return repository;
  }

  git(...commandLine: string[]): string {
    return this.gitWith({}, ...commandLine);
  }

  gitWith(options: { input?: string | Buffer; env?: Record<string, string> }, ...commandLine: string[]): string {
    const stdout = execFileSync('git', commandLine, {
      cwd: this.dir,
      env: { ...environment(this.#date), ...options.env },
      input: options.input ?? '',
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 2 ** 28,
    });
    return stdout.toString('utf8').trim();
  }

  /** Changes files and commits on the current branch; gives the commit's name. */
  commit(message: string, { files = {}, date }: CommitOptions = {}): string {
    this.#date = date ?? this.#date + 60;
    for (const [path, content] of Object.entries(files)) this.write(path, content);
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', message);
    return this.git('rev-parse', 'HEAD');
  }

  merge(branch: string, message: string): string {
    this.#date += 60;
    this.git('merge', '--quiet', '--no-ff', '--message', message, branch);
    return this.git('rev-parse', 'HEAD');
  }

  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.dir, path)), { recursive: true });
    writeFileSync(join(this.dir, path), content);
  }

  /** An object made of raw bytes. */
  object(type: 'commit' | 'tag' | 'blob' | 'tree', content: string | Buffer): string {
    return this.gitWith({ input: content }, 'hash-object', '-t', type, '-w', '--literally', '--stdin');
  }

  /** Removes everything that no ref leads to. */
  collectGarbage(): void {
    this.git('reflog', 'expire', '--expire=now', '--expire-unreachable=now', '--all');
    this.git('gc', '--quiet', '--prune=now');
  }

  /** All commits that refs lead to. */
  allCommits(): string[] {
    return this.git('rev-list', '--all').split('\n').filter(Boolean).sort();
  }
}

function environment(date: number): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: tmpdir(),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ann Author',
    GIT_AUTHOR_EMAIL: 'ann@example.org',
    GIT_AUTHOR_DATE: `${date} +0200`,
    GIT_COMMITTER_NAME: 'Carl Committer',
    GIT_COMMITTER_EMAIL: 'carl@example.org',
    GIT_COMMITTER_DATE: `${date} +0530`,
    GIT_ALLOW_PROTOCOL: 'file',
  };
}

const directories: string[] = [];
afterAll(() => {
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true, force: true });
});

export function temporaryDirectory(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'headwater-git-')));
  directories.push(dir);
  return dir;
}

export type Config = Omit<GitConfigInput, 'dir'>;

export function sourceOf(
  dir: string,
  config: Config = {},
  cursor?: GitCursor,
  onGap: 'throw' | 'emit' = 'throw',
): Promise<GitSource> {
  return GitSource.create({ id: 'test', config: { dir, ...config }, cursor, onGap });
}

export interface Reading {
  events: GitEvent[];
  cursor: GitCursor | undefined;
}

/** Reads until nothing is new, and saves the cursor as a host would: as JSON. */
export async function read(
  { dir }: { dir: string },
  config: Config = {},
  cursor?: GitCursor,
  onGap: 'throw' | 'emit' = 'throw',
): Promise<Reading> {
  const source = await sourceOf(dir, config, cursor, onGap);
  const events: GitEvent[] = [];
  for await (const event of source.generateEvents()) events.push(event);
  return { events, cursor: throughJson(source.getCursor()) };
}

export function throughJson<Value>(value: Value): Value {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as Value);
}

export type EventOf<Type extends GitEvent['type']> = Extract<GitEvent, { type: Type }>;

export function ofType<Type extends GitEvent['type']>(events: readonly GitEvent[], type: Type): EventOf<Type>[] {
  return events.filter((event): event is EventOf<Type> => event.type === type);
}

export function commitsOf(events: readonly GitEvent[]): string[] {
  return ofType(events, 'git.commit').map(({ data }) => data.sha);
}

export function subjectsOf(events: readonly GitEvent[]): string[] {
  return ofType(events, 'git.commit').map(({ data }) => data.subject);
}

/** What happened to refs, in short. */
export function refEventsOf(events: readonly GitEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === 'git.tag') return [`tag ${event.data.change} ${event.data.name}`];
    if (event.type === 'git.commit' || event.type === 'headwater.gap') return [];
    return [`${event.type.slice('git.branch.'.length)} ${event.data.name}`];
  });
}
