import { hashKey } from '../../toolkit/sql/key-hash.js';
import type { SqlDatabase } from '../../toolkit/sql/sql-database.js';
import { parseJsonText } from '../json-text.js';
import type { ChangeLease, LeaseState } from '../lease-state.js';

/** The rows of leases: one per source, replaced by whoever saw its last version. */
export class LeaseRows {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  /** Compare and set, until nobody else was faster. */
  change(sourceId: string): ChangeLease {
    return async (decide) => {
      for (;;) {
        const found = await this.#read(sourceId);
        const next = decide(found?.state);
        if (next === undefined) return found?.state;
        if (await this.#replace(sourceId, found?.version ?? 0, next)) return next;
      }
    };
  }

  async #read(sourceId: string): Promise<{ version: number; state: LeaseState } | undefined> {
    const { dialect } = this.#database;
    const text = `select version, state from ${this.#database.table('leases')} where source_key = ${dialect.parameter(1)}`;
    const { rows } = await this.#database.run(text, [hashKey(sourceId)]);
    const [row] = rows;
    if (row === undefined) return undefined;
    return { version: Number(row['version']), state: parseJsonText(row['state'], sourceId) as LeaseState };
  }

  async #replace(sourceId: string, version: number, state: LeaseState): Promise<boolean> {
    const { parameter, insertUnlessThere } = this.#database.dialect;
    const table = this.#database.table('leases');
    const values = [state.token, JSON.stringify(state), hashKey(sourceId), version];
    const [first, second, third, fourth] = [1, 2, 3, 4].map(parameter);
    const text =
      version === 0
        ? `${insertUnlessThere.begin} ${table} (token, state, source_key, version) values (${first}, ${second}, ${third}, ${fourth} + 1) ${insertUnlessThere.end}`
        : `update ${table} set token = ${first}, state = ${second}, version = version + 1 where source_key = ${third} and version = ${fourth}`;
    return (await this.#database.run(text, values)).changed > 0;
  }
}
