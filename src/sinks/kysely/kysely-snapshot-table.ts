import type { Kysely, Transaction } from 'kysely';
import { diffSnapshot, type SnapshotDiff, type SnapshotMode, type SnapshotShape } from '../../toolkit/snapshot-diff.js';
import { SqlDatabase, type SqlOptions } from '../../toolkit/sql/sql-database.js';
import { snapshotHistoryMigrations, snapshotMigrations } from './migrations.js';
import { SnapshotRows } from './snapshot-rows.js';

/** A row of a table of snapshots, for the host's own interface of its database. MySQL has the hashed key beside it. */
export interface SnapshotsTable {
  groupid: string;
  itemkey: string;
  /** Of its group, which it was changed with last. As text from PostgreSQL: `bigint`. */
  revision: number | string;
  version: string;
  /** The item as JSON. */
  data: string;
}

/** A row of the history of a table of snapshots: what an item became with a revision of its group. */
export interface SnapshotHistoryTable {
  groupid: string;
  revision: number | string;
  itemkey: string;
  /** null: the item was removed. */
  version: string | null;
  data: string | null;
}

export interface KyselySnapshotTableOptions<Item> extends SqlOptions, SnapshotShape<Item> {
  /** The table, without the prefix. Made when it is not there. Default `snapshots`, which is `headwater_snapshots`. */
  table?: string | undefined;
  /** Keeps what each snapshot has changed, in the table with `_history` behind its name. It only grows. Default false. */
  history?: boolean | undefined;
}

export interface ApplyOptions<Transaction> {
  /** 'full' removes what the snapshot does not name, 'partial' leaves it alone. */
  mode: SnapshotMode;
  /** The host's open transaction, so that what it stores of the changes is stored with them, or neither. */
  transaction?: Transaction | undefined;
}

/** What a snapshot has changed in its group. */
export interface SnapshotChanges<Item> extends SnapshotDiff<Item> {
  /** Counts the snapshots that changed this group: the order in which they did. 0: none has. */
  readonly revision: number;
}

/**
 * Keeps what groups consist of in the host's database, and tells what a new snapshot of one changes: what a site has
 * installed, what a list holds. Of a group the last version of each item is kept, and with `history` every one.
 *
 * Snapshots of one group follow each other, however many processes apply them at once: the second waits until the
 * transaction of the first has ended. Other groups go on meanwhile. The same snapshot again changes nothing.
 *
 * ```ts
 * const modules = new KyselySnapshotTable(db, { key: (module: Module) => module.name });
 * await db.transaction().execute(async (transaction) => {
 *   const { created, updated, removed } = await modules.apply(siteId, reported, { mode: 'full', transaction });
 *   await announce(transaction, created, updated, removed);
 * });
 * ```
 *
 * Bulk statements: one to read a group and one for each MB that changed. A group is held in memory while it is compared.
 */
export class KyselySnapshotTable<DB, Item> {
  readonly #database: SqlDatabase;
  readonly #rows: SnapshotRows;
  readonly #shape: SnapshotShape<Item>;

  /** @throws ConfigError 'SQL_DIALECT' or 'SQL_IDENTIFIER' */
  constructor(database: Kysely<DB>, options: KyselySnapshotTableOptions<Item>) {
    const { table = 'snapshots', history = false, key, version, ...sql } = options;
    const migrations = [...snapshotMigrations(table), ...(history ? snapshotHistoryMigrations(table) : [])];
    this.#database = new SqlDatabase(database as unknown as Kysely<unknown>, migrations, sql);
    this.#rows = new SnapshotRows(this.#database, table, history);
    this.#shape = { key, version };
  }

  /**
   * Makes the group what the snapshot says, and tells what that changed. In the given transaction, or in one of its own
   * that is tried again when others are in the way; when it rejects, roll yours back.
   *
   * @throws SkippableError 'SNAPSHOT_DUPLICATE' when two items have one key, 'SNAPSHOT_TEXT' when a key or version is
   *   no text that a database can hold, 'NOT_JSON' when an item has no JSON form. Nothing is stored then.
   * @throws RetryableError 'SQL_BUSY', 'SQL_FULL', ConnectionError 'SQL_CONNECTION', PermissionError 'SQL_REFUSED'.
   */
  async apply(
    group: string,
    snapshot: readonly Item[],
    options: ApplyOptions<Transaction<DB>>,
  ): Promise<SnapshotChanges<Item>> {
    const { mode, transaction } = options;
    return this.#database.transaction(transaction as Transaction<unknown> | undefined, async (run) => {
      const lock = await this.#rows.lock(run, group);
      const diff = diffSnapshot(await this.#rows.versions(run, group, lock), snapshot, mode, this.#shape);
      const isChanged = diff.created.length + diff.updated.length + diff.removed.length > 0;
      const revision = lock.revision + (isChanged ? 1 : 0);
      if (isChanged) await this.#rows.write(run, group, revision, diff);
      return { ...diff, revision };
    });
  }

  /** The items of a group as they are stored, in no order that means anything. */
  async items(group: string, options: { transaction?: Transaction<DB> | undefined } = {}): Promise<Item[]> {
    const { transaction } = options;
    return this.#database.transaction(transaction as Transaction<unknown> | undefined, async (run) =>
      (await this.#rows.data(run, group)).map((data) => JSON.parse(data) as Item),
    );
  }

  /** Makes the tables if they are missing, so that a first run finds out early what it may not do. Optional. */
  async prepare(): Promise<void> {
    await this.#database.ready();
  }
}
