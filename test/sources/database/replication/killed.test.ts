import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeWith } from '../../../services/needs.js';
import { hasPostgres, type PostgresServer } from '../../../services/postgres.js';
import { Program } from '../../../support/program.js';
import { Replica, slotOf, uniqueName, until, useServer } from './support.js';

const KILLS = 15;

describeWith('PostgreSQL', hasPostgres(), 'replication: a reader that is killed', () => {
  const server = useServer();

  it('SIGKILL at any moment, with the cursor in the transaction: nothing is skipped, nothing comes twice', async () => {
    const table = uniqueName();
    const program = await Program.build(new URL('killed-reader.ts', import.meta.url));
    try {
      await server().run('create database sink', `create table ${table} (id int primary key, n int)`);
      const sink = server().client({ database: 'sink' });
      await sink.connect();
      await sink.query('create table taken (at bigserial, id text primary key, type text, data text)');
      await server().run(`insert into ${table} select n, 0 from generate_series(1, 3000) n`);
      const writing = new AbortController();
      const written = write(server(), table, writing.signal);
      for (let turn = 0; turn < KILLS; turn += 1) await killAfter(program, server(), table, 30 + ((turn * 97) % 400));
      writing.abort();
      await written;
      const last = program.start(server().port, table);
      const [mark] = await server().run(`insert into ${table} values (-1, 0) returning id`);
      expect(mark).toBeDefined();
      await until(
        async () => (await sink.query(`select from taken where data::jsonb -> 'key' ->> 'id' = '-1'`)).rowCount === 1,
        'all is read',
      );
      last.kill('SIGKILL');
      await once(last, 'close');
      const replica = new Replica();
      const { rows } = await sink.query<{ id: string; type: string; data: string }>(
        'select id, type, data from taken order by at',
      );
      for (const { id, type, data } of rows) replica.take({ id, type, data: JSON.parse(data) } as never);
      const expected = await server().run(`select id, n from ${table} order by id`);
      expect([...replica.rows.values()].sort((one, other) => Number(one['id']) - Number(other['id']))).toEqual(
        expected,
      );
      await sink.end();
    } finally {
      program.dispose();
    }
  }, 180_000);
});

async function killAfter(program: Program, server: PostgresServer, table: string, milliseconds: number): Promise<void> {
  const child = program.start(server.port, table);
  await once(child.stdout as NodeJS.EventEmitter, 'data');
  await setTimeout(milliseconds);
  child.kill('SIGKILL');
  await once(child, 'close');
  await until(async () => (await slotOf(server, table))?.['active'] !== true, 'the server has noticed');
}

/** Inserts, changes and deletes rows, also keys, several in a transaction. */
async function write(server: PostgresServer, table: string, signal: AbortSignal): Promise<void> {
  const client = server.client();
  await client.connect();
  let next = 10_000;
  while (!signal.aborted) {
    const some = 1 + Math.floor(Math.random() * 3000);
    await client.query('begin');
    await client.query(`insert into ${table} select n, 1 from generate_series(${next}, ${next + 7}) n`);
    await client.query(`update ${table} set n = n + 1 where id between ${some} and ${some + 20}`);
    await client.query(`update ${table} set id = id + 5000000 where id between ${some} and ${some + 3} and id < 5000`);
    await client.query(`delete from ${table} where id between ${some + 30} and ${some + 32}`);
    await client.query(Math.random() < 0.1 ? 'rollback' : 'commit');
    next += 8;
    await setTimeout(10);
  }
  await client.end();
}
