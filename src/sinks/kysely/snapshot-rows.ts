import { SkippableError } from '../../core/errors.js';
import type { SnapshotDiff, SnapshotEntry } from '../../toolkit/snapshot-diff.js';
import { hashKey } from '../../toolkit/sql/key-hash.js';
import { toRowChunks } from '../../toolkit/sql/row-chunks.js';
import type { QueryAnswer, RunQuery, SqlDatabase } from '../../toolkit/sql/sql-database.js';
import { toJsonData } from './json-data.js';
import { snapshotKey } from './migrations.js';

/** Keys in one statement: far below the parameters that any database takes. */
const REMOVED_AT_ONCE = 500;

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
  readonly #key: ReturnType<typeof snapshotKey>;
  readonly #insert: string;
  readonly #history: string = '';
  readonly #insertHistory: string = '';

  constructor(database: SqlDatabase, table: string, history: boolean) {
    const { dialect } = database;
    this.#database = database;
    this.#table = database.table(table);
    this.#groups = database.table(`${table}_groups`);
    this.#key = snapshotKey(dialect.name);
    const { group, item } = this.#key;
    const columns = [...(this.#isHashed ? [group, item] : []), 'groupid', 'itemkey', 'version', 'data'];
    const rows = { columns, number: 'revision', whenThere: 'replace' } as const;
    this.#insert = dialect.insertRows({ ...rows, table: this.#table, key: [group, item] });
    if (history) {
      this.#history = database.table(`${table}_history`);
      this.#insertHistory = dialect.insertRows({ ...rows, table: this.#history, key: [group, 'revision', item] });
    }
  }

  get #isHashed(): boolean {
    return this.#database.dialect.name === 'mysql';
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

  /** The versions of the items of a locked group, by their keys. */
  async versions(run: RunQuery, group: string, { isCurrent }: GroupLock): Promise<Map<string, string>> {
    // Asked for only where it is needed: it also locks the room between groups, and two could wait for each other.
    const asItIs = isCurrent ? '' : ' for update';
    const { rows } = await run(`${this.#select('itemkey, version')}${asItIs}`, [this.#groupKey(group)]);
    return new Map(rows.map((row) => [String(row['itemkey']), String(row['version'])]));
  }

  /** The items of a group as JSON. */
  async data(run: RunQuery, group: string): Promise<string[]> {
    const { rows } = await run(this.#select('data'), [this.#groupKey(group)]);
    return rows.map((row) => String(row['data']));
  }

  /** Everything that a snapshot changed, as the revision that it makes of the group. */
  async write(run: RunQuery, group: string, revision: number, diff: SnapshotDiff<unknown>): Promise<void> {
    const { created, updated, removed } = diff;
    const rows = [...created, ...updated].map((entry) => this.#toRow(group, entry));
    const chunks = [...toRowChunks(rows)];
    for (const chunk of chunks) await run(this.#insert, [revision, chunk]);
    await this.#remove(run, group, removed);
    if (this.#history !== '') await this.#keepHistory(run, group, revision, chunks, removed);
    const [one, two] = [1, 2].map(this.#database.dialect.parameter);
    await run(`update ${this.#groups} set revision = ${one} where group_key = ${two}`, [revision, hashKey(group)]);
  }

  async #keepHistory(
    run: RunQuery,
    group: string,
    revision: number,
    chunks: readonly string[],
    removed: readonly { readonly key: string }[],
  ): Promise<void> {
    const gone = toRowChunks(removed.map(({ key }) => [...this.#keyOf(group, key), null, null]));
    if (this.#isHashed) {
      // Copied from table to table, MySQL would lock the room between groups.
      for (const chunk of chunks) await run(this.#insertHistory, [revision, chunk]);
    } else if (chunks.length > 0) {
      const [one, two] = [1, 2].map(this.#database.dialect.parameter);
      const columns = 'groupid, itemkey, revision, version, data';
      const copied = `select ${columns} from ${this.#table} where groupid = ${one} and revision = ${two}`;
      await run(`insert into ${this.#history} (${columns}) ${copied}`, [group, revision]);
    }
    for (const chunk of gone) await run(this.#insertHistory, [revision, chunk]);
  }

  async #remove(run: RunQuery, group: string, removed: readonly { readonly key: string }[]): Promise<void> {
    const { parameter } = this.#database.dialect;
    for (let from = 0; from < removed.length; from += REMOVED_AT_ONCE) {
      const keys = removed.slice(from, from + REMOVED_AT_ONCE).map(({ key }) => (this.#isHashed ? hashKey(key) : key));
      const list = keys.map((_, index) => parameter(index + 2)).join(', ');
      const where = `${this.#key.group} = ${parameter(1)} and ${this.#key.item} in (${list})`;
      await run(`delete from ${this.#table} where ${where}`, [this.#groupKey(group), ...keys]);
    }
  }

  #select(columns: string): string {
    return `select ${columns} from ${this.#table} where ${this.#key.group} = ${this.#database.dialect.parameter(1)}`;
  }

  #groupKey(group: string): string {
    return this.#isHashed ? hashKey(group) : group;
  }

  #toRow(group: string, { key, version, item }: SnapshotEntry<unknown>): string[] {
    for (const text of [key, version]) if (!isStorable(text)) throw unstorable(text);
    return [...this.#keyOf(group, key), version, toJsonData(item, `the item ${JSON.stringify(key)}`)];
  }

  #keyOf(group: string, key: string): string[] {
    return this.#isHashed ? [hashKey(group), hashKey(key), group, key] : [group, key];
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
