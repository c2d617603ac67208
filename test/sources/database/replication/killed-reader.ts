import { ingest } from 'headwater';
import { KyselyCursorStore } from 'headwater/cursors/kysely';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { DatabaseSource } from '../../../../src/sources/database/index.js';

// A program of its own, which is killed at any moment: changes of a table into another database of the same server,
// each with the cursor in one transaction.
const [port = '', table = ''] = process.argv.slice(2);
const pool = new pg.Pool({ host: '127.0.0.1', port: Number(port), user: 'postgres', database: 'sink' });
pool.on('error', () => {});
const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
const cursorStore = new KyselyCursorStore(database);
const record = await cursorStore.load('killed');
const source = await DatabaseSource.create({
  id: 'killed',
  credentials: { user: 'postgres' },
  cursor: record?.cursor as never,
  config: {
    mode: 'replication',
    database: `postgres://127.0.0.1:${port}/postgres`,
    tables: [table],
    slot: table,
    publication: table,
    create: true,
    pageSize: 20,
    confirmDelayMs: 0,
  },
});
process.stdout.write('begun\n');
await ingest({
  source,
  cursorStore,
  cursor: 'in-sink',
  follow: true,
  sink: async (batch) => {
    await database.transaction().execute(async (transaction) => {
      const rows = batch.events.map(({ id, type, data }) => ({ id, type, data: JSON.stringify(data) }));
      await sql`insert into taken (id, type, data)
        select id, type, data from json_to_recordset(${JSON.stringify(rows)}::json) as r (id text, type text, data text)`.execute(
        transaction,
      );
      await batch.saveCursor(transaction);
    });
  },
});
