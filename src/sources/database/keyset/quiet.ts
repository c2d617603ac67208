import type { KeysetCursor } from '../cursor.js';
import type { Row } from '../engine/engine.js';
import type { Keyset } from '../relation.js';
import { Statement } from '../statement.js';
import { type Commits, visibleSince } from './commits.js';

/** A statement that tells whether a round would find anything. */
export interface QuietQuestion {
  readonly text: string;
  readonly parameters: readonly unknown[];
  /** The position after a round with nothing in it; undefined where a round has to look. */
  answer(row: Row | undefined): KeysetCursor | undefined;
}

interface Looked {
  readonly keyset: Keyset;
  readonly commits: Commits;
}

/**
 * Where rows carry their transaction, one statement sees what a session would see, and knows by the index whether
 * anything of it is new. Undefined where that cannot be told so, or a round was broken off.
 */
export function quietQuestion({ keyset, commits }: Looked, cursor: KeysetCursor): QuietQuestion | undefined {
  const { seen } = keyset.engine;
  const { from, to } = cursor;
  if (commits.kind !== 'transactions' || seen === undefined || from === undefined || to !== undefined) return undefined;
  // A row without a transaction is found by a look of its own.
  if (commits.column.isNullable) return undefined;
  const statement = new Statement(keyset);
  const table = statement.from();
  const isNew = visibleSince(commits.column, from)(statement);
  return {
    text: `select ${seen}, exists (select 1 from ${table} where ${isNew}) as found`,
    parameters: statement.parameters,
    answer: (row) => {
      if (row?.['found'] !== false || row['server'] !== cursor.server) return undefined;
      const snapshot = String(row['snapshot']);
      return snapshot === from ? cursor : { ...cursor, from: snapshot };
    },
  };
}
