import { RetryableError } from '../../../core/errors.js';
import type { SourceBatch } from '../../../core/read-options.js';
import { type Client, connectListener } from '../client.js';
import type { ReplicationConfig } from '../config.js';
import type { ReplicationCursor } from '../cursor.js';
import { asText, type Column, type Row, type Session } from '../engine/engine.js';
import { postgres } from '../engine/postgres.js';
import type { DatabaseEvent } from '../events.js';
import type { ModeContext } from '../mode.js';
import type { Relation } from '../relation.js';
import { type DatabaseRow, decoder, keysOf, keyText, textsOf } from '../rows.js';
import { type Condition, readPage } from '../statement.js';
import { type CapturedTable, captureTables } from './captured.js';
import type { InitialSnapshot, InitialTable } from './parts.js';
import { Seen } from './seen.js';
import type { ServerFacts } from './server.js';

export type ReplicationBatch = SourceBatch<DatabaseEvent, ReplicationCursor>;

/** The transaction that made the row: with the key, a version of it that never comes again while the table lives. */
const VERSION = 'xmin';
const version: Column = {
  ...asText,
  name: VERSION,
  type: 'xid',
  isNullable: false,
  select: (reference) => `${reference}::text`,
  compared: (placeholder) => placeholder,
};

/**
 * The rows that are there at first, all as of one moment. What was read before an interruption stays as it was; the rest
 * is read as of now, and the cursor says which is which.
 */
export class InitialRows {
  readonly #mode: ModeContext;
  readonly #config: ReplicationConfig;
  readonly #facts: ServerFacts;
  #client: Client | undefined;

  constructor(mode: ModeContext, config: ReplicationConfig, facts: ServerFacts) {
    this.#mode = mode;
    this.#config = config;
    this.#facts = facts;
  }

  /** `exported`: the name under which the connection that made the slot lets others see what it saw. */
  async open(exported: string | undefined): Promise<Session> {
    const { client, context } = this.#mode;
    if (client.address === undefined) throw new Error('without an address');
    const connection = await connectListener(client.address);
    this.#client = connection;
    connection.on('error', () => {});
    context.signal.addEventListener('abort', this.#cut, { once: true });
    await connection.connect();
    const run = async (sql: string, parameters: readonly unknown[] = []): Promise<readonly Row[]> => {
      const { rows } = await connection.query<Row>(sql, [...parameters]);
      return rows;
    };
    const session = await postgres.open(run, { statementTimeoutMs: this.#config.statementTimeoutMs, exported });
    // The transaction waits for the consumer, however long that takes.
    await run(`select set_config('idle_in_transaction_session_timeout', '0', true)`);
    return session;
  }

  async close(): Promise<void> {
    this.#mode.context.signal.removeEventListener('abort', this.#cut);
    await this.#client?.end().catch(() => {});
  }

  readonly #cut = (): void => {
    void this.#client?.end().catch(() => {});
  };

  async *read(session: Session, before: ReplicationCursor): AsyncGenerator<ReplicationBatch, void, undefined> {
    const { run, snapshot: seen = '' } = session;
    this.#assertLater(seen, before);
    const [row] = await run(
      `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end::text as until`,
    );
    const tables = await captureTables(postgres, run, this.#config, this.#facts, this.#mode.sourceId);
    let snapshot: InitialSnapshot = {
      until: String(row?.['until']),
      tables: tables.map(({ name, identity }) => {
        const known = before.snapshot?.tables.find(({ table }) => table === name);
        return known ?? { table: name, storage: identity.storage, isDone: false, parts: [] };
      }),
    };
    for (const [at, captured] of tables.entries()) {
      let state = snapshot.tables[at] as InitialTable;
      if (state.isDone) continue;
      const behind = (next: InitialTable): ReplicationCursor => {
        const all = snapshot.tables.map((each, index) => (index === at ? next : each));
        return { ...before, snapshot: { ...snapshot, tables: all } };
      };
      if (state.storage !== captured.identity.storage && state.parts.length > 0) {
        // Emptied (or rewritten) since: what was read of it is no more, and it is read from the start.
        state = { table: state.table, storage: captured.identity.storage, isDone: false, parts: [] };
        yield { events: [this.#truncated(captured)], cursor: behind(state) };
      }
      state = { ...state, parts: [...state.parts, { seen }] };
      for await (const { events, done, upTo } of this.#pages(session, captured, state)) {
        const upToRow = (count: number): ReplicationCursor => behind(reached(state, upTo(count)));
        const cursor = done ? behind({ ...state, isDone: true }) : upToRow(events.length);
        yield { events, cursor, cursorAt: (count) => (count === events.length ? cursor : upToRow(count)) };
      }
      state = { ...state, isDone: true };
      snapshot = behind(state).snapshot as InitialSnapshot;
    }
  }

  /**
   * A commit may be in the log, before the slot, and not be seen yet, while it waits for a standby. The first snapshot, that
   * of the slot, has it; a later one must not be without.
   */
  #assertLater(seen: string, { snapshot }: ReplicationCursor): void {
    const now = new Seen(seen);
    for (const { parts } of snapshot?.tables ?? []) {
      for (const part of parts) {
        const missing = new Seen(part.seen).firstMissingIn(now);
        if (missing === undefined) continue;
        const message = `transaction ${missing} is committed, and waits for a standby: it is waited for, so that its rows are read`;
        throw new RetryableError(message, { code: 'DATABASE_BUSY', sourceId: this.#mode.sourceId });
      }
    }
  }

  async *#pages({ run }: Session, captured: CapturedTable, { parts }: InitialTable) {
    const { key, columns } = captured.relation;
    const relation: Relation = { ...captured.relation, columns: [...columns, version] };
    const decode = decoder(relation);
    const keyOf = keysOf(key);
    const filter = captured.published?.filter;
    const conditions: Condition[] = filter === undefined ? [] : [() => `(${filter})`];
    let after = parts.at(-2)?.upTo;
    for (let done = false; !done; ) {
      const limit = this.#config.pageSize;
      const rows = decode(await readPage(run, relation, { order: key, after, conditions, limit }));
      done = rows.length < limit;
      const upTo = (count: number): string[] => textsOf(key, rows[count - 1] as DatabaseRow);
      if (rows.length > 0) after = upTo(rows.length);
      yield { events: rows.map((row) => this.#event(captured, keyOf, row)), done, upTo };
    }
  }

  #event(
    { name: table, relation: { key } }: CapturedTable,
    keyOf: (row: DatabaseRow) => DatabaseRow,
    row: DatabaseRow,
  ): DatabaseEvent {
    const made = row[VERSION];
    delete row[VERSION];
    const subject = keyText(key, row);
    return this.#mode.make({
      type: 'db.row.inserted',
      id: `${table}:${subject}@${made}`,
      subject,
      data: { table, key: keyOf(row), row },
    });
  }

  #truncated({ name: table, identity }: CapturedTable): DatabaseEvent {
    return this.#mode.make({
      type: 'db.table.truncated',
      id: `${table}@${identity.storage}`,
      subject: table,
      data: { table, cascade: false, restartIdentity: false },
    });
  }
}

/** The last part so far ends at a key. */
function reached(state: InitialTable, upTo: string[]): InitialTable {
  const last = state.parts.at(-1);
  if (last === undefined) return state;
  return { ...state, parts: [...state.parts.slice(0, -1), { ...last, upTo }] };
}
