import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CursorRecord } from '../../core/cursor-store.js';
import { corruptFile } from './damage.js';
import { Generations } from './generations.js';
import { directoryNameOf, isSourceDirectory } from './names.js';

/** The newest record of every source below a directory, sorted by source id. */
export function newestRecords(root: string): CursorRecord[] {
  const names = existsSync(root) ? readdirSync(root) : [];
  const records = names.filter(isSourceDirectory).map((name) => newestRecord(join(root, name)));
  return records
    .filter((record) => record !== undefined)
    .sort((left, right) => (left.sourceId < right.sourceId ? -1 : 1));
}

/** Its directory's name has to be the one of its source. */
function newestRecord(path: string): CursorRecord | undefined {
  const { record, sourceId } = new Generations(path, undefined).readNewest().generation;
  if (record === undefined || directoryNameOf(sourceId) === basename(path)) return record;
  throw corruptFile(path, `it holds the cursor of source "${sourceId}"`, sourceId);
}
