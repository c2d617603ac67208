import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NotFoundError, PermissionError } from '../core/errors.js';
import { errorCode } from './durable-file.js';

/**
 * The real path of the directory that a source reads, symbolic links resolved.
 *
 * @throws NotFoundError, PermissionError, with this code
 */
export async function realDirectory(path: string, options: { code: string; sourceId: string }): Promise<string> {
  const directory = resolve(path);
  try {
    return await realpath(directory);
  } catch (error) {
    const code = errorCode(error);
    const fields = { ...options, cause: error };
    if (code === 'EACCES' || code === 'EPERM') {
      throw new PermissionError(
        `the directory ${directory} may not be read (${code}): check its owner and mode`,
        fields,
      );
    }
    throw new NotFoundError(
      `the directory ${directory} does not exist (${code}): set "dir", or is it not mounted?`,
      fields,
    );
  }
}
