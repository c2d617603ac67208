import { type SnapshotHistoryTable, type SnapshotsTable, toSqlFailure } from 'headwater/sinks/kysely';
import { type Dialect, Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import Database from 'libsql';
import pg from 'pg';

/** The application's own tables, and those that the library keeps for it. Times are RFC 3339 in UTC. */
export interface Tables {
  sites: {
    id: string;
    is_active: number;
    sync_every_minutes: number;
    /** JSON: what the site last said of itself. */
    info: string | null;
    /** When the newest sync that was applied had come. */
    applied_at: string | null;
    /** How many syncs have failed since the last that did not. */
    failures: number;
  };
  /** A site may have several, so that one can take the place of another. */
  api_keys: { key_hash: string; site: string };
  /** Modules that are known to exist: filled by the host. */
  catalogue: { module: string };
  /** Versions that must not be in use: filled by the host. */
  security_facts: { module: string; version: string; advisory: string; fixed_in: string | null };
  /** The audit: every sync that a site asked for. */
  syncs: {
    id: string;
    site: string;
    mode: string;
    status: 'queued' | 'completed' | 'superseded' | 'failed' | 'refused';
    modules: number;
    /** Which revision of the modules it made, to be found in the history. */
    revision: number | null;
    /** JSON: what was answered. */
    result: string | null;
    received_at: string;
    finished_at: string | null;
  };
  /** Alerts on their way out: written with what they tell, marked once they were told. */
  alerts: { id: string; type: string; site: string; data: string; at: string; told_at: string | null };
  /** What each site has: kept by the library, as is its history. */
  monitor_modules: SnapshotsTable;
  monitor_modules_history: SnapshotHistoryTable;
  monitor_findings: SnapshotsTable;
}

/** Begins the name of every table that the library keeps. */
export const tablePrefix = 'monitor_';

/** `postgres://…`, or the path of an SQLite file. */
export async function openDatabase(url: string): Promise<Kysely<Tables>> {
  const database = new Kysely<Tables>({ dialect: dialectFor(url) });
  const table = (name: keyof Tables) => database.schema.createTable(name).ifNotExists();
  await table('sites')
    .addColumn('id', 'varchar(64)', (column) => column.primaryKey())
    .addColumn('is_active', 'integer', (column) => column.notNull().defaultTo(1))
    .addColumn('sync_every_minutes', 'integer', (column) => column.notNull())
    .addColumn('info', 'text')
    .addColumn('applied_at', 'text')
    .addColumn('failures', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await table('api_keys')
    .addColumn('key_hash', 'varchar(64)', (column) => column.primaryKey())
    .addColumn('site', 'varchar(64)', (column) => column.notNull().references('sites.id'))
    .execute();
  await table('catalogue')
    .addColumn('module', 'varchar(100)', (column) => column.primaryKey())
    .execute();
  await table('security_facts')
    .addColumn('module', 'varchar(100)', (column) => column.notNull())
    .addColumn('version', 'varchar(64)', (column) => column.notNull())
    .addColumn('advisory', 'varchar(100)', (column) => column.notNull())
    .addColumn('fixed_in', 'varchar(64)')
    .addPrimaryKeyConstraint('security_facts_key', ['module', 'version', 'advisory'])
    .execute();
  await table('syncs')
    .addColumn('id', 'varchar(64)', (column) => column.primaryKey())
    .addColumn('site', 'varchar(64)', (column) => column.notNull())
    .addColumn('mode', 'varchar(10)', (column) => column.notNull())
    .addColumn('status', 'varchar(12)', (column) => column.notNull())
    .addColumn('modules', 'integer', (column) => column.notNull())
    .addColumn('revision', 'integer')
    .addColumn('result', 'text')
    .addColumn('received_at', 'text', (column) => column.notNull())
    .addColumn('finished_at', 'text')
    .execute();
  await table('alerts')
    .addColumn('id', 'varchar(400)', (column) => column.primaryKey())
    .addColumn('type', 'varchar(64)', (column) => column.notNull())
    .addColumn('site', 'varchar(64)', (column) => column.notNull())
    .addColumn('data', 'text', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('told_at', 'text')
    .execute();
  return database;
}

/** A database that is away is told by an error of the library, for which whatever asked is tried again. */
export async function orAway<Result>(query: Promise<Result>): Promise<Result> {
  try {
    return await query;
  } catch (error) {
    throw toSqlFailure(error);
  }
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
