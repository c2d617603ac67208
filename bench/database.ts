import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import Database from 'libsql';
import pg from 'pg';
import { databaseSource, headwater } from './built.js';
import { type Bench, cpuMilliseconds, figure, type Information, median, paired, type Row } from './measure.js';
import { Stepwise } from './stepwise.js';

const ROWS = 1_000_000;
const PAGE = 1_000;
const MANY = 10_000_000;
const CHANGED = 100;
const POLLS = 300;
const MEGABYTE = 1024 * 1024;
const server = { host: '127.0.0.1', port: 5432, user: 'postgres', database: 'test' };

interface Orders {
  orders: { id: number; updated_at: string; what: string; total: number; state: string; note: string | null };
}

/** Polling of tables, beside statements written by hand. Each table is made once. */
export const database: Bench = {
  name: 'database',
  async *rows() {
    yield* inSqlite();
    yield* inPostgres();
  },
};

type Results = AsyncGenerator<Row | Information, void, undefined>;

async function* inSqlite(): Results {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-bench-database-'));
  const database = new Database(join(directory, 'bench.sqlite'));
  const host = new Kysely<Orders>({ dialect: new SqliteDialect({ database }) });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    database.exec(
      `create table orders (id integer primary key, updated_at text not null, what text, total integer, state text, note text);
       with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
       insert into orders select i, strftime('%Y-%m-%d %H:%M:%f', 1700000000 + i / 10, 'unixepoch'), 'order ' || i, i % 1000, 'paid', null from n;
       create index orders_updated on orders (updated_at, id)`,
    );
    const ours = () => keyset(host, 'updated_at');
    const byHand = () => sqliteByHand(database);
    const row = `SQLite, keyset: ${ROWS} rows, beside pages of prepared statements`;
    yield await paired({ bench: 'database', row, goal: 1.5, ours, rival: byHand, pairs: 5, warmUps: 1 });
    const stream = `SQLite, keyset: ${ROWS} rows, beside Kysely's stream()`;
    yield await paired({
      bench: 'database',
      row: stream,
      goal: 1,
      ours,
      rival: () => streamed(host),
      pairs: 5,
      warmUps: 0,
    });
  } finally {
    await host.destroy();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function* inPostgres(): Results {
  const schema = `headwater_bench_${process.pid}`;
  const pool = new pg.Pool({ ...server, max: 2, options: `-c search_path=${schema} -c synchronous_commit=off` });
  const host = new Kysely<Orders>({ dialect: new PostgresDialect({ pool }) });
  await pool.query(`create schema ${schema}`);
  try {
    await pool.query(
      `create unlogged table orders (id bigint primary key, updated_at timestamptz not null, what text, total int, state text, note text);
       insert into orders select i, timestamptz '2024-01-01' + i * interval '100 ms', 'order ' || i, i % 1000, 'paid', null
         from generate_series(1, ${ROWS}) i;
       create index orders_updated on orders (updated_at, id); analyze orders`,
    );
    const row = `PostgreSQL, keyset: ${ROWS} rows, beside pages with pg`;
    const ours = () => keyset(host, 'updated_at');
    yield await paired({
      bench: 'database',
      row,
      goal: 1.35,
      ours,
      rival: () => postgresByHand(pool),
      pairs: 5,
      warmUps: 1,
    });
    yield await lastPages(host);
    yield* snapshots(host, pool);
    yield await emptyPoll(host, pool);
  } finally {
    await pool.query(`drop schema ${schema} cascade`);
    await host.destroy();
  }
}

async function keyset(host: Kysely<Orders>, cursorColumn: string): Promise<void> {
  const { DatabaseSource } = await databaseSource();
  const config = { mode: 'keyset', database: host, table: 'orders', cursorColumn, pageSize: PAGE } as const;
  const source = await DatabaseSource.create({ id: 'bench', config });
  let count = 0;
  for await (const _event of source.generateEvents()) count += 1;
  if (count !== ROWS) throw new Error(`${count} rows read`);
}

async function sqliteByHand(database: Database.Database): Promise<void> {
  const first = database.prepare('select * from orders order by updated_at, id limit ?');
  const next = database.prepare('select * from orders where (updated_at, id) > (?, ?) order by updated_at, id limit ?');
  let rows = first.all(PAGE) as Orders['orders'][];
  let count = 0;
  while (rows.length > 0) {
    count += rows.length;
    const last = rows.at(-1);
    // Whoever reads for others gives way between pages.
    await Promise.resolve();
    rows = next.all(last?.updated_at, last?.id, PAGE) as Orders['orders'][];
  }
  if (count !== ROWS) throw new Error(`${count} rows read`);
}

async function streamed(host: Kysely<Orders>): Promise<void> {
  let count = 0;
  for await (const _row of host.selectFrom('orders').selectAll().orderBy('updated_at').orderBy('id').stream())
    count += 1;
  if (count !== ROWS) throw new Error(`${count} rows read`);
}

async function postgresByHand(pool: pg.Pool): Promise<void> {
  const text =
    'select *, updated_at::text as position from orders where (updated_at, id) > ($1, $2) order by updated_at, id limit $3';
  let position: [string, string] = ['-infinity', '0'];
  let count = 0;
  for (;;) {
    const { rows } = await pool.query<{ position: string; id: string }>({
      name: 'page',
      text,
      values: [...position, PAGE],
    });
    const last = rows.at(-1);
    if (last === undefined) break;
    count += rows.length;
    position = [last.position, last.id];
  }
  if (count !== ROWS) throw new Error(`${count} rows read`);
}

/** Times of pages, since what they cost is the server's work. */
async function lastPages(host: Kysely<Orders>): Promise<Row> {
  const { DatabaseSource } = await databaseSource();
  const config = {
    mode: 'keyset',
    database: host,
    table: 'orders',
    cursorColumn: 'updated_at',
    pageSize: PAGE,
  } as const;
  const ratios: number[] = [];
  const times = { first: 0, last: 0 };
  for (let turn = 0; turn < 3; turn += 1) {
    const source = await DatabaseSource.create({ id: 'bench', config });
    const at: number[] = [performance.now()];
    for await (const _batch of source.generateBatches()) at.push(performance.now());
    const tenth = Math.floor(at.length / 10);
    const between = (from: number, to: number): number => (at[to] ?? 0) - (at[from] ?? 0);
    // The first page brings the catalogue and what is compiled.
    times.first = between(10, 10 + tenth);
    times.last = between(at.length - 1 - tenth, at.length - 1);
    ratios.push(times.last / times.first);
  }
  return figure(
    'database',
    'PostgreSQL, ms of the last 10 % of the pages, beside the first',
    times.last,
    times.first,
    median(ratios),
    1.3,
  );
}

async function* snapshots(host: Kysely<Orders>, pool: pg.Pool): Results {
  const [{ EventSourceFactory, MemoryCursorStore }, { DatabaseSource }] = [await headwater(), await databaseSource()];
  const idle = usedMegabytes();
  let most = 0;
  const factory = new EventSourceFactory({
    sources: { database: DatabaseSource },
    cursorStore: new MemoryCursorStore(),
  });
  const config = { mode: 'snapshot', database: host, table: 'orders', pageSize: 2_000 } as const;
  const source = await factory.create('database', { id: 'bench', config });
  let count = 0;
  for await (const _batch of source.generateBatches()) {
    count += 1;
    if (count % 50 === 0) most = Math.max(most, usedMegabytes());
  }
  const ours = async (): Promise<void> => {
    await pool.query(`update orders set total = total + 1 where id % ${ROWS / CHANGED} = 0`);
    let events = 0;
    for await (const _event of source.generateEvents()) events += 1;
    if (events !== CHANGED) throw new Error(`${events} differences`);
  };
  const rival = async (): Promise<void> => {
    await pool.query(`update orders set total = total + 1 where id % ${ROWS / CHANGED} = 0`);
    await streamToNowhere(pool);
  };
  const row = `PostgreSQL, snapshot: ${ROWS} rows, ${CHANGED} changed, beside select * in pages`;
  yield await pairedAfterChange(row, ours, rival, async () => void (await drain(source)));
  most = Math.max(most, usedMegabytes());
  yield figure(
    'database',
    'PostgreSQL, snapshot: MB over idle, the state of the rows with it',
    most - idle,
    150,
    (most - idle) / 150,
    1,
  );
}

async function drain(source: { generateEvents(): AsyncIterable<unknown> }): Promise<void> {
  for await (const _event of source.generateEvents());
}

/** The rival changes rows too, which the next of ours must not find. */
async function pairedAfterChange(
  row: string,
  ours: () => Promise<void>,
  rival: () => Promise<void>,
  between: () => Promise<void>,
): Promise<Row> {
  const results: { ours: number; rival: number }[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const mine = await cpuOf(ours);
    const theirs = await cpuOf(rival);
    await between();
    results.push({ ours: mine, rival: theirs });
  }
  const ratio = median(results.map((each) => each.ours / each.rival));
  return figure(
    'database',
    row,
    median(results.map((each) => each.ours)),
    median(results.map((each) => each.rival)),
    ratio,
    2.5,
  );
}

async function cpuOf(job: () => Promise<unknown>): Promise<number> {
  const before = cpuMilliseconds();
  await job();
  return cpuMilliseconds() - before;
}

/** `select *` by a cursor of the server, a page at a time, nothing kept. */
async function streamToNowhere(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('declare all_rows no scroll cursor for select * from orders');
    let count = 0;
    for (;;) {
      const { rows } = await client.query(`fetch ${PAGE} from all_rows`);
      if (rows.length === 0) break;
      count += rows.length;
    }
    await client.query('commit');
    if (count !== ROWS) throw new Error(`${count} rows read`);
  } finally {
    client.release();
  }
}

/** Many looks at a table where nothing happens, while something happens beside it. */
async function emptyPoll(host: Kysely<Orders>, pool: pg.Pool): Promise<Row> {
  await pool.query(
    `create unlogged table large (id bigint, x xid8 not null default pg_current_xact_id());
     insert into large select i from generate_series(1, ${MANY}) i;
     create index large_x on large (x, id); analyze large; create unlogged table other (i int)`,
  );
  const { DatabaseSource } = await databaseSource();
  const config = {
    mode: 'keyset',
    database: host,
    table: 'large',
    key: 'id',
    cursorColumn: 'x',
    pollIntervalMs: 1,
  } as const;
  // As if all rows had been read.
  const { rows } = await pool.query<{ snapshot: string; server: string }>(
    `select pg_current_snapshot()::text as snapshot, (select system_identifier from pg_control_system()) || '/' ||
     ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as server`,
  );
  const [{ snapshot = '', server: of = '' } = {}] = rows;
  const cursor = {
    mode: 'keyset' as const,
    server: of,
    columns: [
      ['x', 'xid8'],
      ['id', 'bigint'],
    ] as [string, string][],
    from: snapshot,
  };
  const clock = new Stepwise();
  const source = await DatabaseSource.create({ id: 'bench', config, cursor, clock });
  const aborting = new AbortController();
  const following = source.generateEvents({ follow: true, signal: aborting.signal }).next();
  following.catch(() => {});
  await clock.isWaiting();
  // Something happens beside it before each look, or the look would know without looking.
  const inTurn = async (job: () => Promise<unknown>): Promise<number> => {
    let cpu = 0;
    for (let poll = 0; poll < POLLS; poll += 1) {
      await pool.query('insert into other values (1)');
      cpu += await cpuOf(job);
    }
    return cpu;
  };
  const results: { ours: number; rival: number }[] = [];
  for (let turn = -1; turn < 5; turn += 1) {
    const mine = await inTurn(() => clock.step());
    const theirs = await inTurn(() => pool.query('select 1'));
    if (turn >= 0) results.push({ ours: mine, rival: theirs });
  }
  aborting.abort(new Error('measured'));
  await following.catch(() => {});
  const ratio = median(results.map((each) => each.ours / each.rival));
  const row = `PostgreSQL, ${POLLS} looks at ${MANY} rows with nothing new, beside select 1`;
  const [ours, rival] = [median(results.map((each) => each.ours)), median(results.map((each) => each.rival))];
  return figure('database', row, ours, rival, ratio, 5);
}

function usedMegabytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEGABYTE;
}
