import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, SqliteDialect } from 'kysely';
import Database from 'libsql';
import { headwater, kyselyCursors, kyselySinks } from './built.js';
import { type Bench, paired } from './measure.js';
import { createSource, EVENTS, events, IN_BATCH, toValues } from './sql-events.js';

/** Events and cursor in one transaction into SQLite, beside prepared statements written by hand. */
export const sqlite: Bench = {
  name: 'sqlite',
  async *rows() {
    const row = `${EVENTS} events in batches of ${IN_BATCH}, cursor in the transaction`;
    yield await paired({ bench: 'sqlite', row, goal: 1.25, ours: () => inFile(ours), rival: () => inFile(byHand) });
  },
};

async function ours(database: Database.Database): Promise<void> {
  const [{ ingest }, { KyselyCursorStore }, { KyselySink }] = await Promise.all([
    headwater(),
    kyselyCursors(),
    kyselySinks(),
  ]);
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
  const options = { sink: new KyselySink(db), cursorStore: new KyselyCursorStore(db), cursor: 'in-sink' as const };
  const { written } = await ingest({ source: await createSource(), ...options });
  if (written !== EVENTS) throw new Error(`${written} events written`);
}

async function byHand(database: Database.Database): Promise<void> {
  database.exec(`create table events (sourceid text not null, source text not null, id text not null, type text not null,
    sourcetype text not null, time text, subject text, datacontenttype text, dataschema text, data text not null,
    primary key (sourceid, source, id)); create table cursors (id text primary key, cursor text)`);
  const insert = database.prepare('insert into events values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing');
  const save = database.prepare(
    'insert into cursors values (?, ?) on conflict (id) do update set cursor = excluded.cursor',
  );
  for (let from = 0; from < EVENTS; from += IN_BATCH) {
    database.exec('begin');
    for (const event of events.slice(from, from + IN_BATCH)) insert.run(...toValues(event));
    save.run('bench', JSON.stringify({ last: from + IN_BATCH }));
    database.exec('commit');
    // A host is asynchronous too: it gives way between its batches.
    await Promise.resolve();
  }
}

async function inFile(job: (database: Database.Database) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-bench-sqlite-'));
  const database = new Database(join(directory, 'bench.sqlite'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  try {
    await job(database);
  } finally {
    database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
