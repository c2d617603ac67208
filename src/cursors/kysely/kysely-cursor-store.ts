import type { Kysely, Transaction } from 'kysely';
import { type Clock, systemClock } from '../../core/clock.js';
import type {
  CursorRecord,
  CursorStore,
  CursorWrite,
  Lease,
  LeaseOptions,
  SaveOptions,
} from '../../core/cursor-store.js';
import { withFaultPoints } from '../../core/fault-point.js';
import { hashKey } from '../../toolkit/sql/key-hash.js';
import { type RunQuery, SqlDatabase, type SqlOptions } from '../../toolkit/sql/sql-database.js';
import { revisionConflict } from '../conflicts.js';
import { parseJsonText, toJsonText } from '../json-text.js';
import { checkFence, takeLease } from '../lease-state.js';
import { LeaseRows } from './lease-rows.js';
import { cursorMigrations } from './migrations.js';
import { StateRows } from './state-rows.js';

const DEFAULT_HISTORY = 10;

export interface KyselyCursorStoreOptions extends SqlOptions {
  /** How many earlier records are kept per source. Default 10. */
  history?: number | undefined;
  /** Dates the records and tells when leases expire. Default: the machine's clock. */
  clock?: Clock | undefined;
}

/**
 * Keeps cursors and state in the host's own database: SQLite (3.38 or later), PostgreSQL, MySQL (8.0.4) or MariaDB
 * (10.6). It makes its tables (`headwater_cursors`, `_cursor_history`, `_state`, `_leases`, `_migrations`) on first use.
 *
 * Given the host's open transaction a save is part of it: events and cursor are stored both, or neither.
 *
 * ```ts
 * const cursorStore = new KyselyCursorStore(db);
 * await ingest({ source, cursorStore, cursor: 'in-sink', sink: (batch) =>
 *   db.transaction().execute(async (transaction) => {
 *     await transaction.insertInto('events').values(batch.events.map(toRow)).execute();
 *     await batch.saveCursor(transaction);
 *   }) });
 * ```
 *
 * Every method rejects with RetryableError 'SQL_BUSY', 'SQL_FULL', ConnectionError 'SQL_CONNECTION' or PermissionError
 * 'SQL_REFUSED' where the database does, and with CursorError 'CURSOR_CORRUPT' when a record was changed by hand.
 */
export class KyselyCursorStore<DB> implements CursorStore<Transaction<DB>> {
  readonly #database: SqlDatabase;
  readonly #state: StateRows;
  readonly #leases: LeaseRows;
  readonly #history: number;
  readonly #clock: Clock;
  readonly #insertHistory: string;

  /** @throws ConfigError 'SQL_DIALECT' or 'SQL_IDENTIFIER' */
  constructor(database: Kysely<DB>, options: KyselyCursorStoreOptions = {}) {
    this.#database = new SqlDatabase(database as unknown as Kysely<unknown>, cursorMigrations, options);
    this.#state = new StateRows(this.#database);
    this.#leases = new LeaseRows(this.#database);
    this.#history = options.history ?? DEFAULT_HISTORY;
    this.#clock = options.clock ?? systemClock;
    this.#insertHistory = this.#database.dialect.insertRows({
      table: this.#database.table('cursor_history'),
      columns: ['source_key', 'slot', 'record'],
      key: ['source_key', 'slot'],
      whenThere: 'replace',
    });
  }

  /** The newest record, undefined where there is none. */
  async load(sourceId: string): Promise<CursorRecord | undefined> {
    const text = `select record from ${this.#database.table('cursors')} where source_key = ${this.#parameter(1)}`;
    const { rows } = await this.#database.run(text, [hashKey(sourceId)]);
    return rows[0] === undefined ? undefined : (parseJsonText(rows[0]['record'], sourceId) as CursorRecord);
  }

  /**
   * Saves cursor and state in one transaction: the given one, or one of its own.
   * @throws CursorConflictError when the record is not at `expectedRevision` ('CURSOR_CONFLICT'), or a later lease than
   *   `fence` was granted ('FENCED'). The given transaction has to be rolled back then.
   * @throws CursorError 'CURSOR_NOT_JSON' when something in it would not survive JSON.
   */
  async save(write: CursorWrite, options: SaveOptions<Transaction<DB>>): Promise<CursorRecord> {
    const { sourceId, sourceType, origin, cursorVersion, cursor, writer } = write;
    const revision = options.expectedRevision + 1;
    const updatedAt = new Date(this.#clock.now()).toISOString();
    const head = { sourceId, sourceType, origin, cursorVersion, cursor, revision, writer, updatedAt };
    const record = toJsonText(head, 'record', sourceId);
    const changes = this.#state.prepare(write);
    await this.#database.transaction(options.transaction as Transaction<unknown> | undefined, async (run) => {
      const isWon = await withFaultPoints('cursor-sql.record', () => this.#replace(run, sourceId, record, options));
      if (!isWon) throw await this.#conflict(run, sourceId, options);
      if (this.#history > 0) await this.#keepHistory(run, sourceId, revision, record);
      await withFaultPoints('cursor-sql.state', () => this.#state.write(run, sourceId, changes));
    });
    return JSON.parse(record) as CursorRecord;
  }

  /** Forgets record, history and state. Lease tokens go on growing. */
  async delete(sourceId: string): Promise<void> {
    await this.#database.transaction(undefined, async (run) => {
      for (const name of ['cursors', 'cursor_history', 'state']) {
        await run(`delete from ${this.#database.table(name)} where source_key = ${this.#parameter(1)}`, [
          hashKey(sourceId),
        ]);
      }
    });
  }

  /** The newest record of every source, sorted by source id. */
  async list(): Promise<CursorRecord[]> {
    const { rows } = await this.#database.run(`select record from ${this.#database.table('cursors')}`);
    const records = rows.map(({ record }) => parseJsonText(record, 'one of the sources') as CursorRecord);
    return records.sort((one, other) => (one.sourceId < other.sourceId ? -1 : 1));
  }

  /** The keyed state whose keys begin with `prefix`, read in pages. */
  loadState(sourceId: string, prefix = ''): AsyncGenerator<[key: string, value: unknown]> {
    return this.#state.read(sourceId, prefix);
  }

  /** The records before the newest one, newest first. */
  async history(sourceId: string, limit = this.#history): Promise<CursorRecord[]> {
    const newest = await this.load(sourceId);
    if (newest === undefined) return [];
    const text = `select record from ${this.#database.table('cursor_history')} where source_key = ${this.#parameter(1)}`;
    const { rows } = await this.#database.run(text, [hashKey(sourceId)]);
    return rows
      .map(({ record }) => parseJsonText(record, sourceId) as CursorRecord)
      .filter(({ revision }) => revision < newest.revision && revision >= newest.revision - this.#history)
      .sort((one, other) => other.revision - one.revision)
      .slice(0, limit);
  }

  /**
   * The sole right to save a cursor, for `ttlMs` by this machine's clock; pass its token to `save` as `fence`.
   * @throws CursorConflictError 'LEASE_HELD' naming holder and expiry.
   */
  lease(sourceId: string, options: LeaseOptions): Promise<Lease> {
    return takeLease(sourceId, options, () => this.#clock.now(), this.#leases.change(sourceId));
  }

  /** Makes the tables that are missing, so that a first run finds out early what it may not do. Optional. */
  async prepare(): Promise<void> {
    await this.#database.ready();
  }

  /** One statement that wins or changes nothing, and takes the lock that others then wait for. */
  async #replace(run: RunQuery, sourceId: string, record: string, options: SaveOptions<unknown>): Promise<boolean> {
    const { expectedRevision, fence } = options;
    const { begin, end } = this.#database.dialect.insertUnlessThere;
    const table = this.#database.table('cursors');
    const key = hashKey(sourceId);
    if (expectedRevision === 0) {
      const values = [1, 2].map((number) => this.#parameter(number));
      const from = this.#database.dialect.name === 'mysql' ? 'from dual' : '';
      const condition = this.#fenceCondition(fence, 3) ?? '1 = 1';
      const insert = `${begin} ${table} (source_key, record, revision) select ${this.#typed(values)}, 1 ${from} where ${condition} ${end}`;
      return (await run(insert, [key, record, ...fenceParameters(key, fence)])).changed > 0;
    }
    const condition = this.#fenceCondition(fence, 4);
    const update =
      `update ${table} set record = ${this.#parameter(1)}, revision = revision + 1 ` +
      `where source_key = ${this.#parameter(2)} and revision = ${this.#parameter(3)}` +
      (condition === undefined ? '' : ` and ${condition}`);
    return (await run(update, [record, key, expectedRevision, ...fenceParameters(key, fence)])).changed > 0;
  }

  /** PostgreSQL cannot tell the type of a parameter that is only selected. */
  #typed(parameters: readonly string[]): string {
    if (this.#database.dialect.name !== 'postgres') return parameters.join(', ');
    return parameters.map((parameter) => `cast(${parameter} as text)`).join(', ');
  }

  #fenceCondition(fence: number | undefined, from: number): string | undefined {
    if (fence === undefined) return undefined;
    const leases = this.#database.table('leases');
    return `not exists (select 1 from ${leases} where source_key = ${this.#parameter(from)} and token > ${this.#parameter(from + 1)})`;
  }

  async #conflict(run: RunQuery, sourceId: string, options: SaveOptions<unknown>): Promise<Error> {
    const key = [hashKey(sourceId)];
    const one = this.#parameter(1);
    const lease = await run(`select state from ${this.#database.table('leases')} where source_key = ${one}`, key);
    const state = lease.rows[0]?.['state'];
    if (state !== undefined) checkFence(parseJsonText(state, sourceId) as never, options.fence, sourceId);
    // MySQL shows what was there when the transaction began, unless it is asked for the row as it is.
    const lock = this.#database.dialect.name === 'sqlite' ? '' : ' for update';
    const text = `select revision from ${this.#database.table('cursors')} where source_key = ${one}${lock}`;
    const { rows } = await run(text, key);
    return revisionConflict(sourceId, options.expectedRevision, Number(rows[0]?.['revision'] ?? 0));
  }

  /** A ring: the slot of the oldest record is written anew, so nothing has to be deleted. */
  async #keepHistory(run: RunQuery, sourceId: string, revision: number, record: string): Promise<void> {
    const slot = String(revision % (this.#history + 1));
    await run(this.#insertHistory, [JSON.stringify([[hashKey(sourceId), slot, record]])]);
  }

  #parameter(number: number): string {
    return this.#database.dialect.parameter(number);
  }
}

function fenceParameters(key: string, fence: number | undefined): unknown[] {
  return fence === undefined ? [] : [key, fence];
}
