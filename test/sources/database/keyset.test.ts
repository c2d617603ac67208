import { CompiledQuery, type Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { KyselyCursorStore } from '../../../src/cursors/kysely/index.js';
import { ingest } from '../../../src/index.js';
import { type DatabaseCursor, DatabaseSource } from '../../../src/sources/database/index.js';
import { describeWith } from '../../services/needs.js';
import {
  createDatabase,
  type Database,
  keysetSource,
  readAll,
  rowsOf,
  run,
  serviceOf,
  services,
  typesOf,
} from './support.js';

const ROWS = 10_000;
const PAGE = 100;

for (const service of services) {
  const types = typesOf(service);
  describeWith(service.name, await service.isThere(), `mode keyset, ${service.name}`, () => {
    const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));
    const fill = async ({ database }: Database, count: number): Promise<void> => {
      const column = service.name === 'MariaDB' ? 'datetime(6) not null' : types.instant;
      await run(
        database,
        `create table ties (id int primary key, at ${column})`,
        'create index ties_at on ties (at, id)',
      );
      for (let from = 0; from < count; from += 1_000) {
        const rows = numbers(Math.min(1_000, count - from)).map(
          (each) => `(${from + Number(each)}, '2024-01-01 00:00:00.123456')`,
        );
        await run(database, `insert into ties values ${rows.join(', ')}`);
      }
    };

    it(`DB2: ${ROWS} rows of one time, in pages of ${PAGE}, broken off anywhere: each once with the cursor in the transaction`, async () => {
      const database = await createDatabase(service);
      await fill(database, ROWS);
      await run(database.database, 'create table received (id int)');
      const cursorStore = new KyselyCursorStore(database.database);
      let isOver = false;
      for (let breaksAfter = 1; !isOver; breaksAfter += 3) {
        const source = await keysetSource(database, { table: 'ties', cursorColumn: 'at', pageSize: PAGE });
        const stop = new AbortController();
        let batches = 0;
        const running = ingest({
          source,
          cursorStore,
          cursor: 'in-sink',
          signal: stop.signal,
          retry: { retries: 0 },
          batch: { maxEvents: 37 + breaksAfter * 10 },
          sink: (batch) =>
            database.database.transaction().execute(async (transaction) => {
              const rows = rowsOf(batch.events as never).map(({ id }) => `(${id})`);
              await transaction.executeQuery(CompiledQuery.raw(`insert into received values ${rows.join(', ')}`));
              await batch.saveCursor(transaction as never);
              batches += 1;
              if (batches < breaksAfter) return;
              // What is not committed is undone; or the run ends with a commit that nobody has heard of.
              if (breaksAfter % 2 === 0) throw new Error('broken off');
              stop.abort(new Error('stopped'));
            }),
        });
        isOver = await running.then(
          ({ status }) => status === 'completed',
          () => false,
        );
      }
      const [counts] = await run(
        database.database,
        'select count(*) as all_rows, count(distinct id) as distinct_rows from received',
      );
      expect([Number(counts?.['all_rows']), Number(counts?.['distinct_rows'])]).toEqual([ROWS, ROWS]);
    }, 120_000);

    it('DB2: goes on at each row of a page as if it had never stopped', async () => {
      const database = await createDatabase(service);
      await fill(database, 25);
      const ids: unknown[] = [];
      let cursor: DatabaseCursor | undefined;
      for (let stop = 1; ids.length < 25; stop = (stop % 7) + 1) {
        const source = await keysetSource(database, { table: 'ties', cursorColumn: 'at', pageSize: 5 }, cursor);
        for await (const event of source.generateEvents({ limit: stop }))
          ids.push(...rowsOf([event]).map(({ id }) => id));
        cursor = JSON.parse(JSON.stringify(source.getCursor()));
      }
      expect(ids.map(Number)).toEqual(numbers(25).map(Number));
    });

    it('DB4: a NULL in the cursor column is an error, left out, or comes first, as was declared', async () => {
      const database = await createDatabase(service);
      const column = service.name === 'MariaDB' ? 'datetime(6)' : types.instant;
      await run(
        database.database,
        `create table orders (id int primary key, at ${column})`,
        `insert into orders values (1, '2024-01-02 00:00:00'), (2, null), (3, '2024-01-01 00:00:00'), (4, null), (5, null)`,
      );
      const config = { table: 'orders', cursorColumn: 'at', pageSize: 2 };
      await expect(readAll(await keysetSource(database, config))).rejects.toMatchObject({ code: 'DATABASE_NULL' });
      const ids = async (nulls: 'skip' | 'first'): Promise<unknown[]> => {
        const source = await keysetSource(database, { ...config, nulls });
        const first = rowsOf(await readAll(source)).map(({ id }) => id);
        expect(await readAll(source)).toEqual([]);
        return first;
      };
      expect(await ids('skip')).toEqual([3, 1]);
      expect(await ids('first')).toEqual([2, 4, 5, 3, 1]);
    });

    it('DB4: a NULL among rows of a key of several columns is an error too, and reads the rows of such a key in order', async () => {
      const database = await createDatabase(service);
      await run(
        database.database,
        'create table pairs (a int, b int, c int)',
        'insert into pairs values (2, 1, 0), (1, 2, 0), (1, 1, 0)',
      );
      const source = await keysetSource(database, {
        table: 'pairs',
        key: ['a', 'b'],
        pageSize: 1,
        lateCommits: 'none',
      });
      expect((await readAll(source)).map(({ id }) => id)).toEqual([
        'pairs:["1","1"]',
        'pairs:["1","2"]',
        'pairs:["2","1"]',
      ]);
      await run(database.database, 'insert into pairs values (3, null, 0)');
      await expect(readAll(source)).rejects.toMatchObject({ code: 'DATABASE_NULL' });
    });

    it('tells inserted from updated where a column says so', async () => {
      const database = await createDatabase(service);
      await run(
        database.database,
        'create table orders (id int primary key, created int not null, changed int not null)',
        'insert into orders values (1, 1, 1), (2, 2, 3)',
      );
      const config = { table: 'orders', cursorColumn: 'changed', lateCommits: 'none' } as const;
      const types = async (more: object) =>
        (await readAll(await keysetSource(database, { ...config, ...more }))).map(({ type }) => type);
      expect(await types({})).toEqual(['db.row.updated', 'db.row.updated']);
      expect(await types({ createdColumn: 'created' })).toEqual(['db.row.inserted', 'db.row.updated']);
      expect(await types({ appendOnly: true })).toEqual(['db.row.inserted', 'db.row.inserted']);
    });

    it('reads a query of the host, of Kysely or SQL, page after page', async () => {
      const database = await createDatabase(service);
      await run(
        database.database,
        'create table orders (id int primary key, state varchar(10), total int)',
        `insert into orders values (1, 'paid', 10), (2, 'open', 20), (3, 'paid', 30), (4, 'paid', 40)`,
      );
      const host = database.database as unknown as Kysely<{ orders: { id: number; state: string; total: number } }>;
      const builder = host
        .selectFrom('orders')
        .select(['id', sql<number>`total * 2`.as('twice')])
        .where('state', '=', 'paid');
      const text = 'select id, total * 2 as twice from orders where state = ? -- paid';
      const parameter = service.name === 'PostgreSQL' ? '$1' : '?';
      for (const query of [builder, { sql: text.replace('?', parameter), parameters: ['paid'] }]) {
        const source = await keysetSource(database, { query, key: 'id', pageSize: 2, lateCommits: 'none' });
        expect(rowsOf(await readAll(source)).map((row) => [Number(row['id']), Number(row['twice'])])).toEqual([
          [1, 20],
          [3, 60],
          [4, 80],
        ]);
        expect(await source.validate()).toMatchObject({ ok: true });
      }
    });

    it('follows: what is new comes with the next look', async () => {
      const database = await createDatabase(service);
      await run(database.database, `create table orders (id ${types.counted}, what varchar(10))`);
      const source = await keysetSource(database, { table: 'orders', pollIntervalMs: 10 });
      const seen: unknown[] = [];
      const writing = (async () => {
        for (const what of ['a', 'b', 'c'])
          await run(database.database, `insert into orders (what) values ('${what}')`);
      })();
      for await (const event of source.generateEvents({ follow: true, limit: 3 }))
        seen.push(...rowsOf([event]).map(({ what }) => what));
      await writing;
      expect(seen).toEqual(['a', 'b', 'c']);
    });

    it('a cursor of other columns, or of a column whose type was changed, is refused', async () => {
      const database = await createDatabase(service);
      await run(
        database.database,
        'create table orders (id int primary key, v int not null)',
        'insert into orders values (1, 1)',
      );
      const first = await keysetSource(database, { table: 'orders', cursorColumn: 'v', lateCommits: 'none' });
      await readAll(first);
      const other = await keysetSource(database, { table: 'orders', lateCommits: 'none' }, first.getCursor());
      await expect(readAll(other)).rejects.toMatchObject({ code: 'DATABASE_TYPE_CHANGED' });
      const asSnapshot = await DatabaseSource.create({
        id: 'test',
        cursor: first.getCursor(),
        config: { mode: 'snapshot', database: database.database, table: 'orders' },
      });
      await expect(readAll(asSnapshot)).rejects.toMatchObject({ code: 'CURSOR' });
    });
  });
}

const postgres = serviceOf('PostgreSQL');
describeWith('PostgreSQL', await postgres.isThere(), 'mode keyset, PostgreSQL notifies', () => {
  it('looks at once when the channel is notified', async () => {
    const database = await createDatabase(postgres);
    const [where] = await run(database.database, 'select current_schema() as name');
    await run(database.database, 'create table orders (id serial primary key)');
    const source = await DatabaseSource.create({
      id: 'test',
      config: {
        mode: 'keyset',
        database: 'postgres://127.0.0.1:5432/test',
        schema: String(where?.['name']),
        table: 'orders',
        // Nothing would come in time without being told.
        pollIntervalMs: 3_600_000,
        notifyChannel: String(where?.['name']),
        lateCommits: 'none',
      },
      credentials: { user: 'postgres' },
    });
    const events = source.generateEvents({ follow: true });
    const first = events.next();
    const told = setInterval(() => void run(database.database, `notify ${where?.['name']}`), 50);
    await run(database.database, 'insert into orders default values');
    expect((await first).value).toMatchObject({ type: 'db.row.inserted' });
    clearInterval(told);
    await events.return();
  });

  it('is refused where nobody can listen', async () => {
    const database = await createDatabase(postgres);
    await run(database.database, 'create table orders (id serial primary key)');
    const source = await keysetSource(database, { table: 'orders', notifyChannel: 'orders' });
    await expect(source.generateEvents({ follow: true }).next()).rejects.toMatchObject({ code: 'DATABASE_NOTIFY' });
  });
});

describe('mode keyset', () => {
  it('SQLite reads a file by its URL, and makes none', async () => {
    const source = await DatabaseSource.create({
      id: 'test',
      config: { mode: 'keyset', database: 'sqlite:/nowhere/at/all.sqlite', table: 't' },
    });
    await expect(readAll(source)).rejects.toMatchObject({ code: 'DATABASE_MISSING' });
  });
});
