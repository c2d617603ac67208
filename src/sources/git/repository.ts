import { existsSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigError, NotFoundError, PermissionError } from '../../core/errors.js';
import type { GitConfig } from './config.js';
import { missingDirectory, oldGit } from './failure.js';
import type { Git } from './git-process.js';
import { readObjects } from './objects.js';

/** The directory itself: absolute, symbolic links resolved. */
export async function locateDirectory(dir: string): Promise<string> {
  try {
    const directory = await realpath(resolve(dir));
    if ((await stat(directory)).isDirectory()) return directory;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new PermissionError(`the directory ${resolve(dir)} cannot be read`, { cause: error });
    }
    throw missingDirectory(resolve(dir));
  }
  throw new NotFoundError(`${resolve(dir)} is not a directory: set "dir" to the top directory of a git repository`);
}

/** Whether the history was cut off by a shallow clone. */
export async function isShallow(git: Git): Promise<boolean> {
  return (await git.run(['rev-parse', '--is-shallow-repository'])).toString('latin1').trim() === 'true';
}

/**
 * Where the files of a repository are, in its two usual layouts: `.git` in a working tree, or bare. Undefined for
 * others, such as linked worktrees: there git has to be asked. A process costs some milliseconds, a look does not.
 */
async function usualGitDirectory(directory: string): Promise<string | undefined> {
  const entry = await stat(join(directory, '.git')).catch(() => undefined);
  if (entry !== undefined && !entry.isDirectory()) return undefined;
  const gitDirectory = entry === undefined ? directory : join(directory, '.git');
  return existsSync(join(gitDirectory, 'commondir')) ? undefined : gitDirectory;
}

const NO_PARENTS: ReadonlyMap<string, readonly string[]> = new Map();

/**
 * The commits at which a shallow clone was cut off, with the parents they have upstream: git itself shows them without
 * any. Empty for a complete repository.
 *
 * @see https://git-scm.com/docs/shallow
 */
export async function shallowBoundary(git: Git): Promise<ReadonlyMap<string, readonly string[]>> {
  const gitDirectory = await usualGitDirectory(git.directory);
  if (gitDirectory !== undefined && !existsSync(join(gitDirectory, 'shallow'))) return NO_PARENTS;
  const output = await git.run(['rev-parse', '--is-shallow-repository', '--git-path', 'shallow']);
  const [isShallow, ...path] = output.toString('utf8').trimEnd().split('\n');
  if (isShallow !== 'true') return NO_PARENTS;
  const file = await readFile(resolve(git.directory, path.join('\n')), 'latin1');
  const shas = file.split('\n').filter((line) => /^[0-9a-f]{40,64}$/.test(line));
  const commits = await readObjects(git, shas);
  return new Map(shas.map((sha) => [sha, parentsOf(commits.get(sha))]));
}

function parentsOf(commit: Buffer | undefined): string[] {
  const headers = commit?.toString('latin1').split('\n\n', 1)[0] ?? '';
  return [...headers.matchAll(/^parent ([0-9a-f]+)$/gm)].map(([, sha]) => sha as string);
}

const PROMISOR_KEYS = '^(extensions\\.partialclone|remote\\..*\\.(promisor|partialclonefilter))$';
/** A configuration file without any of these words can neither say it nor include one that does. */
const PROMISOR_WORDS = /partialclone|promisor|include|worktreeconfig/i;

/**
 * Whether objects may be missing that git would fetch when they are needed.
 *
 * @see https://git-scm.com/docs/partial-clone
 */
export async function isPartialClone(git: Git): Promise<boolean> {
  const gitDirectory = await usualGitDirectory(git.directory);
  if (gitDirectory !== undefined && !PROMISOR_WORDS.test(await configurationText(gitDirectory))) {
    return false;
  }
  const output = await git.run(['config', '-z', '--name-only', '--get-regexp', PROMISOR_KEYS], { alsoOk: [1] });
  return output.length > 0;
}

/** Where the file cannot be read, git has to say what holds. */
async function configurationText(gitDirectory: string): Promise<string> {
  return readFile(join(gitDirectory, 'config'), 'latin1').catch(() => 'include');
}

export function partialCloneRefused(directory: string): ConfigError {
  return new ConfigError(
    [
      {
        severity: 'error',
        code: 'GIT_PARTIAL_CLONE',
        message: `${directory} is a partial clone: counting lines would have to fetch file contents`,
        fix: 'leave out numstat, or clone without --filter',
      },
    ],
    { code: 'GIT_PARTIAL_CLONE' },
  );
}

export async function isEmptyRepository(git: Git): Promise<boolean> {
  return (await git.run(['for-each-ref', '--count=1', '--format=%(refname)'])).length === 0;
}

export function unknownRefs(names: readonly string[], directory: string): NotFoundError {
  return new NotFoundError(
    `${directory} has no ref named ${names.map((name) => `"${name}"`).join(', ')}: correct "refs", or leave it out ` +
      'to follow all branches and tags',
    { code: 'GIT_UNKNOWN_REF' },
  );
}

/** The setting that needs a later git than the rest, if there is one. */
export function needsRecentGit({ since, firstParent }: GitConfig): string | undefined {
  if (since !== undefined) return '"since"';
  return firstParent ? '"firstParent"' : undefined;
}

/** Options that older versions do not have: `--since-as-filter`, `--exclude-first-parent-only`. */
const NEEDED = [2, 37] as const;

/** @throws ConfigError when what was asked for needs a later git. */
export function checkVersion(text: string, wanted: string): void {
  const match = /(\d+)\.(\d+)/.exec(text);
  const [major, minor] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return;
  throw oldGit(`${wanted} needs git ${NEEDED.join('.')}, this is ${text.trim()}`);
}
