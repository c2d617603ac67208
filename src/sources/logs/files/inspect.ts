import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Problem, ValidationResult } from '../../../core/source-definition.js';
import { errorCode } from '../../../toolkit/durable-file.js';
import { FileFinder } from '../../../toolkit/tail/file-finder.js';
import type { LogFilesConfig } from './config.js';

/** So many files that cannot be read are named. */
const MOST_NAMED = 10;

/** Whether the directories are there, and the files in them can be read. */
export async function inspectFiles(config: LogFilesConfig): Promise<ValidationResult> {
  const problems: Problem[] = [];
  const root = resolve(config.dir);
  const { files, exclude, followSymlinks: followsLinks } = config;
  const finder = new FileFinder({ root, files, exclude, followsLinks, onDirectory: () => {} });
  for (const directory of [root, ...finder.bases]) {
    const problem = await directoryProblem(directory);
    if (problem !== undefined && !problems.some(({ message }) => message === problem.message)) problems.push(problem);
  }
  if (problems.length > 0) return { ok: false, problems };
  const found = await finder.find();
  for (const { full } of found.files.values()) {
    if (problems.length >= MOST_NAMED) break;
    const problem = await fileProblem(full);
    if (problem !== undefined) problems.push(problem);
  }
  if (found.files.size === 0) {
    const message = `there is no file that matches ${files.join(', ')} yet`;
    problems.push({ severity: 'warning', code: 'LOG_NO_FILES', message });
  }
  return { ok: problems.every(({ severity }) => severity === 'warning'), problems };
}

async function directoryProblem(directory: string): Promise<Problem | undefined> {
  try {
    const stats = await stat(directory);
    if (stats.isDirectory()) await access(directory, constants.R_OK | constants.X_OK);
    else return rootProblem(`${directory} is not a directory`, 'correct "files" or "dir"');
    return undefined;
  } catch (error) {
    const code = errorCode(error) ?? 'unknown';
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    return isMissing
      ? rootProblem(`${directory} does not exist`, 'correct "files" or "dir"')
      : rootProblem(`${directory} cannot be read (${code})`, 'check owner and mode of the directory');
  }
}

function rootProblem(message: string, fix: string): Problem {
  return { severity: 'error', code: 'LOG_ROOT', message, fix };
}

async function fileProblem(path: string): Promise<Problem | undefined> {
  try {
    await access(path, constants.R_OK);
    return undefined;
  } catch (error) {
    const message = `${path} cannot be read (${errorCode(error) ?? 'unknown'})`;
    return { severity: 'error', code: 'LOG_FILE', message, fix: 'check owner and mode of the file, or exclude it' };
  }
}
