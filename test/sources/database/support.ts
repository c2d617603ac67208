import { CompiledQuery, type Kysely } from 'kysely';
import { afterEach } from 'vitest';
import {
  type DatabaseConfigInput,
  type DatabaseCursor,
  type DatabaseEvent,
  DatabaseSource,
} from '../../../src/sources/database/index.js';
import { type DatabaseService, databaseServices, type TestDatabase } from '../../services/databases.js';

export type Database = TestDatabase<Record<string, never>>;
export const services = databaseServices;

const open: Database[] = [];
afterEach(async () => {
  for (const database of open.splice(0)) await database.drop();
});

/** A database of its own for a test, dropped after it. */
export async function createDatabase(service: DatabaseService): Promise<Database> {
  const database = await service.create<Record<string, never>>();
  open.push(database);
  return database;
}

export function serviceOf(name: DatabaseService['name']): DatabaseService {
  const found = services.find((service) => service.name === name);
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
}

/** Runs statements one after the other; gives the rows of the last. */
export async function run(
  database: Kysely<Record<string, never>>,
  ...statements: readonly string[]
): Promise<readonly Record<string, unknown>[]> {
  let rows: readonly Record<string, unknown>[] = [];
  for (const statement of statements) {
    rows = (await database.executeQuery<Record<string, unknown>>(CompiledQuery.raw(statement))).rows;
  }
  return rows;
}

/** How each database writes the same types. */
export function typesOf({ name }: DatabaseService) {
  switch (name) {
    case 'PostgreSQL':
      return { counted: 'bigserial primary key', instant: 'timestamptz', bytes: 'bytea', big: 'bigint' };
    case 'MariaDB':
      return {
        counted: 'bigint auto_increment primary key',
        instant: 'timestamp(6) not null default current_timestamp(6)',
        bytes: 'varbinary(64)',
        big: 'bigint',
      };
    default:
      return { counted: 'integer primary key autoincrement', instant: 'text', bytes: 'blob', big: 'bigint' };
  }
}

type Config = Omit<Extract<DatabaseConfigInput, { mode: 'keyset' }>, 'mode' | 'database'>;

/** A source of mode keyset over the host's Kysely. */
export function keysetSource(
  { database }: Pick<Database, 'database'>,
  config: Config,
  cursor?: DatabaseCursor,
): Promise<DatabaseSource> {
  return DatabaseSource.create({ id: 'test', config: { mode: 'keyset', database, ...config }, cursor });
}

export async function readAll(source: DatabaseSource): Promise<DatabaseEvent[]> {
  const events: DatabaseEvent[] = [];
  for await (const event of source.generateEvents()) events.push(event);
  return events;
}

/** The rows of events, in order. */
export function rowsOf(events: readonly DatabaseEvent[]): Record<string, unknown>[] {
  return events.map((event) => ('row' in event.data ? event.data.row : {}));
}

/** What was thrown. */
export async function failureOf(action: Promise<unknown>): Promise<Error & { code?: string; problems?: unknown }> {
  try {
    await action;
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
