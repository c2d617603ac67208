import { closeSync, constants, linkSync, mkdirSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, NO_FOLLOW, syncDirectory } from '../../toolkit/durable-file.js';

/** Whether the name was free. */
export function linkOnce(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

export function readIfPresent(path: string): Buffer | undefined {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | NO_FOLLOW);
    try {
      return readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function removeIfPresent(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Does nothing where there is one. */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

/** Makes the names of new directories durable, from a path up to the directory that was there before. */
export async function syncParents(path: string, top: string): Promise<void> {
  for (let at = path; at !== top && at !== dirname(at); at = dirname(at)) await syncDirectory(dirname(at));
}
