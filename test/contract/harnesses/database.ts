import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSource } from 'headwater/sources/database';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import Database from 'libsql';

const EVENTS = 9;
const FLOOD = 20_000;
const PAGE = 4;

const HANGS = 'SQLite answers, or the process stands still; for servers: test/sources/database/connections.test.ts';

/** A file of SQLite, read by its URL, or through a host's Kysely whose every statement is seen and may fail. */
class File implements SourceWorld {
  readonly events = EVENTS;
  readonly config: unknown;
  readonly credentials = { user: 'nobody', password: 'planted-database-password' };
  readonly #directory = mkdtempSync(join(tmpdir(), 'headwater-contract-'));
  readonly #writer: Database.Database;
  readonly #reader: Database.Database;
  statements = 0;
  pages = 0;
  isOpen = false;
  #failing: { kind: 'transient' | 'permanent'; at: number } | undefined;

  constructor() {
    const path = join(this.#directory, 'orders.sqlite');
    this.#writer = new Database(path);
    this.#writer.pragma('journal_mode = WAL');
    this.#writer.exec('create table orders (id integer primary key autoincrement, what text)');
    this.insert(EVENTS);
    this.#reader = new Database(path);
    const database: SqliteDatabase = {
      close: () => this.#reader.close(),
      prepare: (text) => {
        this.#note(text);
        const statement = this.#reader.prepare(text);
        return {
          reader: statement.reader,
          all: (parameters) => statement.all(...parameters),
          run: (parameters) => statement.run(...parameters),
          iterate: (parameters) => statement.iterate(...parameters),
        };
      },
    };
    const host = new Kysely({ dialect: new SqliteDialect({ database }) });
    this.config = {
      mode: 'keyset',
      database: host,
      table: 'orders',
      pageSize: PAGE,
      pollIntervalMs: 1_000,
    };
  }

  insert(rows: number): void {
    this.#writer.exec(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
       insert into orders (what) select 'order ' || i from n`,
    );
  }

  fail(kind: 'transient' | 'permanent', after: number): void {
    this.#failing = { kind, at: this.statements + after + 1 };
  }

  async close(): Promise<void> {
    this.#reader.close();
    this.#writer.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #note(text: string): void {
    this.statements += 1;
    if (text.includes('limit 4')) this.pages += 1;
    const failing = this.#failing;
    if (failing === undefined || this.statements < failing.at) return;
    if (failing.kind === 'transient') this.#failing = undefined;
    const code = failing.kind === 'transient' ? 'SQLITE_BUSY' : 'SQLITE_AUTH';
    throw Object.assign(new Error(`told to fail: ${code}`), { code });
  }
}

export const harness: SourceHarness<File> = {
  source: DatabaseSource,
  open: async () => new File(),
  more: async (file) => file.insert(1),
  requests: (file) => file.statements,
  fail: (file, kind, after) => file.fail(kind, after),
  flood: async (file) => file.insert(FLOOD),
  taken: (file) => (file.pages * PAGE) / FLOOD,
  secrets: ['planted-database-password'],
  patienceMs: 20_000,
  skip: [
    {
      case: 'credentials that are not there are refused, each of them',
      reason: 'a Kysely of the host, and a server that trusts, need none',
    },
    {
      case: 'what another process reads is the same to the letter',
      reason: 'a Kysely is of its process; test/sources/database/values.test.ts reads in nine processes',
    },
    { case: 'an abort ends a request that is never answered', reason: HANGS },
    { case: 'an abort ends validate()', reason: HANGS },
  ],
};
