import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
// What most children do without is loaded on use.
import type { Kysely } from 'kysely';

export const dialectNames = ['sqlite', 'postgres', 'mariadb'] as const;
export type DialectName = (typeof dialectNames)[number];

/** The host's own table. It has no key, so that a row stored twice is there twice. */
export interface Tables {
  received: { what: string };
}

export const postgres = { host: '127.0.0.1', port: 5432, user: 'postgres', database: 'test' };
export const mariadb = { host: '127.0.0.1', port: 3306, user: 'root', password: '' };

/** The database that belongs to a directory, with its table. */
export async function openDatabase(dialect: DialectName, directory: string): Promise<Kysely<Tables>> {
  const database = await connect(dialect, directory);
  await whileRefusedAsDuplicate(() =>
    database.schema.createTable('received').ifNotExists().addColumn('what', 'text').execute(),
  );
  return database;
}

export async function dropDatabase(dialect: DialectName, directory: string): Promise<void> {
  if (dialect === 'sqlite') return;
  const { sql } = await import('kysely');
  const database = await connect(dialect, directory);
  const name = sql.id(nameFor(directory));
  await (dialect === 'postgres' ? sql`drop schema ${name} cascade` : sql`drop database ${name}`).execute(database);
  await database.destroy();
}

async function connect(dialect: DialectName, directory: string): Promise<Kysely<Tables>> {
  if (dialect === 'sqlite') return openSqlite(join(directory, 'database.sqlite'));
  const name = nameFor(directory);
  return dialect === 'postgres' ? connectPostgres(name) : connectMariadb(name);
}

async function connectPostgres(name: string): Promise<Kysely<Tables>> {
  const { Kysely, PostgresDialect } = await import('kysely');
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ ...postgres, max: 3, options: `-c search_path=${name}` });
  await whileRefusedAsDuplicate(() => pool.query(`create schema if not exists ${name}`));
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

async function connectMariadb(name: string): Promise<Kysely<Tables>> {
  const { Kysely, MysqlDialect } = await import('kysely');
  const { createPool } = await import('mysql2');
  const server = createPool(mariadb);
  await server.promise().query(`create database if not exists ${name}`);
  await server.promise().end();
  return new Kysely<Tables>({
    dialect: new MysqlDialect({ pool: createPool({ ...mariadb, database: name, connectionLimit: 3 }) }),
  });
}

async function openSqlite(path: string): Promise<Kysely<Tables>> {
  const { Kysely, SqliteDialect } = await import('kysely');
  const { default: Database } = await import('libsql');
  const database = new Database(path);
  database.pragma('busy_timeout = 10000');
  database.pragma('journal_mode = WAL');
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
}

/**
 * Several processes begin at once and create the same thing; PostgreSQL then refuses some of them by its catalogue's
 * key, in spite of `if not exists`. Once the other has committed, the statement finds the thing and does nothing.
 */
async function whileRefusedAsDuplicate(create: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await create();
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== '23505' || attempt === 20) throw error;
      await setTimeout(50);
    }
  }
}

/** The schema, or the database of MariaDB, that belongs to a directory. */
export function nameFor(directory: string): string {
  return `torture_${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`;
}
