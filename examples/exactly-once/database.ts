import { type Dialect, Kysely, MysqlDialect, PostgresDialect, SqliteDialect, sql } from 'kysely';
import Database from 'libsql';
import { createPool } from 'mysql2';
import pg from 'pg';

/** The application's own tables. Neither is protected against a row or a count that comes twice. */
export interface Tables {
  commits: { sha: string; author: string; subject: string };
  authors: { name: string; commits: number };
}

/** `postgres://…`, `mysql://…`, or the path of an SQLite file. */
export async function openDatabase(url: string): Promise<Kysely<Tables>> {
  const database = new Kysely<Tables>({ dialect: dialectFor(url) });
  await database.schema
    .createTable('commits')
    .ifNotExists()
    .addColumn('sha', 'varchar(64)', (column) => column.notNull())
    .addColumn('author', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .execute();
  await database.schema
    .createTable('authors')
    .ifNotExists()
    .addColumn('name', 'varchar(200)', (column) => column.primaryKey())
    .addColumn('commits', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  return database;
}

function dialectFor(url: string): Dialect {
  if (/^postgres(ql)?:/.test(url)) return new PostgresDialect({ pool: openPool(url) });
  if (/^mysql:/.test(url)) return new MysqlDialect({ pool: createPool(url) });
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

/** What the tables say: as many rows as commits, and the same sum over the authors. */
export async function countAll(database: Kysely<Tables>): Promise<{ rows: number; distinct: number; counted: number }> {
  const { rows, distinct } = await database
    .selectFrom('commits')
    .select(({ fn }) => [fn.countAll().as('rows'), fn.count('sha').distinct().as('distinct')])
    .executeTakeFirstOrThrow();
  const { counted } = await database
    .selectFrom('authors')
    .select(sql<number>`coalesce(sum(commits), 0)`.as('counted'))
    .executeTakeFirstOrThrow();
  return { rows: Number(rows), distinct: Number(distinct), counted: Number(counted) };
}
