import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ingest } from 'headwater';
import { KyselyCursorStore } from 'headwater/cursors/kysely';
import { Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely';
import Database from 'libsql';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseServices } from '../../services/databases.js';
import { describeWith } from '../../services/needs.js';
import { pages } from '../../support/test-sources.js';

interface Tables {
  received: { n: number };
}

const write = (cursor: unknown, state?: Record<string, unknown>) => {
  const head = { sourceId: 's', sourceType: 't', origin: 'o', cursorVersion: 1, writer: 'w', cursor };
  return state === undefined ? head : { ...head, state: { set: state } };
};

for (const service of databaseServices) {
  const isThere = await service.isThere();
  describeWith(service.name, isThere, `a cursor in the host's transaction, ${service.name}`, () => {
    it('CU6: is undone with it', async () => {
      const { database, drop } = await service.create<Tables>();
      onTestFinished(drop);
      const store = new KyselyCursorStore(database);
      const undone = database.transaction().execute(async (transaction) => {
        await store.save(write(1, { key: 1 }), { expectedRevision: 0, transaction });
        throw new Error('the host changed its mind');
      });
      await expect(undone).rejects.toThrow('changed its mind');
      expect(await store.load('s')).toBeUndefined();
      for await (const entry of store.loadState('s')) expect.fail(String(entry));
      expect(await store.save(write(2), { expectedRevision: 0 })).toMatchObject({ revision: 1 });
    });

    it('tells a second writer, whose rows are undone', async () => {
      const { database, drop } = await service.create<Tables>();
      onTestFinished(drop);
      await database.schema.createTable('received').addColumn('n', 'integer').execute();
      const store = new KyselyCursorStore(database);
      await store.save(write(1), { expectedRevision: 0 });
      const late = database.transaction().execute(async (transaction) => {
        await transaction.insertInto('received').values({ n: 1 }).execute();
        await store.save(write('late'), { expectedRevision: 0, transaction });
      });
      await expect(late).rejects.toMatchObject({ name: 'CursorConflictError', code: 'CURSOR_CONFLICT', found: 1 });
      expect(await database.selectFrom('received').selectAll().execute()).toEqual([]);
      await database.transaction().execute(async (transaction) => {
        await store.save(write('fenced'), { expectedRevision: 1, transaction, fence: 0 });
      });
      await store.lease('s', { ttlMs: 1_000, holder: 'x' });
      await expect(store.save(write('fenced'), { expectedRevision: 2, fence: 0 })).rejects.toMatchObject({
        code: 'FENCED',
      });
    });
  });

  // SQLite has no connection to end.
  if (service.isEmbedded) continue;
  describeWith(service.name, isThere, `${service.name} that ends a connection`, () => {
    it('within the transaction: the batch is tried again, nothing is lost and nothing is there twice', async () => {
      const { database, connect, drop } = await service.create<Tables>();
      onTestFinished(drop);
      await database.schema.createTable('received').addColumn('n', 'integer').execute();
      const other = connect();
      let kills = 0;
      const report = await ingest({
        source: pages(20, 5),
        cursorStore: new KyselyCursorStore(database),
        cursor: 'in-sink',
        batch: { maxEvents: 5 },
        retry: { retries: 5, minDelayMs: 1 },
        sink: (batch) =>
          database.transaction().execute(async (transaction) => {
            const rows = batch.events.map(({ data }) => ({ n: (data as { n: number }).n }));
            await transaction.insertInto('received').values(rows).execute();
            if (batch.attempt === 1 && kills < 2) {
              kills += 1;
              await endConnection(transaction, other);
            }
            await batch.saveCursor(transaction);
          }),
      });
      expect(report).toMatchObject({ status: 'completed', written: 20, cursorAfter: { n: 20 } });
      expect(report.retries).toBeGreaterThanOrEqual(2);
      const stored = await database.selectFrom('received').select('n').orderBy('n').execute();
      expect(stored.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    });
  });

  async function endConnection(own: Kysely<Tables>, other: Kysely<Tables>): Promise<void> {
    if (service.name === 'PostgreSQL') {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(own);
      await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(other);
    } else {
      const { rows } = await sql<{ id: number }>`select connection_id() as id`.execute(own);
      await sql.raw(`kill ${rows[0]?.id}`).execute(other);
    }
  }
}

describe('a database that does not take it', () => {
  function scratch(): string {
    const directory = mkdtempSync(join(tmpdir(), 'headwater-sql-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    return join(directory, 'test.sqlite');
  }

  function open(path: string): Kysely<unknown> & { raw: Database.Database } {
    const raw = new Database(path);
    const database = new Kysely<unknown>({ dialect: new SqliteDialect({ database: raw }) });
    onTestFinished(() => database.destroy());
    return Object.assign(database, { raw });
  }

  it('because it is read-only, says so', async () => {
    const path = scratch();
    await new KyselyCursorStore(open(path)).save(write(1), { expectedRevision: 0 });
    const database = open(path);
    database.raw.pragma('query_only = 1');
    const store = new KyselyCursorStore(database);
    expect((await store.load('s'))?.cursor).toBe(1);
    await expect(store.save(write(2), { expectedRevision: 1 })).rejects.toMatchObject({
      name: 'PermissionError',
      code: 'SQL_REFUSED',
      message: expect.stringContaining('read-only'),
    });
    expect((await store.load('s'))?.revision).toBe(1);
  });

  it('because it is full, says so, keeps what was there, and goes on once there is room', async () => {
    const database = open(scratch());
    const store = new KyselyCursorStore(database);
    await store.save(write(1), { expectedRevision: 0 });
    database.raw.pragma('max_page_count = 20');
    const large = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`key ${index}`, 'x'.repeat(1_000)]));
    await expect(store.save(write(2, large), { expectedRevision: 1 })).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'SQL_FULL',
    });
    expect(await store.load('s')).toMatchObject({ cursor: 1, revision: 1 });
    for await (const entry of store.loadState('s')) expect.fail(String(entry));
    database.raw.pragma('max_page_count = 100000');
    expect(await store.save(write(2, large), { expectedRevision: 1 })).toMatchObject({ revision: 2 });
  });

  it('because nobody answers, says so', async () => {
    const pool = new pg.Pool({ host: '127.0.0.1', port: 1, user: 'nobody' });
    const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    onTestFinished(() => database.destroy());
    await expect(new KyselyCursorStore(database).load('s')).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'SQL_CONNECTION',
    });
  });

  it('because a record was changed by hand, says so', async () => {
    const database = open(scratch());
    const store = new KyselyCursorStore(database);
    await store.save(write(1), { expectedRevision: 0 });
    database.raw.exec("update headwater_cursors set record = '{torn'");
    await expect(store.load('s')).rejects.toMatchObject({ name: 'CursorError', code: 'CURSOR_CORRUPT' });
  });

  it('100,000 keys are saved by their changes', async () => {
    const database = open(scratch());
    const store = new KyselyCursorStore(database);
    const all = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`dir/file-${index}`, [index]]));
    await store.save(write(1, all), { expectedRevision: 0 });
    await store.save(write(2, { 'dir/file-7': ['changed'] }), { expectedRevision: 1 });
    let count = 0;
    for await (const [key, value] of store.loadState('s')) {
      count += 1;
      if (key === 'dir/file-7') expect(value).toEqual(['changed']);
    }
    expect(count).toBe(100_000);
  });
});
