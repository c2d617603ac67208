import { type Kysely, Kysely as KyselyClass, MysqlDialect, PostgresDialect } from 'kysely';
import { createPool } from 'mysql2';
import pg from 'pg';
import { expect, it } from 'vitest';
import { DatabaseSource } from '../../../src/sources/database/index.js';
import { describeWith } from '../../services/needs.js';
import { createDatabase, keysetSource, readAll, run, serviceOf, services } from './support.js';

type Host = Kysely<Record<string, never>>;
const ABORTS = 1_000;

/** A host's pool of two connections, and how many of them are out. */
function openPool(name: 'PostgreSQL' | 'MariaDB', where: string): { database: Host; out(): number; all(): number } {
  if (name === 'PostgreSQL') {
    const pool = new pg.Pool({
      host: '127.0.0.1',
      user: 'postgres',
      database: 'test',
      max: 2,
      options: `-c search_path=${where}`,
    });
    // A connection that ends is told by the query that finds out.
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    const database = new KyselyClass<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
    return { database, out: () => pool.totalCount - pool.idleCount, all: () => pool.totalCount };
  }
  const pool = createPool({ host: '127.0.0.1', user: 'root', database: where, connectionLimit: 2 });
  const counts = { out: 0, all: 0 };
  pool.on('connection', () => {
    counts.all += 1;
  });
  pool.on('acquire', () => {
    counts.out += 1;
  });
  pool.on('release', () => {
    counts.out -= 1;
  });
  const database = new KyselyClass<Record<string, never>>({ dialect: new MysqlDialect({ pool: pool as never }) });
  return { database, out: () => counts.out, all: () => counts.all };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

for (const name of ['PostgreSQL', 'MariaDB'] as const) {
  const service = serviceOf(name);
  const nap = name === 'PostgreSQL' ? 'pg_sleep(600)' : 'sleep(600)';
  describeWith(name, await service.isThere(), `connections, ${name}`, () => {
    const where = async (database: Host): Promise<string> => {
      const [row] = await run(
        database,
        name === 'PostgreSQL' ? 'select current_schema() as name' : 'select database() as name',
      );
      return String(row?.['name']);
    };

    it(`DB10: ${ABORTS} aborts, breaks and throws leave no connection out, and none with other settings`, async () => {
      const owner = await createDatabase(service);
      await run(owner.database, 'create table orders (id int primary key)', 'insert into orders values (1), (2), (3)');
      const { database, out, all } = openPool(name, await where(owner.database));
      const settings =
        name === 'PostgreSQL'
          ? `select current_setting('TimeZone') as a, current_setting('statement_timeout') as b, current_setting('transaction_read_only') as c`
          : 'select @@time_zone as a, @@sql_mode as b, @@max_statement_time as c';
      const before = await run(database, settings);
      const source = await keysetSource({ database }, { table: 'orders', pageSize: 1, lateCommits: 'none' });
      for (let turn = 0; turn < ABORTS; turn += 1) {
        const stop = new AbortController();
        const events = source.generateEvents({ signal: stop.signal, acknowledge: false });
        const first = events.next();
        first.catch(() => {});
        if (turn % 3 === 0) stop.abort(new Error('stopped'));
        else if (turn % 3 === 1)
          void first.then(
            () => stop.abort(new Error('stopped')),
            () => {},
          );
        else await first.catch(() => {});
        await events.return().catch(() => {});
      }
      await until(() => out() === 0);
      expect(all()).toBeLessThanOrEqual(2);
      for (let turn = 0; turn < 2; turn += 1) expect(await run(database, settings)).toEqual(before);
      await database.destroy();
    }, 120_000);

    it('DB10: an abort stops what the server does, at once', async () => {
      const owner = await createDatabase(service);
      const { database, out } = openPool(name, await where(owner.database));
      const busy =
        name === 'PostgreSQL'
          ? `select count(*) as n from pg_stat_activity where state = 'active' and query like '%pg_sleep(600)%' and query like '%napping%' and pid <> pg_backend_pid()`
          : `select count(*) as n from information_schema.processlist where info like '%sleep(600)%' and info like '%napping%' and id <> connection_id()`;
      const isBusy = async (): Promise<boolean> => Number((await run(owner.database, busy))[0]?.['n']) > 0;
      // Names its columns while it is looked at, and naps while it is read.
      const text =
        name === 'PostgreSQL'
          ? `select id, napping from (select 1 as id, 1 as napping, ${nap}) naps`
          : `select 1 as id, ${nap} as napping`;
      const source = await keysetSource({ database }, { query: { sql: text }, key: 'id', lateCommits: 'none' });
      const stop = new AbortController();
      const reading = source.generateEvents({ signal: stop.signal }).next();
      await until(isBusy);
      stop.abort(new Error('stopped'));
      await expect(reading).rejects.toThrow('stopped');
      await until(async () => !(await isBusy()) && out() === 0);
      await database.destroy();
    }, 30_000);

    it('a statement that takes too long is given up, by the server', async () => {
      const owner = await createDatabase(service);
      const text =
        name === 'PostgreSQL' ? `select id from (select 1 as id, ${nap}) naps` : `select 1 as id, ${nap} as nap`;
      const source = await keysetSource(owner, {
        query: { sql: text },
        key: 'id',
        lateCommits: 'none',
        statementTimeoutMs: 50,
      });
      await expect(readAll(source)).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
    });

    it('a connection that is ended under way is another one with the next try', async () => {
      const owner = await createDatabase(service);
      await run(owner.database, 'create table orders (id int primary key)', 'insert into orders values (1), (2), (3)');
      const { database } = openPool(name, await where(owner.database));
      const source = await keysetSource({ database }, { table: 'orders', pageSize: 1, lateCommits: 'none' });
      const ids: string[] = [];
      for await (const { id } of source.generateEvents()) {
        ids.push(id);
        // Idle now, in the pool.
        const kill = name === 'PostgreSQL' ? 'select pg_terminate_backend(pg_backend_pid())' : 'kill connection_id()';
        if (ids.length === 1) await run(database, kill).catch(() => {});
      }
      expect(ids).toEqual(['orders:1', 'orders:2', 'orders:3']);
      await database.destroy();
    });
  });
}

const HOSTILE = [
  `o"; drop table victims; --`,
  `a'b`,
  'a`b',
  'ünï ☃',
  'select',
  'with space',
  '$1',
  '?',
  'a\\b',
  'x/*y',
  'x--y',
];

for (const service of services) {
  describeWith(service.name, await service.isThere(), `identifiers, ${service.name}`, () => {
    it('DB5: quotes, semicolons and comments in names of tables and columns are names', async () => {
      const database = await createDatabase(service);
      const mark = service.name === 'MariaDB' ? '`' : '"';
      const quote = (text: string): string => mark + text.replaceAll(mark, mark + mark) + mark;
      // Prepared statements of MySQL's driver take a question mark in a name for a parameter wherever it stands.
      await run(database.database, 'create table victims (id int primary key)', 'insert into victims values (1)');
      for (const name of HOSTILE) {
        await run(
          database.database,
          `create table ${quote(name)} (id int primary key, ${quote(name)} int not null)`,
          `insert into ${quote(name)} values (1, 10), (2, 20), (3, 30)`,
        );
        const config = { table: name, cursorColumn: name, pageSize: 1, lateCommits: 'none' } as const;
        const source = await keysetSource(database, config);
        const events = await readAll(source);
        expect(
          events.map(({ data }) => data),
          name,
        ).toMatchObject([1, 2, 3].map((id) => ({ table: name, row: { id, [name]: id * 10 } })));
        expect((await source.validate()).ok, name).toBe(true);
        const snapshot = await DatabaseSource.create({
          id: 's',
          config: { mode: 'snapshot', database: database.database, table: name, pageSize: 2 },
        });
        expect(await readAll(snapshot), name).toHaveLength(3);
      }
      expect(await run(database.database, 'select id from victims')).toHaveLength(1);
    });

    it('DB5: names that the catalogue does not have are refused before anything is read', async () => {
      const database = await createDatabase(service);
      await run(database.database, 'create table orders (id int primary key)');
      for (const name of [...HOSTILE, 'orders; select 1', 'ORDERS"', 'x'.repeat(200)]) {
        for (const config of [
          { table: name },
          { table: 'orders', cursorColumn: name },
          { table: 'orders', columns: [name] },
          { table: 'orders', schema: name },
        ]) {
          const source = await keysetSource(database, { lateCommits: 'none', ...config });
          await expect(readAll(source), name).rejects.toMatchObject({
            code: expect.stringMatching(/^DATABASE_(TABLE|COLUMN)$/),
          });
        }
      }
    });

    it('DB5: a query cannot change anything', async () => {
      const database = await createDatabase(service);
      await run(database.database, 'create table orders (id int primary key)', 'insert into orders values (1)');
      for (const sql of [
        'delete from orders',
        'delete from orders returning id',
        'select id from orders); delete from orders; select (1',
        'with gone as (delete from orders returning id) select id from gone',
      ]) {
        const source = await keysetSource(database, { query: { sql }, key: 'id', lateCommits: 'none' });
        await expect(readAll(source), sql).rejects.toThrow();
      }
      expect(await run(database.database, 'select id from orders')).toHaveLength(1);
    });
  });
}
