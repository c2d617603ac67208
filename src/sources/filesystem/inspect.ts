import { access, constants, stat } from 'node:fs/promises';
import type { Problem, ValidationResult } from '../../core/source-definition.js';
import { errorCode } from '../../toolkit/durable-file.js';

/** Whether a directory can be read. */
export async function inspectDirectory(directory: string): Promise<ValidationResult> {
  const problem = await findProblem(directory);
  return { ok: problem === undefined, problems: problem === undefined ? [] : [problem] };
}

async function findProblem(directory: string): Promise<Problem | undefined> {
  try {
    const stats = await stat(directory);
    if (!stats.isDirectory()) {
      const message = `${directory} is not a directory`;
      return { severity: 'error', code: 'FILESYSTEM_ROOT', message, fix: 'set "dir" to a directory' };
    }
    await access(directory, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const code = errorCode(error) ?? 'unknown';
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    const message = isMissing ? `${directory} does not exist` : `${directory} cannot be read (${code})`;
    const fix = isMissing ? 'set "dir" to an existing directory' : 'check owner and mode of the directory';
    return { severity: 'error', code: 'FILESYSTEM_ROOT', message, fix };
  }
}
