import type { Kysely, Transaction } from 'kysely';
import { SinkError } from '../../core/errors.js';
import type { SourceEvent } from '../../core/event.js';
import type { Sink, SinkBatch } from '../../pipeline/sink.js';
import { toRowChunks } from '../../toolkit/sql/row-chunks.js';
import { type RunQuery, SqlDatabase, type SqlOptions } from '../../toolkit/sql/sql-database.js';
import { toJsonData } from './json-data.js';
import { eventMigrations } from './migrations.js';

/** A row of the table of events, for the host's own interface of its database. */
export interface EventsTable {
  sourceid: string;
  source: string;
  id: string;
  type: string;
  sourcetype: string;
  /** RFC 3339. */
  time: string | null;
  subject: string | null;
  datacontenttype: string | null;
  dataschema: string | null;
  /** JSON. */
  data: string;
}

export interface KyselySinkOptions extends SqlOptions {
  /** The table, without the prefix. Made when it is not there. Default `events`, which is `headwater_events`. */
  table?: string | undefined;
  /**
   * What becomes of an event whose `(sourceid, source, id)` is stored already: 'replace' (default) stores what came
   * last, 'keep' leaves what came first.
   */
  whenThere?: 'replace' | 'keep' | undefined;
}

const KEY = ['sourceid', 'source', 'id'] as const;
const COLUMNS = [...KEY, 'type', 'sourcetype', 'time', 'subject', 'datacontenttype', 'dataschema', 'data'] as const;

/**
 * Stores events in a table of the host's database, a row each, told apart by `(sourceid, source, id)`: what comes again
 * is there once. A batch is one transaction. With `cursor: 'in-sink'` and a `KyselyCursorStore` over the same database
 * the cursor is saved in it too: exactly once.
 *
 * ```ts
 * const sink = new KyselySink(db);
 * await ingest({ source, sink, cursorStore: new KyselyCursorStore(db), cursor: 'in-sink' });
 * ```
 *
 * Never closes the database. For a table of your own write the sink yourself: three lines, see the guide.
 */
export class KyselySink<DB> implements Sink<SourceEvent, unknown, Transaction<DB>> {
  readonly #kysely: Kysely<DB>;
  readonly #database: SqlDatabase;
  readonly #insert: string;
  #isClosed = false;

  /** @throws ConfigError 'SQL_DIALECT' or 'SQL_IDENTIFIER' */
  constructor(database: Kysely<DB>, options: KyselySinkOptions = {}) {
    const { table = 'events', whenThere = 'replace' } = options;
    this.#kysely = database;
    this.#database = new SqlDatabase(database as unknown as Kysely<unknown>, eventMigrations(table), options);
    const name = this.#database.table(table);
    this.#insert = this.#database.dialect.insertRows({ table: name, columns: COLUMNS, key: KEY, whenThere });
  }

  /**
   * @throws SkippableError 'NOT_JSON' when an event has no JSON form; nothing of the batch is stored then.
   * @throws RetryableError 'SQL_BUSY', 'SQL_FULL', ConnectionError 'SQL_CONNECTION', PermissionError 'SQL_REFUSED',
   *   SinkError 'SINK_CLOSED'; what else the database says as it is, so that the event at fault can be found.
   */
  async write(batch: SinkBatch<SourceEvent, unknown, Transaction<DB>>): Promise<void> {
    if (this.#isClosed) {
      throw new SinkError('this sink was closed: make a new one', { code: 'SINK_CLOSED', sourceId: batch.sourceId });
    }
    batch.signal.throwIfAborted();
    const chunks = [...toRowChunks(toRows(batch.events))];
    await this.#database.ready();
    if (!batch.savesCursor) {
      await this.#database.transaction(undefined, (run) => this.#store(run, chunks));
      return;
    }
    await this.#kysely.transaction().execute(async (transaction) => {
      await this.#database.transaction(transaction as Transaction<unknown>, (run) => this.#store(run, chunks));
      await batch.saveCursor(transaction);
    });
  }

  /** Takes no more batches. The database is the host's to close. */
  async close(): Promise<void> {
    this.#isClosed = true;
  }

  /** Makes the table if it is missing, so that a first run finds out early what it may not do. Optional. */
  async prepare(): Promise<void> {
    await this.#database.ready();
  }

  async #store(run: RunQuery, chunks: readonly string[]): Promise<void> {
    for (const chunk of chunks) await run(this.#insert, [chunk]);
  }
}

/** One row per event; of the same event twice in a batch the last, since a statement may not touch a row twice. */
function toRows(events: readonly SourceEvent[]): Iterable<readonly (string | null)[]> {
  const rows = new Map<string, readonly (string | null)[]>();
  for (const event of events) rows.set(`${event.sourceid}\u0000${event.source}\u0000${event.id}`, toRow(event));
  return rows.values();
}

function toRow(event: SourceEvent): readonly (string | null)[] {
  return [
    event.sourceid,
    event.source,
    event.id,
    event.type,
    event.sourcetype,
    event.time ?? null,
    event.subject ?? null,
    event.datacontenttype ?? null,
    event.dataschema ?? null,
    toJsonData(event.data, `the data of event ${event.id}`),
  ];
}
