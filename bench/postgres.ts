import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { headwater, kyselyCursors, kyselySinks } from './built.js';
import { type Bench, paired } from './measure.js';
import { createSource, EVENTS, events, IN_BATCH, toValues } from './sql-events.js';

const COLUMNS = 10;
const server = { host: '127.0.0.1', port: 5432, user: 'postgres', database: 'test' };

/** Events and cursor in one transaction into PostgreSQL, beside a multi-row INSERT written by hand: CPU of the client. */
export const postgres: Bench = {
  name: 'postgres',
  async *rows() {
    const row = `${EVENTS} events in batches of ${IN_BATCH}, cursor in the transaction`;
    yield await paired({
      bench: 'postgres',
      row,
      goal: 1.3,
      ours: () => inSchema(ours),
      rival: () => inSchema(byHand),
    });
  },
};

async function ours(pool: pg.Pool): Promise<void> {
  const [{ ingest }, { KyselyCursorStore }, { KyselySink }] = await Promise.all([
    headwater(),
    kyselyCursors(),
    kyselySinks(),
  ]);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const options = { sink: new KyselySink(db), cursorStore: new KyselyCursorStore(db), cursor: 'in-sink' as const };
  const { written } = await ingest({ source: await createSource(), ...options });
  if (written !== EVENTS) throw new Error(`${written} events written`);
}

async function byHand(pool: pg.Pool): Promise<void> {
  await pool.query(`create table events (sourceid text not null, source text not null, id text not null, type text not null,
    sourcetype text not null, time text, subject text, datacontenttype text, dataschema text, data text not null,
    primary key (sourceid, source, id)); create table cursors (id text primary key, cursor text)`);
  const row = (index: number): string =>
    `(${Array.from({ length: COLUMNS }, (_, column) => `$${index * COLUMNS + column + 1}`).join(',')})`;
  const insert = `insert into events values ${Array.from({ length: IN_BATCH }, (_, index) => row(index)).join(',')} on conflict do nothing`;
  const save = 'insert into cursors values ($1, $2) on conflict (id) do update set cursor = excluded.cursor';
  const client = await pool.connect();
  for (let from = 0; from < EVENTS; from += IN_BATCH) {
    await client.query('begin');
    await client.query(insert, events.slice(from, from + IN_BATCH).flatMap(toValues));
    await client.query(save, ['bench', JSON.stringify({ last: from + IN_BATCH })]);
    await client.query('commit');
  }
  client.release();
}

async function inSchema(job: (pool: pg.Pool) => Promise<void>): Promise<void> {
  const schema = `headwater_bench_${process.pid}`;
  const pool = new pg.Pool({ ...server, max: 2, options: `-c search_path=${schema}` });
  await pool.query(`create schema ${schema}`);
  try {
    await job(pool);
  } finally {
    await pool.query(`drop schema ${schema} cascade`);
    await pool.end();
  }
}
