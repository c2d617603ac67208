import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { simpleGit } from 'simple-git';
import { gitSource } from './built.js';
import { createHistory } from './git-history.js';
import { type Bench, type PairOptions, paired } from './measure.js';

const COMMITS = 12_000;
const FIELDS = '%H%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%e%x00%D%x00%s%x00%b%x00';
const IDLE_RUNS = 50;

type GitModule = Awaited<ReturnType<typeof gitSource>>;

/** A whole history, and a look for what is new, beside git itself and simple-git. */
export const git: Bench = {
  name: 'git',
  async *rows() {
    const module = await gitSource();
    const { directory, remove } = await createHistory(COMMITS);
    try {
      yield await paired({
        ...common(`${COMMITS} commits with files, beside git log --name-status`, 1.5),
        ours: () => readHistory(module, directory, true),
        rival: () => runGit(directory, ['log', '--name-status', '-M', '-z', `--format=${FIELDS}`, '--all']),
      });
      yield await paired({
        ...common(`${COMMITS} commits without files, beside git log`, 2.0),
        ours: () => readHistory(module, directory, false),
        rival: () => runGit(directory, ['log', '-z', `--format=${FIELDS}`, '--all']),
      });
      yield await paired({
        ...common(`${COMMITS} commits without files, beside simple-git .log()`, 0.7),
        ours: () => readHistory(module, directory, false),
        rival: () => simpleGit(directory).log(['--all']),
      });
      const cursor = await cursorAtEnd(module, directory);
      yield await paired({
        ...common(`nothing new (${IDLE_RUNS} times), beside one git for-each-ref`, 3),
        ours: () => times(IDLE_RUNS, () => readNothing(module, directory, cursor)),
        rival: () => times(IDLE_RUNS, () => runGit(directory, ['for-each-ref'])),
      });
    } finally {
      remove();
    }
  },
};

type Cursor = Awaited<ReturnType<typeof cursorAtEnd>>;

function common(row: string, goal: number): Pick<PairOptions, 'bench' | 'row' | 'goal' | 'pairs' | 'warmUps'> {
  return { bench: 'git', row, goal, pairs: 7, warmUps: 1 };
}

async function readHistory({ GitSource }: GitModule, dir: string, files: boolean): Promise<void> {
  const source = await GitSource.create({ id: 'history', config: { dir, files } });
  let commits = 0;
  for await (const event of source.generateEvents()) if (event.type === 'git.commit') commits += 1;
  if (commits !== COMMITS) throw new Error(`${commits} commits came instead of ${COMMITS}`);
}

async function cursorAtEnd({ GitSource }: GitModule, dir: string) {
  const source = await GitSource.create({ id: 'history', config: { dir, files: false } });
  for await (const _event of source.generateEvents());
  return source.getCursor();
}

async function readNothing({ GitSource }: GitModule, dir: string, cursor: Cursor): Promise<void> {
  const source = await GitSource.create({ id: 'history', config: { dir }, cursor });
  for await (const event of source.generateEvents()) throw new Error(`${event.type} came although nothing is new`);
}

async function runGit(cwd: string, args: readonly string[]): Promise<void> {
  const child = spawn('git', args, { cwd, stdio: 'ignore' });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`git ${args[0]} ended with exit status ${status}`);
}

async function times(count: number, job: () => Promise<void>): Promise<void> {
  for (let index = 0; index < count; index += 1) await job();
}
