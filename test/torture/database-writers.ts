import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createPool } from 'mysql2/promise';
import pg from 'pg';
import { dropDatabase, mariadb, nameFor, openDatabase, postgres } from './databases.js';
import type { LiveCase, LiveVerdict, Writer } from './live.js';
import type { Random } from './random.js';

const WRITERS = 20;
const LONGEST_MS = 80;

export type WrittenDialect = 'postgres' | 'mariadb';

/** One connection, of a writer. */
interface Connection {
  say(text: string): Promise<void>;
  close(): Promise<void>;
}

const TABLES = {
  postgres: `create table orders (id bigserial primary key, what text, x xid8 not null default pg_current_xact_id());
    create index orders_x on orders (x, id)`,
  mariadb: 'create table orders (id bigint auto_increment primary key, what varchar(40))',
};

/** Many transactions at once, of any length, some of them rolled back. */
export class DatabaseWriters implements Writer {
  readonly #directory: string;
  readonly #dialect: WrittenDialect;
  readonly #random: Random;
  readonly #committed: string[] = [];
  #isOver = false;
  #writing: Promise<void>[] = [];
  /** Everybody waits with the commit: then many come at once, in any order. */
  #pauseMs = 0;

  static async start(dialect: WrittenDialect, directory: string, random: Random): Promise<DatabaseWriters> {
    await (await openDatabase(dialect, directory)).destroy();
    const first = await connect(dialect, directory);
    for (const statement of TABLES[dialect].split(';')) await first.say(statement);
    await first.close();
    const writers = new DatabaseWriters(dialect, directory, random);
    writers.#writing = Array.from({ length: WRITERS }, (_, number) => writers.#write(number));
    await setTimeout(200);
    return writers;
  }

  private constructor(dialect: WrittenDialect, directory: string, random: Random) {
    this.#dialect = dialect;
    this.#directory = directory;
    this.#random = random;
  }

  async disturb(): Promise<void> {
    this.#pauseMs = this.#random.below(400);
    await setTimeout(this.#pauseMs);
    this.#pauseMs = 0;
  }

  async finish(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#writing);
    writeFileSync(join(this.#directory, 'written.json'), JSON.stringify(this.#committed));
  }

  async #write(writer: number): Promise<void> {
    const connection = await connect(this.#dialect, this.#directory);
    for (let number = 0; !this.#isOver; number += 1) {
      const rows = Array.from({ length: 1 + this.#random.below(3) }, (_, index) => `${writer}.${number}.${index}`);
      await connection.say('begin');
      for (const what of rows) {
        if (this.#random.below(3) === 0) await connection.say(`savepoint s`);
        await connection.say(`insert into orders (what) values ('${what}')`);
      }
      await setTimeout(this.#pauseMs + this.#random.below(LONGEST_MS));
      const isKept = this.#random.below(10) > 0;
      await connection.say(isKept ? 'commit' : 'rollback');
      if (isKept) this.#committed.push(...rows);
      await setTimeout(this.#random.below(LONGEST_MS));
    }
    await connection.close();
  }
}

async function connect(dialect: WrittenDialect, directory: string): Promise<Connection> {
  const name = nameFor(directory);
  if (dialect === 'postgres') {
    const client = new pg.Client({ ...postgres, options: `-c search_path=${name} -c synchronous_commit=off` });
    await client.connect();
    return { say: async (text) => void (await client.query(text)), close: () => client.end() };
  }
  const pool = createPool({ ...mariadb, database: name, connectionLimit: 1 });
  return { say: async (text) => void (await pool.query(text)), close: () => pool.end() };
}

/** Every row that was committed is stored once; none that was not. */
export function written(dialect: WrittenDialect): LiveCase {
  return {
    start: (directory, random) => DatabaseWriters.start(dialect, directory, random),
    atRisk: 0,
    async judge(directory): Promise<LiveVerdict> {
      const database = await openDatabase(dialect, directory);
      const rows = await database.selectFrom('received').select('what').execute();
      await database.destroy();
      await dropDatabase(dialect, directory);
      const committed = new Set<string>(JSON.parse(readFileSync(join(directory, 'written.json'), 'utf8')));
      const found = new Set(rows.map(({ what }) => what));
      const lost = [...committed].filter((what) => !found.has(what));
      if (lost.length > 0) throw new Error(`lost: ${lost.slice(0, 5).join(', ')}; ${lost.length} of ${committed.size}`);
      const made = [...found].filter((what) => !committed.has(what));
      if (made.length > 0) throw new Error(`never committed: ${made.slice(0, 5).join(', ')}`);
      if (rows.length > found.size) throw new Error(`${rows.length - found.size} rows are stored twice`);
      return { events: found.size, repeats: 0, gaps: 0, destroyed: 0 };
    },
  };
}
