import type { CursorWrite } from '../../core/cursor-store.js';
import { hashKey } from '../../toolkit/sql/key-hash.js';
import { toRowChunks } from '../../toolkit/sql/row-chunks.js';
import type { RunQuery, SqlDatabase } from '../../toolkit/sql/sql-database.js';
import { parseJsonText, toJsonText } from '../json-text.js';

const PAGE = 2_000;
/** Keys deleted by one statement. */
const DELETED_AT_ONCE = 500;

/** The rows of keyed state. Text is kept as JSON, which every database takes. */
export class StateRows {
  readonly #database: SqlDatabase;
  readonly #insert: string;

  constructor(database: SqlDatabase) {
    this.#database = database;
    this.#insert = database.dialect.insertRows({
      table: database.table('state'),
      columns: ['source_key', 'key_hash', 'state_key', 'value'],
      key: ['source_key', 'key_hash'],
      whenThere: 'replace',
    });
  }

  /** What a save will change, made before anything is stored so that a value that is refused leaves no half of it. */
  prepare({ sourceId, state }: CursorWrite): { deleted: string[]; rows: string[][] } {
    const sourceKey = hashKey(sourceId);
    const rows: string[][] = [];
    const deleted = (state?.delete ?? []).map(hashKey);
    for (const [key, value] of Object.entries(state?.set ?? {})) {
      const hash = hashKey(key);
      if (value === undefined) deleted.push(hash);
      else
        rows.push([sourceKey, hash, JSON.stringify(key), toJsonText(value, `state[${JSON.stringify(key)}]`, sourceId)]);
    }
    return { deleted, rows };
  }

  async write(run: RunQuery, sourceId: string, changes: ReturnType<StateRows['prepare']>): Promise<void> {
    const { deleted, rows } = changes;
    const { parameter } = this.#database.dialect;
    for (let from = 0; from < deleted.length; from += DELETED_AT_ONCE) {
      const keys = deleted.slice(from, from + DELETED_AT_ONCE);
      const list = keys.map((_, index) => parameter(index + 2)).join(', ');
      const where = `source_key = ${parameter(1)} and key_hash in (${list})`;
      await run(`delete from ${this.#database.table('state')} where ${where}`, [hashKey(sourceId), ...keys]);
    }
    for (const chunk of toRowChunks(rows)) await run(this.#insert, [chunk]);
  }

  /** In pages, so that however much there is, little of it is held; in no order that means anything. */
  async *read(sourceId: string, prefix: string): AsyncGenerator<[key: string, value: unknown]> {
    const { parameter } = this.#database.dialect;
    const page =
      `select key_hash, state_key, value from ${this.#database.table('state')} ` +
      `where source_key = ${parameter(1)} and key_hash > ${parameter(2)} order by key_hash limit ${PAGE}`;
    for (let last = ''; ; ) {
      const { rows } = await this.#database.run(page, [hashKey(sourceId), last]);
      for (const row of rows) {
        const key = parseJsonText(row['state_key'], sourceId) as string;
        if (key.startsWith(prefix)) yield [key, parseJsonText(row['value'], sourceId)];
      }
      if (rows.length < PAGE) return;
      last = String(rows.at(-1)?.['key_hash']);
    }
  }
}
