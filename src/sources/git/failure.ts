import { existsSync } from 'node:fs';
import {
  ConfigError,
  FatalError,
  type HeadwaterError,
  NotFoundError,
  PermissionError,
  RetryableError,
} from '../../core/errors.js';
import { redactText } from '../../core/secret.js';

/** How a git process ended. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
  /** Set when the process could not be started. */
  error?: NodeJS.ErrnoException | undefined;
}

const LONGEST_QUOTE = 300;

type Diagnosis = readonly [pattern: RegExp, make: (directory: string, quote: string) => HeadwaterError];

const DIAGNOSES: readonly Diagnosis[] = [
  [/dubious ownership|unsafe repository/, dubiousOwnership],
  [/not a git repository/i, notARepository],
  [/permission denied/i, noPermission],
  [/unrecognized argument|unknown option|invalid option|^usage: git/m, tooOld],
  [/bad object|missing (?:blob|tree|commit|object)|could not fetch|unable to read|lazy fetching/i, objectMissing],
  [/resource temporarily unavailable|cannot fork|too many open files|out of memory/i, overloaded],
];

/** The error that says what to do about a git process that failed. */
export function gitFailure(command: string, directory: string, ending: Ending): HeadwaterError {
  if (ending.error !== undefined) return cannotStart(directory, ending.error);
  const quote = shortQuote(ending.stderr);
  for (const [pattern, make] of DIAGNOSES) if (pattern.test(ending.stderr)) return make(directory, quote);
  if (ending.signal !== null) return new RetryableError(`git ${command} was ended by ${ending.signal}`);
  return new FatalError(`git ${command} failed in ${directory} with status ${ending.code}: ${quote}`, {
    code: 'GIT_FAILED',
  });
}

function cannotStart(directory: string, error: NodeJS.ErrnoException): HeadwaterError {
  if (error.code === 'EAGAIN' || error.code === 'EMFILE' || error.code === 'ENOMEM') {
    return new RetryableError('git could not be started: the machine is out of processes, files or memory', {
      cause: error,
    });
  }
  if (!existsSync(directory)) return missingDirectory(directory);
  return new ConfigError(
    [
      {
        severity: 'error',
        code: 'GIT_NOT_INSTALLED',
        message: `the program "git" cannot be started (${error.code ?? error.message})`,
        fix: 'install git 2.37 or later and make sure that it is found through PATH',
      },
    ],
    { code: 'GIT_NOT_INSTALLED', cause: error },
  );
}

export function missingDirectory(directory: string): NotFoundError {
  return new NotFoundError(`the directory ${directory} does not exist: set "dir" to an existing git repository`);
}

function notARepository(directory: string): HeadwaterError {
  return new NotFoundError(
    `${directory} is not a git repository: set "dir" to its top directory (parent directories are not searched), ` +
      'or to a bare repository',
    { code: 'GIT_NOT_A_REPOSITORY' },
  );
}

function dubiousOwnership(directory: string): HeadwaterError {
  return new PermissionError(
    `the repository ${directory} belongs to another user, who could have planted something in it: run as its owner, ` +
      'change its owner, or set "trustOwner: true" if you trust whoever owns it',
    { code: 'GIT_DUBIOUS_OWNERSHIP' },
  );
}

function noPermission(directory: string, quote: string): HeadwaterError {
  return new PermissionError(`the repository ${directory} cannot be read: ${quote}`);
}

function tooOld(_directory: string, quote: string): HeadwaterError {
  return oldGit(`git does not know an option it was given: ${quote}`);
}

/** Something asked for needs a later git. */
export function oldGit(message: string): ConfigError {
  return new ConfigError([{ severity: 'error', code: 'GIT_TOO_OLD', message, fix: 'install git 2.37 or later' }], {
    code: 'GIT_TOO_OLD',
  });
}

function objectMissing(directory: string, quote: string): HeadwaterError {
  return new FatalError(
    `the repository ${directory} lacks objects that its history needs (damaged, or a partial clone; nothing is ` +
      `fetched): ${quote}`,
    { code: 'GIT_OBJECT_MISSING' },
  );
}

function overloaded(_directory: string, quote: string): HeadwaterError {
  return new RetryableError(`git ran out of processes, files or memory: ${quote}`);
}

function shortQuote(stderr: string): string {
  const line = redactText(stderr.replace(/^(?:hint|warning):.*$/gm, ''))
    .trim()
    .replace(/\s+/g, ' ');
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line;
}
