import { type Dialect, Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import Database from 'libsql';
import pg from 'pg';

/** The application's own table: what happened, one row for each episode. */
export interface Tables {
  episodes: {
    id: string;
    project: string;
    /** What belongs together: an issue, a thread, a file, a day. */
    session: string;
    kind: string;
    content: string;
    /** RFC 3339, in UTC, so that text order is time order; null where the source does not say. */
    time: string | null;
    /** JSON. */
    context: string;
  };
}

/** `postgres://…`, or the path of an SQLite file. */
export async function openDatabase(url: string): Promise<Kysely<Tables>> {
  const database = new Kysely<Tables>({ dialect: dialectFor(url) });
  await database.schema
    .createTable('episodes')
    .ifNotExists()
    .addColumn('id', 'varchar(64)', (column) => column.notNull())
    .addColumn('project', 'text', (column) => column.notNull())
    .addColumn('session', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .addColumn('time', 'text')
    .addColumn('context', 'text', (column) => column.notNull())
    .execute();
  return database;
}

function dialectFor(url: string): Dialect {
  if (/^postgres(ql)?:/.test(url)) return new PostgresDialect({ pool: openPool(url) });
  const database = new Database(url);
  // Another process may be writing: wait for it rather than fail at once. First of all, for what follows waits too.
  database.pragma('busy_timeout = 10000');
  database.pragma('journal_mode = WAL');
  return new SqliteDialect({ database });
}

/** Without listeners, a connection that the server ends between two queries would end the process. */
function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString });
  const warn = (error: Error): void => console.warn(`PostgreSQL: ${error.message}`);
  return pool.on('error', warn).on('connect', (client) => client.on('error', warn));
}
