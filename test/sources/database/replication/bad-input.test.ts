import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { expect, it } from 'vitest';
import { DatabaseSource } from '../../../../src/sources/database/index.js';
import { describeWith } from '../../../services/needs.js';
import { hasPostgres } from '../../../services/postgres.js';
import { readAll, replicate, slotOf, uniqueName, until, useServer } from './support.js';

/** Nobody waits between tries. */
const impatient = {
  now: () => Date.now(),
  sleep: async (_: number, signal?: AbortSignal) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    signal?.throwIfAborted();
  },
};

describeWith('PostgreSQL', hasPostgres(), 'replication: bad input', () => {
  const server = useServer({
    authentication: [
      'host all careful 127.0.0.1/32 scram-sha-256',
      'host replication careful 127.0.0.1/32 scram-sha-256',
    ],
  });

  const problemsOf = async (source: DatabaseSource): Promise<string[]> =>
    (await source.validate()).problems.map(({ severity, code }) => `${severity} ${code}`);

  it('a server without logical decoding', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    await server().end();
    await server().begin({ wal_level: 'replica' });
    try {
      const source = await replicate(server(), { tables: [table] }, { clock: impatient });
      expect(await problemsOf(source)).toEqual(['error DATABASE_WAL_LEVEL']);
      await expect(readAll(source)).rejects.toMatchObject({ name: 'ConfigError', code: 'DATABASE_WAL_LEVEL' });
    } finally {
      await server().end();
      await server().begin();
    }
  });

  it('a slot, a publication or a table that is not there', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`, `create table ${table}_b (id int primary key)`);
    const source = await replicate(server(), { tables: [table], create: false });
    expect(await problemsOf(source)).toEqual(['error DATABASE_SLOT']);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'DATABASE_SLOT' });
    await server().run(`select pg_create_logical_replication_slot('${table}', 'pgoutput')`);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'DATABASE_PUBLICATION' });
    await server().run(`create publication ${table} for table ${table}_b`);
    await expect(readAll(source)).rejects.toThrow(/has no table/);
    const missing = await replicate(server(), {
      tables: ['nothing "of" the kind'],
      slot: table,
      publication: table,
    } as never);
    await expect(readAll(missing)).rejects.toMatchObject({ code: 'DATABASE_TABLE' });
    expect(await problemsOf(missing)).toEqual(['error DATABASE_TABLE']);
  });

  it('a publication that is younger than the slot', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (id int primary key)`,
      `select pg_create_logical_replication_slot('${table}', 'pgoutput')`,
      `insert into ${table} values (1)`,
      `create publication ${table} for table ${table}`,
    );
    const source = await replicate(server(), { tables: [table] }, { clock: impatient });
    await expect(readAll(source)).rejects.toMatchObject({ code: 'DATABASE_PUBLICATION' });
  });

  it('a slot of another plug-in, or a physical one', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (id int primary key)`,
      `create publication ${table} for table ${table}`,
      `select pg_create_logical_replication_slot('${table}', 'test_decoding')`,
      `select pg_create_physical_replication_slot('${table}_p')`,
    );
    const source = await replicate(server(), { tables: [table] });
    await expect(readAll(source)).rejects.toThrow(/test_decoding/);
    const physical = await replicate(server(), { tables: [table], slot: `${table}_p` });
    await expect(readAll(physical)).rejects.toThrow(/physical/);
  });

  it('a slot that somebody else reads', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const first = await replicate(server(), { tables: [table] });
    await readAll(first);
    const events = first.generateEvents({ follow: true });
    const waiting = events.next();
    await until(async () => (await slotOf(server(), table))?.['active'] === true, 'it reads');
    const second = await replicate(server(), { tables: [table] }, { clock: impatient, cursor: first.getCursor() });
    expect(await problemsOf(second)).toEqual(['warning DATABASE_SLOT_IN_USE']);
    await expect(readAll(second)).rejects.toMatchObject({ name: 'RetryableError', code: 'DATABASE_SLOT_IN_USE' });
    await server().run(`insert into ${table} values (1)`);
    expect((await waiting).value).toMatchObject({ type: 'db.row.inserted' });
    await events.return();
  });

  it('a wrong password, a user that may not replicate, one that may not read', async () => {
    const table = uniqueName();
    await server().run(
      `create role careful login password 'right'`,
      `create table ${table} (id int primary key)`,
      `create publication ${table} for table ${table}`,
    );
    const as = (password: string) =>
      DatabaseSource.create({
        id: 'careful',
        clock: impatient,
        credentials: { user: 'careful', password },
        config: {
          mode: 'replication',
          database: server().url,
          tables: [table],
          slot: table,
          publication: table,
          create: true,
        },
      });
    const wrong = await as('wrong');
    expect(await problemsOf(wrong)).toEqual(['error DATABASE_LOGIN']);
    const failure = await readAll(wrong).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'AuthenticationError' });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('wrong');
    const right = await as('right');
    expect(await problemsOf(right)).toEqual(['error DATABASE_REFUSED']);
    await server().run(`grant select on ${table} to careful`);
    expect(await problemsOf(right)).toEqual(['error DATABASE_REPLICATION_ROLE']);
    await expect(readAll(right)).rejects.toMatchObject({ name: 'PermissionError', code: 'DATABASE_REPLICATION_ROLE' });
    await server().run('alter role careful replication');
    expect(await problemsOf(right)).toEqual([]);
    expect(await readAll(right)).toEqual([]);
  });

  it('a table without a key, or without a replica identity', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (n int)`,
      `create table ${table}_u (n int not null unique)`,
      `create table ${table}_n (n int primary key)`,
      `alter table ${table}_n replica identity nothing`,
    );
    const none = await replicate(server(), { tables: [table] });
    await expect(readAll(none)).rejects.toMatchObject({ code: 'DATABASE_KEY' });
    expect(await slotOf(server(), table), 'no slot is left behind').toBeUndefined();
    expect(await problemsOf(await replicate(server(), { tables: [`${table}_u`] }))).toEqual([
      'warning DATABASE_REPLICA_IDENTITY',
    ]);
    expect(await problemsOf(await replicate(server(), { tables: [`${table}_n`] }))).toEqual([
      'warning DATABASE_REPLICA_IDENTITY',
    ]);
  });

  it('a publication that leaves something out', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (id int primary key)`,
      `create publication ${table} for table ${table} with (publish = 'insert')`,
    );
    const source = await replicate(server(), { tables: [table] });
    expect(await problemsOf(source)).toEqual(['warning DATABASE_PUBLICATION']);
  });

  it('columns and rows that are not published are not among the initial rows', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (id int primary key, secret text, region text)`,
      `insert into ${table} values (1, 'x', 'eu'), (2, 'y', 'us')`,
      `create publication ${table} for table ${table} (id) where (id > 1)`,
    );
    const source = await replicate(server(), { tables: [table] });
    expect((await readAll(source)).map(({ data }) => data)).toEqual([{ table, key: { id: 2 }, row: { id: 2 } }]);
    await server().run(`insert into ${table} values (0, 'x', 'eu'), (3, 'z', 'us')`);
    expect((await readAll(source)).map(({ data }) => data)).toEqual([{ table, key: { id: 3 }, row: { id: 3 } }]);
  });

  it("the host's Kysely, a cursor of another slot, a server that is not there", async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const pool = new pg.Pool({ host: '127.0.0.1', port: server().port, user: 'postgres', database: 'postgres' });
    const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    const config = { mode: 'replication' as const, tables: [table], slot: table, publication: table };
    const source = await DatabaseSource.create({ id: 'kysely', config: { ...config, database } });
    await expect(readAll(source)).rejects.toMatchObject({ name: 'ConfigError', code: 'DATABASE_REPLICATION' });
    expect(await problemsOf(source)).toEqual(['error DATABASE_REPLICATION']);
    await database.destroy();
    const own = await replicate(server(), { tables: [table] });
    await readAll(own);
    const other = await replicate(server(), { tables: [table], slot: `${table}_other` }, { cursor: own.getCursor() });
    await expect(readAll(other)).rejects.toMatchObject({ name: 'CursorError' });
    const nowhere = await DatabaseSource.create({
      id: 'nowhere',
      clock: impatient,
      config: { ...config, database: 'postgres://127.0.0.1:1/x' },
    });
    await expect(readAll(nowhere)).rejects.toMatchObject({ name: 'ConnectionError' });
    const controller = new AbortController();
    const patient = await DatabaseSource.create({
      id: 'nowhere',
      config: { ...config, database: 'postgres://127.0.0.1:1/x' },
    });
    const waiting = patient.generateEvents({ signal: controller.signal }).next();
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('abort and break let go of connections and slot at once, also within the initial rows', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (id int primary key)`,
      `insert into ${table} select generate_series(1, 5000)`,
    );
    const source = await replicate(server(), { tables: [table], pageSize: 10 });
    for (let turn = 0; turn < 30; turn += 1) {
      const controller = new AbortController();
      const events = source.generateEvents({ follow: true, signal: controller.signal });
      for (let n = 0; n <= turn * 10; n += 1) await events.next();
      if (turn % 2 === 0) await events.return();
      else {
        // What is there already may still come.
        const next = events.next().then(() => events.next());
        controller.abort('enough');
        await expect(next).rejects.toBe('enough');
      }
    }
    await source.close();
    await until(async () => {
      const [row] = await server().run(
        `select count(*)::int as n from pg_stat_activity where application_name = 'headwater'`,
      );
      return row?.['n'] === 0;
    }, 'no connection is left');
  });
});
