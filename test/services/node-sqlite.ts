import { createRequire } from 'node:module';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';

/** The part of Node's own module that is used here; the types of Node 20 do not know it. */
interface NodeSqlite {
  DatabaseSync: new (path: string) => NodeDatabase;
}
interface NodeDatabase {
  close(): void;
  exec(text: string): void;
  prepare(text: string): NodeStatement;
}
interface NodeStatement {
  columns(): unknown[];
  all(...parameters: unknown[]): unknown[];
  run(...parameters: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(...parameters: unknown[]): IterableIterator<unknown>;
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

/** Whether statements tell here if they give rows, which Kysely has to know. */
export const hasNodeSqlite = major > 22 || (major === 22 && minor >= 16);

/** An SQLite file through the module that comes with Node, as docs/guide/sql.md does it. */
export function openNodeSqlite<Tables>(path: string): Kysely<Tables> {
  const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as NodeSqlite;
  const database = new DatabaseSync(path);
  database.exec('pragma busy_timeout = 5000');
  database.exec('pragma journal_mode = WAL');
  const adapter: SqliteDatabase = {
    close: () => database.close(),
    prepare(text) {
      const statement = database.prepare(text);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters),
        run: (parameters) => statement.run(...parameters),
        iterate: (parameters) => statement.iterate(...parameters),
      };
    },
  };
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: adapter }) });
}
