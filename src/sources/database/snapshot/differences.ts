import type { DatabaseRow } from '../rows.js';
import { type Block, HASH_LENGTH, identityOf, type KeyValue } from './block.js';

export interface ScannedRow {
  readonly key: KeyValue;
  readonly hash: string;
  readonly row: DatabaseRow;
}

export type Difference =
  | { readonly kind: 'inserted' | 'updated'; readonly row: DatabaseRow }
  | { readonly kind: 'deleted'; readonly key: KeyValue };

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Rows of the block that lie behind those that were read. */
  readonly rest: Pick<Block, 'keys' | 'hashes'>;
  readonly isUnchanged: boolean;
}

/**
 * What has become of the rows of a block. Both are in the order of the database, which nobody else knows: a row that is
 * found again says that those known before it, and not met, are gone. Those behind the last one met are gone only if
 * everything up to the end of the block was read.
 */
export function compare(
  known: Pick<Block, 'keys' | 'hashes'>,
  rows: readonly ScannedRow[],
  isComplete: boolean,
): Comparison {
  const places = new Map(known.keys.map((key, at) => [identityOf(key), at]));
  const differences: Difference[] = [];
  let met = 0;
  const tellGone = (until: number): void => {
    for (; met < until; met += 1) differences.push({ kind: 'deleted', key: known.keys[met] ?? null });
  };
  for (const { key, hash, row } of rows) {
    const at = places.get(identityOf(key));
    if (at === undefined || at < met) {
      differences.push({ kind: 'inserted', row });
      continue;
    }
    tellGone(at);
    met += 1;
    if (!known.hashes.startsWith(hash, at * HASH_LENGTH)) differences.push({ kind: 'updated', row });
  }
  if (isComplete) tellGone(known.keys.length);
  const rest = { keys: known.keys.slice(met), hashes: known.hashes.slice(met * HASH_LENGTH) };
  return { differences, rest, isUnchanged: differences.length === 0 && rest.keys.length === 0 };
}
