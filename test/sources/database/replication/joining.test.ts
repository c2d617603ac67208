import { expect, it } from 'vitest';
import type { DatabaseSource } from '../../../../src/sources/database/index.js';
import { describeWith } from '../../../services/needs.js';
import { hasPostgres, type PostgresServer } from '../../../services/postgres.js';
import { Replica, type ReplicationCursor, replicate, uniqueName, useServer } from './support.js';

const ROWS = 300;

describeWith('PostgreSQL', hasPostgres(), 'replication: initial rows and stream', () => {
  const server = useServer();

  it('joins them without hole or overlap while others write', async () => {
    const table = await filled(server());
    const writers = new Writers(server(), table);
    const replica = new Replica();
    let cursor: ReplicationCursor | undefined;
    try {
      const source = await replicate(server(), { tables: [table], pageSize: 7 });
      for (let round = 0; round < 4; round += 1) {
        for await (const event of source.generateEvents()) {
          replica.take(event);
          if (replica.ids.size % 20 === 0) await writers.moment();
        }
      }
      cursor = source.getCursor() as ReplicationCursor;
      await source.close();
    } finally {
      await writers.end();
    }
    await readRest(server(), table, replica, cursor);
  });

  it('goes on with the initial rows after any interruption: nothing is missing, nothing comes twice', async () => {
    const table = await filled(server());
    const writers = new Writers(server(), table);
    const replica = new Replica();
    let cursor: ReplicationCursor | undefined;
    let parts = 0;
    try {
      for (let round = 0; round < 25; round += 1) {
        const source = await replicate(server(), { tables: [table], pageSize: 9 }, { cursor });
        await takeSome(source, replica, 10 + ((round * 37) % 31));
        cursor = source.getCursor() as ReplicationCursor;
        parts = Math.max(parts, cursor.snapshot?.tables[0]?.parts.length ?? 0);
        await source.close();
        await writers.moment();
      }
    } finally {
      await writers.end();
    }
    expect(parts, 'the snapshot was interrupted').toBeGreaterThan(3);
    await readRest(server(), table, replica, cursor);
  });

  it('goes on in a table that was emptied in between: says so, and reads what is there now', async () => {
    const table = await filled(server());
    const replica = new Replica();
    const first = await replicate(server(), { tables: [table], pageSize: 10 });
    await takeSome(first, replica, 25);
    const cursor = first.getCursor();
    await first.close();
    await server().run(`truncate ${table}`, `insert into ${table} (a, b, c) values ('x', 1, 1)`);
    await readRest(server(), table, replica, cursor as ReplicationCursor);
    expect(replica.rows.size).toBe(1);
  });

  it('reads a slot and a publication that were there before', async () => {
    const table = await filled(server());
    await server().run(
      `create publication ${table} for table ${table}`,
      `select pg_create_logical_replication_slot('${table}', 'pgoutput')`,
    );
    await server().run(`update ${table} set c = 7 where b = 1`);
    const replica = new Replica();
    const source = await replicate(server(), { tables: [table], create: false });
    for await (const event of source.generateEvents()) replica.take(event);
    await readRest(server(), table, replica, source.getCursor() as ReplicationCursor);
  });

  it('reads only what comes after it with snapshot: never', async () => {
    const table = await filled(server());
    const source = await replicate(server(), { tables: [table], snapshot: 'never' });
    const before: string[] = [];
    for await (const event of source.generateEvents()) before.push(event.id);
    expect(before).toEqual([]);
    await server().run(`update ${table} set c = 7 where b = 1`);
    const replicated: string[] = [];
    for await (const event of source.generateEvents()) replicated.push(event.type);
    expect(new Set(replicated)).toEqual(new Set(['db.row.updated']));
  });
});

/** A key of two columns whose order JavaScript does not know. */
async function filled(server: PostgresServer): Promise<string> {
  const table = uniqueName();
  await server.run(
    `create table ${table} (a text collate "und-x-icu", b numeric, c int, primary key (a, b))`,
    `insert into ${table} select (array['a', 'B', 'ä', 'b', 'Z'])[1 + n % 5], n, 0 from generate_series(1, ${ROWS}) n`,
  );
  return table;
}

async function takeSome(source: DatabaseSource, replica: Replica, limit: number): Promise<void> {
  for await (const event of source.generateEvents({ limit })) replica.take(event);
}

/** Reads on until all is read; then the replica is what the table is. */
async function readRest(
  server: PostgresServer,
  table: string,
  replica: Replica,
  cursor: ReplicationCursor | undefined,
): Promise<void> {
  const source = await replicate(server, { tables: [table] }, { cursor });
  for await (const event of source.generateEvents()) replica.take(event);
  const rows = await server.run(`select a, b::text, c from ${table}`);
  expect(sorted([...replica.rows.values()])).toEqual(sorted(rows));
}

function sorted(rows: readonly Record<string, unknown>[]): string[] {
  return rows.map(({ a, b, c }) => JSON.stringify([a, b, c])).sort();
}

/** Change rows at random, keys too, several at once, until they are ended. */
class Writers {
  #isEnding = false;
  #written = 0;
  readonly #running: Promise<void>[];

  constructor(server: PostgresServer, table: string) {
    this.#running = [1, 2, 3].map((writer) => this.#write(server, table, writer));
  }

  /** Resolves when something was written since. */
  async moment(): Promise<void> {
    const before = this.#written;
    while (this.#written === before && !this.#isEnding) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#running);
  }

  async #write(server: PostgresServer, table: string, writer: number): Promise<void> {
    const client = server.client();
    await client.connect();
    for (let turn = 0; !this.#isEnding; turn += 1) {
      await client.query('begin');
      for (let change = 0; change < 1 + (turn % 4); change += 1) await client.query(statement(table, writer));
      await client.query(turn % 5 === 4 ? 'rollback' : 'commit');
      this.#written += 1;
    }
    await client.end();
  }
}

/** Each writer has rows of its own, so that none waits for another. */
function statement(table: string, writer: number): string {
  const mine = `b % 3 = ${writer - 1}`;
  const letter = `'${['a', 'B', 'ä', 'b', 'Z', 'm'][Math.floor(Math.random() * 6)]}'`;
  const some = `(a, b) in (select a, b from ${table} where ${mine} order by random() limit 1)`;
  const what = Math.random();
  if (what < 0.25)
    return `insert into ${table} values (${letter}, ${writer - 1} + 3 * floor(random() * 1000000), 1) on conflict do nothing`;
  if (what < 0.5) return `delete from ${table} where ${some}`;
  if (what < 0.75) return `update ${table} set c = c + 1 where ${some}`;
  return `update ${table} t set a = ${letter} where ${some} and not exists (select from ${table} o where o.a = ${letter} and o.b = t.b)`;
}
