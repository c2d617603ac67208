import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely';
import Database from 'libsql';
import { createPool } from 'mysql2';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { hasNodeSqlite, openNodeSqlite } from './node-sqlite.js';

/** A database of its own for one test. */
export interface TestDatabase<Tables> {
  readonly database: Kysely<Tables>;
  /**
   * A second connection to the same data, as another process has it. Closed with the first. SQLite has one connection
   * in a process: its driver waits without giving way, so two would wait for each other in vain.
   */
  connect(): Kysely<Tables>;
  drop(): Promise<void>;
}

/** One real database to test with. */
export interface DatabaseService {
  readonly name: 'SQLite' | 'node:sqlite' | 'PostgreSQL' | 'MariaDB';
  /** Whether it lives in this process, without a connection that could end. */
  readonly isEmbedded?: boolean;
  isThere(): Promise<boolean>;
  create<Tables>(): Promise<TestDatabase<Tables>>;
}

const POSTGRES = { host: '127.0.0.1', port: 5432, user: 'postgres', database: 'test' };
const MARIADB = { host: '127.0.0.1', port: 3306, user: 'root', password: '' };

const sqlite: DatabaseService = {
  name: 'SQLite',
  isEmbedded: true,
  isThere: async () => true,
  create: <Tables>() => createSqlite<Tables>(openSqlite),
};

const nodeSqlite: DatabaseService = {
  ...sqlite,
  name: 'node:sqlite',
  create: <Tables>() => createSqlite<Tables>(openNodeSqlite),
};

async function createSqlite<Tables>(open: (path: string) => Kysely<Tables>): Promise<TestDatabase<Tables>> {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-sqlite-'));
  const database = open(join(directory, 'test.sqlite'));
  return assemble<Tables>(
    () => database,
    async () => rmSync(directory, { recursive: true, force: true }),
  );
}

const postgres: DatabaseService = {
  name: 'PostgreSQL',
  isThere: () => answers(POSTGRES),
  async create<Tables>() {
    const schema = uniqueName();
    const admin = new pg.Client(POSTGRES);
    await admin.connect();
    await admin.query(`create schema ${schema}`);
    return assemble<Tables>(
      () => {
        const pool = new pg.Pool({ ...POSTGRES, max: 4, options: `-c search_path=${schema}` });
        // A connection that is ended, idle or not, is told by the query that finds out.
        pool.on('error', () => {});
        pool.on('connect', (client) => client.on('error', () => {}));
        return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
      },
      async () => {
        await admin.query(`drop schema ${schema} cascade`);
        await admin.end();
      },
    );
  },
};

const mariadb: DatabaseService = {
  name: 'MariaDB',
  isThere: () => answers(MARIADB),
  async create<Tables>() {
    const database = uniqueName();
    const admin = await createConnection(MARIADB);
    await admin.query(`create database ${database}`);
    return assemble<Tables>(
      () => new Kysely<Tables>({ dialect: new MysqlDialect({ pool: createPool({ ...MARIADB, database }) }) }),
      async () => {
        await admin.query(`drop database ${database}`);
        await admin.end();
      },
    );
  },
};

/** The SQLite that comes with Node is there from 22.16 on in a form that Kysely can use. */
export const databaseServices: readonly DatabaseService[] = [
  sqlite,
  ...(hasNodeSqlite ? [nodeSqlite] : []),
  postgres,
  mariadb,
];

/** An SQLite file as a host would open it, with a driver that needs no compiler. */
export function openSqlite<Tables>(path: string): Kysely<Tables> {
  const database = new Database(path);
  database.pragma('busy_timeout = 5000');
  database.pragma('journal_mode = WAL');
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
}

function assemble<Tables>(open: () => Kysely<Tables>, remove: () => Promise<void>): TestDatabase<Tables> {
  const opened: Kysely<Tables>[] = [];
  const connectTo = (): Kysely<Tables> => {
    const database = open();
    opened.push(database);
    return database;
  };
  return {
    database: connectTo(),
    connect: connectTo,
    async drop() {
      await Promise.all(opened.map((database) => database.destroy()));
      await remove();
    },
  };
}

function uniqueName(): string {
  return `headwater_test_${randomBytes(6).toString('hex')}`;
}

function answers({ host, port }: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
