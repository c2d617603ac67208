import type { Kysely, Transaction } from 'kysely';
import { type DeadLetter, type DeadLetterStore, letterKey } from '../../pipeline/dead-letters/dead-letter.js';
import { hashKey } from '../../toolkit/sql/key-hash.js';
import { toRowChunks } from '../../toolkit/sql/row-chunks.js';
import { SqlDatabase, type SqlOptions } from '../../toolkit/sql/sql-database.js';
import { deadLetterMigrations } from './migrations.js';

const PAGE = 500;

/**
 * Keeps dead letters in the host's database, in `headwater_dead_letters`.
 *
 * With `cursor: 'in-sink'` the letters are written in the sink's transaction, so the store has to be over the same
 * database as the sink.
 *
 * ```ts
 * await ingest({ source, sink, cursorStore, deadLetters: new KyselyDeadLetterStore(db) });
 * ```
 */
export class KyselyDeadLetterStore<DB> implements DeadLetterStore<Transaction<DB>> {
  readonly #database: SqlDatabase;
  readonly #insert: string;

  /** @throws ConfigError 'SQL_DIALECT' or 'SQL_IDENTIFIER' */
  constructor(database: Kysely<DB>, options: SqlOptions = {}) {
    this.#database = new SqlDatabase(database as unknown as Kysely<unknown>, deadLetterMigrations, options);
    this.#insert = this.#database.dialect.insertRows({
      table: this.#database.table('dead_letters'),
      columns: ['letter_key', 'source_key', 'added_at', 'letter'],
      key: ['letter_key'],
      whenThere: 'replace',
    });
  }

  /** All or none. A letter that is there already is there once. */
  async add(
    letters: readonly DeadLetter[],
    options: { transaction?: Transaction<DB> | undefined } = {},
  ): Promise<void> {
    const rows = new Map(letters.map((letter) => [letterKey(letter), letter]));
    const chunks = [...toRowChunks([...rows].map(([key, letter]) => toRow(key, letter)))];
    await this.#database.transaction(options.transaction as Transaction<unknown> | undefined, async (run) => {
      for (const chunk of chunks) await run(this.#insert, [chunk]);
    });
  }

  /** Oldest first, read in pages: however many there are, few of them are held. */
  async *list(sourceId?: string): AsyncGenerator<DeadLetter> {
    const { parameter } = this.#database.dialect;
    const ofSource = sourceId === undefined ? '' : ` and source_key = ${parameter(4)}`;
    const page =
      `select letter_key, added_at, letter from ${this.#database.table('dead_letters')} ` +
      `where (added_at > ${parameter(1)} or (added_at = ${parameter(2)} and letter_key > ${parameter(3)}))${ofSource} ` +
      `order by added_at, letter_key limit ${PAGE}`;
    for (let [at, key] = ['', '']; ; ) {
      const { rows } = await this.#database.run(page, [
        at,
        at,
        key,
        ...(sourceId === undefined ? [] : [hashKey(sourceId)]),
      ]);
      for (const row of rows) yield JSON.parse(String(row['letter'])) as DeadLetter;
      if (rows.length < PAGE) return;
      at = String(rows.at(-1)?.['added_at']);
      key = String(rows.at(-1)?.['letter_key']);
    }
  }

  async remove(letters: readonly DeadLetter[]): Promise<void> {
    const { parameter } = this.#database.dialect;
    for (let from = 0; from < letters.length; from += PAGE) {
      const keys = letters.slice(from, from + PAGE).map((letter) => hashKey(letterKey(letter)));
      const list = keys.map((_, index) => parameter(index + 1)).join(', ');
      await this.#database.run(
        `delete from ${this.#database.table('dead_letters')} where letter_key in (${list})`,
        keys,
      );
    }
  }
}

function toRow(key: string, letter: DeadLetter): string[] {
  return [hashKey(key), hashKey(letter.sourceId), letter.at, JSON.stringify(letter)];
}
