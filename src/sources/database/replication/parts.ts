import type { ReplicationCursor } from '../cursor.js';
import type { Run } from '../engine/engine.js';
import type { CapturedTable } from './captured.js';
import { type Lsn, parseLsn } from './lsn.js';
import { Seen } from './seen.js';

export type InitialSnapshot = NonNullable<ReplicationCursor['snapshot']>;
export type InitialTable = InitialSnapshot['tables'][number];

/** Keys that are looked up at once, and those that are remembered. */
export const KEYS_AT_ONCE = 200;
const MOST_KEYS = 20_000;

/**
 * Tells changes that the initial snapshot holds already from those that come after it. A snapshot that was interrupted
 * goes on as of later: its rows have parts, and a change belongs to the part its key lies in. Where the parts do not agree,
 * the database is asked in which it lies, since only it knows the order of its keys.
 */
export class Parts {
  /** From here on nothing is in the snapshot. */
  readonly until: Lsn;
  readonly #tables = new Map<string, TableParts>();

  constructor({ until, tables }: InitialSnapshot) {
    this.until = parseLsn(until);
    for (const each of tables) this.#tables.set(each.table, new TableParts(each));
  }

  of(table: string): TableParts | undefined {
    return this.#tables.get(table);
  }
}

export class TableParts {
  readonly #table: InitialTable;
  readonly #seen: readonly Seen[];
  /** The part of each key. Parts do not change once the snapshot is read. */
  readonly #known = new Map<string, number>();
  #transaction: number | undefined;
  #answer: boolean | 'some' = false;

  constructor(table: InitialTable) {
    this.#table = table;
    this.#seen = table.parts.map(({ seen }) => new Seen(seen));
  }

  /** Whether what a transaction did is in the rows read: in all, in none, or in some of the parts. */
  has(transaction: number): boolean | 'some' {
    if (transaction === this.#transaction) return this.#answer;
    const answers = this.#seen.map((seen) => seen.has(transaction));
    this.#transaction = transaction;
    this.#answer = answers.every(Boolean) ? answers.length > 0 : answers.some(Boolean) ? 'some' : false;
    return this.#answer;
  }

  knows(key: readonly string[]): boolean {
    return this.#known.has(JSON.stringify(key));
  }

  /** As `has`, of a row whose part is known. */
  hasRow(transaction: number, key: readonly string[]): boolean {
    const part = this.#known.get(JSON.stringify(key));
    if (part === undefined) throw new Error('nobody asked in which part this key lies');
    return this.#seen[part]?.has(transaction) ?? false;
  }

  /** Asks the database in which parts keys lie. */
  async learn(run: Run, { relation }: CapturedTable, keys: readonly (readonly string[])[]): Promise<void> {
    if (keys.length === 0) return;
    if (this.#known.size > MOST_KEYS) this.#known.clear();
    const { quote } = relation.engine.dialect;
    const parameters: unknown[] = [];
    const parameter = (value: unknown): string => `$${parameters.push(value)}`;
    // The first row gives the columns their types and their order.
    const columns = relation.key.map(({ name }) => `t.${quote(name)}`);
    const rows = keys.map((key, at) => {
      const values = relation.key.map(({ type }, column) => `${parameter(key[column] ?? '')}::${type}`);
      return `select ${at}, ${values.join(', ')}`;
    });
    const names = relation.key.map((_, at) => `k${at}`);
    const bounds = this.#table.parts.flatMap(({ upTo }, part) => {
      if (upTo === undefined) return [];
      const values = relation.key.map((column, at) =>
        column.compared(parameter(column.parameter(upTo[at] ?? '')), upTo[at] ?? ''),
      );
      return `when (${names.join(', ')}) <= (${values.join(', ')}) then ${part}`;
    });
    const found = await run(
      `with v (n, ${names.join(', ')}) as (select -1, ${columns.join(', ')} from ${relation.from} as t where false
        union all ${rows.join(' union all ')})
       select n, case ${bounds.join(' ')} else ${this.#table.parts.length - 1} end as part from v`,
      parameters,
    );
    for (const { n, part } of found) this.#known.set(JSON.stringify(keys[Number(n)]), Number(part));
  }
}
