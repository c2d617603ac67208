import { existsSync } from 'node:fs';
import type { Kysely } from 'kysely';
import { NotFoundError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import { peerFailure } from '../../toolkit/import-peer.js';
import { detectDialect } from '../../toolkit/sql/detect-dialect.js';
import type { DialectName } from '../../toolkit/sql/dialect.js';
import type { DatabaseConfig, DatabaseCredentials, KyselyInstance } from './config.js';
import { configError } from './failure.js';

export type { CompiledQuery, Kysely } from 'kysely';
export type { Client } from 'pg';

/** Where a database is, and who asks. */
export interface Address {
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: Secret | undefined;
}

/** One reads, the other cancels what it does. */
const CONNECTIONS = 2;

/** @throws ConfigError when neither the configuration nor the credentials say where the database is */
export function whereIs(
  sourceId: string,
  { database }: DatabaseConfig,
  credentials: DatabaseCredentials | undefined,
): string | KyselyInstance {
  const url = credentials !== undefined && 'url' in credentials ? credentials.url : undefined;
  if (database !== undefined && url === undefined) return database;
  const problem =
    database === undefined ? 'config.database is missing' : 'config.database and credentials.url are both given';
  if (url === undefined || database !== undefined) {
    throw configError(
      sourceId,
      'DATABASE_ADDRESS',
      problem,
      'give a Kysely instance, a URL, or the whole URL as credentials: { url }',
    );
  }
  if (!/^(postgres|postgresql|mysql|mariadb|sqlite):/.test(url)) {
    throw configError(
      sourceId,
      'DATABASE_ADDRESS',
      'credentials.url is not the URL of a database that is spoken',
      'postgres://, mysql:// or sqlite:',
    );
  }
  return url;
}

export function dialectOf(database: string | KyselyInstance): DialectName {
  if (typeof database !== 'string') return detectDialect(database as unknown as Kysely<unknown>);
  if (database.startsWith('sqlite:')) return 'sqlite';
  return database.startsWith('postgres') ? 'postgres' : 'mysql';
}

/**
 * A Kysely of our own. The packages are loaded here and nowhere else.
 *
 * @throws MissingPeerError for `kysely` and the driver
 */
export async function connect(sourceId: string, address: Address): Promise<Kysely<unknown>> {
  switch (dialectOf(address.url)) {
    case 'postgres':
      return connectPostgres(address);
    case 'mysql':
      return connectMysql(address);
    default:
      return connectSqlite(sourceId, address.url);
  }
}

export async function importKysely(): Promise<typeof import('kysely')> {
  try {
    return await import('kysely');
  } catch (error) {
    throw peerFailure('kysely', error);
  }
}

async function importPg(): Promise<Pick<typeof import('pg'), 'Pool' | 'Client'>> {
  try {
    const { default: pg } = await import('pg');
    return pg;
  } catch (error) {
    throw peerFailure('pg', error);
  }
}

async function importMysql(): Promise<typeof import('mysql2')> {
  try {
    return await import('mysql2');
  } catch (error) {
    throw peerFailure('mysql2', error);
  }
}

async function importLibsql(): Promise<typeof import('libsql')> {
  try {
    const { default: Database } = await import('libsql');
    return Database;
  } catch (error) {
    throw peerFailure('libsql', error);
  }
}

/** What the credentials say goes before what the URL says. A URL without a host (a Unix socket) takes them as parameters only. */
function postgresUrl({ url, user, password }: Address): string {
  const parsed = new URL(url);
  if (user !== undefined) parsed.searchParams.set('user', user);
  if (password !== undefined) parsed.searchParams.set('password', password.reveal());
  return parsed.href;
}

function mysqlUrl({ url, user, password }: Address): string {
  const parsed = new URL(url.replace(/^mariadb:/, 'mysql:'));
  if (user !== undefined) parsed.username = encodeURIComponent(user);
  if (password !== undefined) parsed.password = encodeURIComponent(password.reveal());
  return parsed.href;
}

async function connectPostgres(address: Address): Promise<Kysely<unknown>> {
  const [{ Kysely, PostgresDialect }, pg] = [await importKysely(), await importPg()];
  const pool = new pg.Pool({ connectionString: postgresUrl(address), max: CONNECTIONS, application_name: 'headwater' });
  // A connection that ends while it is idle is told by the statement that finds out.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

/** A connection of its own for LISTEN. */
export async function connectListener(address: Address): Promise<import('pg').Client> {
  const { Client } = await importPg();
  return new Client({ connectionString: postgresUrl(address), application_name: 'headwater' });
}

/** A connection that takes the commands of replication besides statements. */
export async function connectReplication(address: Address): Promise<import('pg').Client> {
  const { Client } = await importPg();
  const options = { connectionString: postgresUrl(address), application_name: 'headwater', keepAlive: true };
  // Known to the driver, not to its types.
  return new Client({ ...options, replication: 'database' } as ConstructorParameters<typeof Client>[0]);
}

async function connectMysql(address: Address): Promise<Kysely<unknown>> {
  const [{ Kysely, MysqlDialect }, { createPool }] = [await importKysely(), await importMysql()];
  const pool = createPool({ uri: mysqlUrl(address), connectionLimit: CONNECTIONS });
  return new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) });
}

/** Opening a file that is not there would make one. */
async function connectSqlite(sourceId: string, url: string): Promise<Kysely<unknown>> {
  const path = decodeURIComponent(url.replace(/^sqlite:(\/\/)?/, ''));
  if (!existsSync(path)) {
    throw new NotFoundError(`there is no file ${path}: check the path of the database`, {
      code: 'DATABASE_MISSING',
      sourceId,
    });
  }
  const [{ Kysely, SqliteDialect }, Database] = [await importKysely(), await importLibsql()];
  const database = new Database(path, { timeout: BUSY_MS });
  database.pragma('query_only = on');
  return new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
}

/** How long SQLite waits for a writer that is about to finish. */
const BUSY_MS = 5_000;
