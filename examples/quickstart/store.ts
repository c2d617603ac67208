import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KyselyCursorStore } from 'headwater/cursors/kysely';
import { type EventsTable, KyselySink } from 'headwater/sinks/kysely';
import { Kysely, SqliteDialect } from 'kysely';
import Database from 'libsql';

interface Tables {
  headwater_events: EventsTable;
}

/** Events and cursors in one SQLite file, so that one transaction can hold both. */
export class Store {
  readonly path: string;
  readonly database: Kysely<Tables>;
  readonly cursors: KyselyCursorStore<Tables>;
  readonly events: KyselySink<Tables>;

  /** `.headwater/quickstart/<name>-<hash of the path>.sqlite`: each folder has a store of its own. */
  constructor(folder: string) {
    const hash = createHash('sha256').update(folder).digest('hex').slice(0, 8);
    const parent = join('.headwater', 'quickstart');
    mkdirSync(parent, { recursive: true });
    this.path = join(parent, `${basename(folder) || 'root'}-${hash}.sqlite`);
    const sqlite = new Database(this.path);
    // Another quickstart may be writing: wait for it rather than fail at once. First of all, for what follows waits too.
    sqlite.pragma('busy_timeout = 10000');
    sqlite.pragma('journal_mode = WAL');
    this.database = new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqlite }) });
    this.cursors = new KyselyCursorStore(this.database);
    this.events = new KyselySink(this.database);
  }

  async countByType(): Promise<{ type: string; count: number }[]> {
    const count = this.database.fn.countAll<number>().as('count');
    return this.database
      .selectFrom('headwater_events')
      .select(['type', count])
      .groupBy('type')
      .orderBy('type')
      .execute();
  }

  async close(): Promise<void> {
    await this.events.close();
    await this.database.destroy();
  }
}
