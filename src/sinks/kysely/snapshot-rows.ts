import { SkippableError } from '../../core/errors.js';
import type { SnapshotEntry } from '../../toolkit/snapshot-diff.js';
import { hashKey } from '../../toolkit/sql/key-hash.js';
import { toRowChunks } from '../../toolkit/sql/row-chunks.js';
import type { QueryAnswer, RunQuery, SqlDatabase } from '../../toolkit/sql/sql-database.js';
import { toJsonData } from './json-data.js';

/** Keys in one statement: far below the parameters that any database takes. */
const REMOVED_AT_ONCE = 500;

export interface StoredItem {
  readonly version: string;
  /** JSON. */
  readonly data: string;
}

/** What is known of a group once it is locked. */
export interface GroupLock {
  readonly revision: number;
  /** Whether a plain read in this transaction sees what was committed before the lock. */
  readonly isCurrent: boolean;
}

/** The statements of a table of snapshots. */
export class SnapshotRows {
  readonly #database: SqlDatabase;
  readonly #table: string;
  readonly #groups: string;
  readonly #insert: string;
  readonly #isHashed: boolean;

  constructor(database: SqlDatabase, table: string) {
    const { dialect } = database;
    this.#database = database;
    this.#table = database.table(table);
    this.#groups = database.table(`${table}_groups`);
    this.#isHashed = dialect.name === 'mysql';
    this.#insert = dialect.insertRows({
      table: this.#table,
      columns: [...(this.#isHashed ? ['group_key', 'item_key'] : []), 'groupid', 'itemkey', 'version', 'data'],
      key: this.#isHashed ? ['group_key', 'item_key'] : ['groupid', 'itemkey'],
      whenThere: 'replace',
    });
  }

  /**
   * Takes the row of the group, and makes it where it is missing; whoever else wants it waits for the end of the
   * transaction. One statement does both: of two that wait with a weaker lock, each would wait for the other.
   */
  async lock(run: RunQuery, group: string): Promise<GroupLock> {
    if (!isStorable(group)) throw unstorable(group);
    const one = this.#database.dialect.parameter(1);
    const key = [hashKey(group)];
    const values = `(group_key, revision) values (${one}, 0)`;
    if (!this.#isHashed) {
      const change = 'on conflict (group_key) do update set revision = known.revision';
      const text = `insert into ${this.#groups} as known ${values} ${change} returning revision`;
      return { revision: revisionOf(await run(text, key)), isCurrent: true };
    }
    await run(`insert into ${this.#groups} ${values} on duplicate key update revision = revision`, key);
    // MySQL goes on showing what was there when the host's transaction first read anything.
    const read = `select revision from ${this.#groups} where group_key = ${one}`;
    const revision = revisionOf(await run(`${read} for update`, key));
    return { revision, isCurrent: revision === revisionOf(await run(read, key)) };
  }

  /** @param lock undefined: only looks */
  async read(run: RunQuery, group: string, lock?: GroupLock): Promise<Map<string, StoredItem>> {
    // Asked for only where it is needed: it also locks the room between groups, and two could wait for each other.
    const asItIs = lock?.isCurrent === false ? ' for update' : '';
    const text = `select itemkey, version, data from ${this.#table} where ${this.#ofGroup()}${asItIs}`;
    const { rows } = await run(text, [this.#groupKey(group)]);
    return new Map(
      rows.map((row) => [String(row['itemkey']), { version: String(row['version']), data: String(row['data']) }]),
    );
  }

  async write(run: RunQuery, group: string, lists: readonly (readonly SnapshotEntry<unknown>[])[]): Promise<void> {
    const chunks = [...toRowChunks(lists.flatMap((list) => list.map((entry) => this.#toRow(group, entry))))];
    for (const chunk of chunks) await run(this.#insert, [chunk]);
  }

  async remove(run: RunQuery, group: string, removed: readonly { readonly key: string }[]): Promise<void> {
    const { parameter } = this.#database.dialect;
    for (let from = 0; from < removed.length; from += REMOVED_AT_ONCE) {
      const keys = removed.slice(from, from + REMOVED_AT_ONCE).map(({ key }) => (this.#isHashed ? hashKey(key) : key));
      const list = keys.map((_, index) => parameter(index + 2)).join(', ');
      const where = `${this.#ofGroup()} and ${this.#isHashed ? 'item_key' : 'itemkey'} in (${list})`;
      await run(`delete from ${this.#table} where ${where}`, [this.#groupKey(group), ...keys]);
    }
  }

  async countUp(run: RunQuery, group: string): Promise<void> {
    const one = this.#database.dialect.parameter(1);
    await run(`update ${this.#groups} set revision = revision + 1 where group_key = ${one}`, [hashKey(group)]);
  }

  #ofGroup(): string {
    return `${this.#isHashed ? 'group_key' : 'groupid'} = ${this.#database.dialect.parameter(1)}`;
  }

  #groupKey(group: string): string {
    return this.#isHashed ? hashKey(group) : group;
  }

  #toRow(group: string, { key, version, item }: SnapshotEntry<unknown>): string[] {
    for (const text of [key, version]) if (!isStorable(text)) throw unstorable(text);
    const row = [group, key, version, toJsonData(item, `the item ${JSON.stringify(key)}`)];
    return this.#isHashed ? [hashKey(group), hashKey(key), ...row] : row;
  }
}

function revisionOf({ rows }: QueryAnswer): number {
  return Number(rows[0]?.['revision'] ?? -1);
}

/** A text that comes back from every database as it went in: PostgreSQL takes no NUL, UTF-8 no half of a pair. */
function isStorable(text: string): boolean {
  return !/[\0\p{Surrogate}]/u.test(text);
}

function unstorable(text: string): SkippableError {
  const message =
    `${JSON.stringify(text)} is the group, key or version of an item, and holds a NUL or half of a surrogate pair: ` +
    'nothing was stored; leave such characters out of it';
  return new SkippableError(message, { code: 'SNAPSHOT_TEXT' });
}
