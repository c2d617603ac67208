import { createHash } from 'node:crypto';
import type { GitCommit } from './commit.js';
import type { GitConfig } from './config.js';
import type { GitProcess } from './git-process.js';
import { LOG_FORMAT, LogParser } from './log-parser.js';
import { pathspecs } from './pathspecs.js';

const BLOCK_COMMITS = 500;
const BLOCK_BYTES = 2 * 1024 * 1024;

/** Which commits: those that can be reached from the tips and from none of the base. The same every time. */
export interface WalkRequest {
  tips: readonly string[];
  base: readonly string[];
  /** At most so many, the newest. */
  limit?: number | undefined;
  config: GitConfig;
}

/** Some commits of a walk, parents before children, and how many of the walk are delivered with them. */
export interface WalkedCommits {
  commits: readonly GitCommit[];
  delivered: number;
}

/** Changes whenever the settings change that decide which commits a walk lists, and in what order. */
export function walkFingerprint({ paths, since, firstParent }: GitConfig): string {
  const settings = JSON.stringify([paths ?? null, since?.toISOString() ?? null, firstParent]);
  return createHash('sha256').update(settings).digest('hex').slice(0, 16);
}

/** How far a walk had come. */
export interface WalkPosition {
  /** Commits delivered. */
  commits: number;
  /** The last of them. */
  after?: string | undefined;
  /** The walk turned out to be another one. */
  onRestart?: (() => void) | undefined;
}

/**
 * The commits of a walk after a position in it. Skipping costs a walk without
 * files. Where the walk turns out to be another one than before, it begins again: commits may repeat, none is lost.
 */
export async function* walkCommits(
  git: GitProcess,
  request: WalkRequest,
  { commits: done, after, onRestart }: WalkPosition,
): AsyncGenerator<WalkedCommits, void, undefined> {
  const resumed = done > 0 && after !== undefined ? await resume(git, request, done, after) : undefined;
  if (done > 0 && resumed === undefined) onRestart?.();
  let count = resumed === undefined ? 0 : done;
  for await (const commits of resumed ?? logCommits(git, request, request.limit)) {
    count += commits.length;
    if (commits.length > 0) yield { commits, delivered: count };
  }
}

/**
 * What is left of a walk, or undefined where it cannot be gone on with. git limits a walk before it reverses it, so
 * the newest `total - delivered + 1` are the last one delivered and all that follow.
 */
async function resume(
  git: GitProcess,
  request: WalkRequest,
  delivered: number,
  after: string,
): Promise<AsyncIterable<GitCommit[]> | undefined> {
  const total = await countCommits(git, request);
  if (total < delivered) return undefined;
  const iterator = logCommits(git, request, total - delivered + 1);
  const first = await iterator.next();
  const commits = first.done === true ? [] : first.value;
  if (commits[0]?.sha === after) return prepend(commits.slice(1), iterator);
  await iterator.return();
  return undefined;
}

/** What was read already, then the rest. Whoever leaves at the first item leaves the process behind the rest ended, too. */
async function* prepend<Item>(first: Item, rest: AsyncGenerator<Item, void>): AsyncGenerator<Item, void, undefined> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return();
  }
}

async function countCommits(git: GitProcess, request: WalkRequest): Promise<number> {
  const selection = selectionArguments(request, request.limit);
  const commandLine = [
    'rev-list',
    '--count',
    ...selection,
    '--stdin',
    '--end-of-options',
    '--',
    ...pathspecs(request.config),
  ];
  return Number((await git.run(commandLine, { input: revisions(request) })).toString('latin1'));
}

/** Commits as git prints them, in blocks. Nothing is said of the last ones before git has ended well. */
async function* logCommits(
  git: GitProcess,
  request: WalkRequest,
  limit: number | undefined,
): AsyncGenerator<GitCommit[], void, undefined> {
  const selection = selectionArguments(request, limit);
  const commandLine = ['log', ...selection, ...OUTPUT_ARGUMENTS, '--', ...pathspecs(request.config)];
  const parser = new LogParser();
  let block: GitCommit[] = [];
  let bytes = 0;
  for await (const chunk of git.stream(commandLine, { input: revisions(request) })) {
    for (const commit of parser.push(chunk)) block.push(commit);
    bytes += chunk.length;
    if (block.length === 0 || (block.length < BLOCK_COMMITS && bytes < BLOCK_BYTES)) continue;
    yield block;
    block = [];
    bytes = 0;
  }
  yield [...block, ...parser.end()];
}

/**
 * `--topo-order` puts parents before children once it is reversed; so does `--date-order`, which also makes "the newest"
 * the newest by date. With paths, `--full-history` keeps the choice independent of when a run is made.
 *
 * @see https://git-scm.com/docs/git-log#_history_simplification
 */
function selectionArguments({ config, limit: pinned }: WalkRequest, limit: number | undefined): string[] {
  const { paths, since, firstParent } = config;
  return [
    pinned === undefined ? '--topo-order' : '--date-order',
    ...(limit === undefined ? [] : [`--max-count=${limit}`]),
    ...(since === undefined ? [] : [`--since-as-filter=${since.toISOString()}`]),
    ...(firstParent ? ['--first-parent', '--exclude-first-parent-only'] : []),
    ...(paths === undefined ? [] : ['--full-history']),
  ];
}

/** Everything that configuration could change about the output is said here. */
const OUTPUT_ARGUMENTS = [
  '--reverse',
  '-z',
  '--no-patch',
  `--format=${LOG_FORMAT}`,
  '--encoding=UTF-8',
  '--no-show-signature',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--no-decorate',
  '--no-follow',
  '--no-mailmap',
  '--no-notes',
  '--stdin',
  '--end-of-options',
] as const;

function revisions({ tips, base }: WalkRequest): string {
  return [...tips.map((sha) => `${sha}\n`), ...base.map((sha) => `^${sha}\n`)].join('');
}
