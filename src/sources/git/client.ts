import { HeadwaterError } from '../../core/errors.js';
import type { Problem, ValidationResult } from '../../core/source-definition.js';
import type { GitConfig } from './config.js';
import { gitEnvironment, globalArguments } from './environment.js';
import { gitFailure } from './failure.js';
import type { Git } from './git-process.js';
import { listRefs, selectRefs, unknownNames } from './refs.js';
import {
  checkVersion,
  isEmptyRepository,
  isPartialClone,
  isShallow,
  locateDirectory,
  needsRecentGit,
  partialCloneRefused,
  unknownRefs,
} from './repository.js';

/**
 * simple-git refuses to be given these settings, since they usually make git run something. Here they are constants
 * that stop git from running what a repository names.
 */
const OUR_OWN_SETTINGS = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeEditor: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeHooksPath: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
} as const;

/**
 * Short questions through simple-git, in the same closed environment as everything else. It buffers whole outputs and
 * takes longer to load than an idle poll takes, so it serves `validate()` and is loaded only then.
 */
async function openClient(directory: string, trustOwner: boolean, signal: AbortSignal): Promise<Git> {
  const { simpleGit } = await import('simple-git');
  const environment = gitEnvironment(directory);
  const client = simpleGit({
    baseDir: directory,
    abort: signal,
    unsafe: OUR_OWN_SETTINGS,
    allowEnvironment: Object.keys(environment),
  }).env(environment);
  return {
    directory,
    async run(commandLine) {
      try {
        return Buffer.from(await client.raw([...globalArguments(directory, trustOwner), ...commandLine]));
      } catch (error) {
        signal.throwIfAborted();
        throw failureOf(commandLine[0] ?? '', directory, error as Error);
      }
    },
  };
}

function failureOf(command: string, directory: string, error: Error): HeadwaterError {
  const started = !/spawn git \w+/.test(error.message);
  const reason = started ? undefined : Object.assign(error, { code: /spawn git (\w+)/.exec(error.message)?.[1] });
  return gitFailure(command, directory, { code: 1, signal: null, stderr: error.message, error: reason });
}

/** What is wrong with a repository or with git itself, as far as these settings are concerned. */
export async function inspectRepository(config: GitConfig, signal: AbortSignal): Promise<ValidationResult> {
  const own = new AbortController();
  const abort = (): void => own.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const problems = await findProblems(config, own.signal);
    return { ok: problems.every(({ severity }) => severity !== 'error'), problems };
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function findProblems(config: GitConfig, signal: AbortSignal): Promise<Problem[]> {
  try {
    const directory = await locateDirectory(config.dir);
    const git = await openClient(directory, config.trustOwner, signal);
    await checkGit(git, config);
    return [...(await checkRefs(git, config)), ...(await checkClone(git, config))];
  } catch (error) {
    signal.throwIfAborted();
    if (!HeadwaterError.isInstance(error)) throw error;
    return [{ severity: 'error', code: error.code, message: error.message }];
  }
}

async function checkGit(git: Git, config: GitConfig): Promise<void> {
  const wanted = needsRecentGit(config);
  const version = (await git.run(['version'])).toString('utf8');
  if (wanted !== undefined) checkVersion(version, wanted);
}

async function checkRefs(git: Git, config: GitConfig): Promise<Problem[]> {
  const selection = selectRefs(config.refs);
  const listing = await listRefs(git, selection);
  const unknown = unknownNames(selection, listing);
  if (listing.size === 0 && (await isEmptyRepository(git))) {
    return [{ severity: 'warning', code: 'GIT_EMPTY', message: `${git.directory} has no commits yet` }];
  }
  if (unknown.length === 0) return [];
  const { code, message } = unknownRefs(unknown, git.directory);
  return [{ severity: 'error', code, message }];
}

async function checkClone(git: Git, config: GitConfig): Promise<Problem[]> {
  const problems: Problem[] = [];
  if (config.numstat && (await isPartialClone(git))) problems.push(...partialCloneRefused(git.directory).problems);
  if (await isShallow(git)) {
    problems.push({
      severity: 'warning',
      code: 'GIT_SHALLOW',
      message: `${git.directory} is a shallow clone: its history is cut off, and deepening it later brings nothing`,
      fix: 'run: git fetch --unshallow',
    });
  }
  return problems;
}
