import { expect, it } from 'vitest';
import { parseLsn } from '../../../../src/sources/database/replication/lsn.js';
import { describeWith } from '../../../services/needs.js';
import { hasPostgres } from '../../../services/postgres.js';
import { brief, type ReplicationCursor, readAll, replicate, slotOf, uniqueName, until, useServer } from './support.js';

const PATIENCE_MS = 1_000;

describeWith('PostgreSQL', hasPostgres(), 'replication: what the server is told', () => {
  const server = useServer({ settings: { wal_sender_timeout: `${PATIENCE_MS}ms` } });

  const confirmed = async (slot: string): Promise<bigint> =>
    parseLsn(String((await slotOf(server(), slot))?.['confirmed']));
  const sender = async (): Promise<Record<string, unknown> | undefined> =>
    (
      await server().run(
        'select pid, flush_lsn::text as flushed, extract(epoch from reply_time)::float8 * 1000 as replied from pg_stat_replication',
      )
    )[0];

  it('DB7: nothing is confirmed that was not acknowledged, and the server hears of a consumer that is stalled', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const source = await replicate(server(), { tables: [table] });
    await readAll(source);
    const before = await confirmed(table);
    await server().run(`insert into ${table} values (1), (2)`, `insert into ${table} values (3)`);
    const events = source.generateEvents({ follow: true });
    await events.next();
    const first = await sender();
    // Much goes on in the log besides, and the server asks again and again whether we live.
    const start = Number(first?.['replied']);
    await until(async () => {
      await server().run(
        `create table if not exists noise (n int)`,
        'insert into noise select generate_series(1, 100)',
      );
      return Number((await sender())?.['replied']) > start + 3 * PATIENCE_MS;
    }, 'replies while the consumer is stalled');
    const last = await sender();
    expect(last?.['pid'], 'the connection is the same').toBe(first?.['pid']);
    expect(parseLsn(String(last?.['flushed'])), 'nothing is confirmed beyond what was').toBe(
      parseLsn(String(first?.['flushed'])),
    );
    expect(await confirmed(table)).toBe(before);
    // Half of a commit is not one.
    await events.next();
    await until(async () => Number((await sender())?.['replied']) > Number(last?.['replied']), 'another reply');
    expect(await confirmed(table)).toBe(before);
    await events.next();
    await until(async () => (await confirmed(table)) > before, 'the first commit is confirmed');
    const { lsn = '' } = source.getCursor() as ReplicationCursor;
    expect(await confirmed(table)).toBe(parseLsn(lsn));
    await events.return();
    expect((await readAll(source)).map(brief)).toEqual(['inserted {"row":{"id":3}}']);
  });

  it('DB7: a reader that was killed reads the same transactions again', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const source = await replicate(server(), { tables: [table], snapshot: 'never' });
    await readAll(source);
    const cursor = source.getCursor();
    await server().run(`insert into ${table} values (1), (2)`, `insert into ${table} values (3)`);
    const looked: string[] = [];
    for await (const event of source.generateEvents({ acknowledge: false })) looked.push(event.id);
    await source.close();
    const again = await replicate(server(), { tables: [table] }, { cursor });
    expect((await readAll(again)).map(({ id }) => id)).toEqual(looked);
  });

  it('DB7: whoever looks without acknowledging, or stops early, confirms nothing', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`, 'create table if not exists noise (n int)');
    const source = await replicate(server(), { tables: [table] });
    await readAll(source);
    for (let turn = 1; turn <= 5; turn += 1) {
      await server().run('insert into noise select generate_series(1, 100)', `insert into ${table} values (${turn})`);
      await server().run('insert into noise select generate_series(1, 100)');
      const looked: string[] = [];
      for await (const { id } of source.generateEvents({ acknowledge: false })) looked.push(id);
      const stopped: string[] = [];
      for await (const { events } of source.generateBatches()) {
        stopped.push(...events.map(({ id }) => id));
        if (events.length > 0) break;
      }
      const behind = parseLsn((source.getCursor() as ReplicationCursor).lsn ?? '');
      expect(await confirmed(table)).toBeLessThanOrEqual(behind);
      expect(stopped).toEqual(looked);
      expect((await readAll(source)).map(({ id }) => id)).toEqual(looked);
    }
  });

  it('the log moves on behind a table where nothing happens', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`, 'create table if not exists noise (n int)');
    const source = await replicate(server(), { tables: [table] });
    const events = source.generateEvents({ follow: true });
    const waiting = events.nextWithin(60_000);
    await until(async () => (await slotOf(server(), table))?.['active'] === true, 'it reads');
    const before = await confirmed(table);
    await server().run('insert into noise select generate_series(1, 1000)');
    const [now] = await server().run('select pg_current_wal_flush_lsn()::text as lsn');
    await until(async () => (await confirmed(table)) >= parseLsn(String(now?.['lsn'])), 'the slot moves on');
    expect(await confirmed(table)).toBeGreaterThan(before);
    await server().run(`insert into ${table} values (1)`);
    expect((await waiting)?.value).toMatchObject({ type: 'db.row.inserted' });
    await events.return();
  });

  it('what is acknowledged is confirmed only when the cursor had time to be saved', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const source = await replicate(server(), { tables: [table], confirmDelayMs: 3_600_000 });
    await readAll(source);
    const saved = source.getCursor();
    await server().run(`insert into ${table} values (1)`);
    expect(await readAll(source)).toHaveLength(1);
    await source.close();
    // A crash before the cursor was saved: what it lacks is still there.
    const later = await replicate(server(), { tables: [table] }, { cursor: saved });
    expect((await readAll(later)).map(brief)).toEqual(['inserted {"row":{"id":1}}']);
    await later.close();
    expect(await confirmed(table)).toBeGreaterThan(parseLsn((saved as ReplicationCursor).lsn ?? ''));
  });

  it('DB8: how much of the log is kept is told, and grows while nobody reads', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`, 'create table if not exists noise (n int)');
    const source = await replicate(server(), { tables: [table] });
    expect(source.getStats()).not.toHaveProperty('walRetainedBytes');
    await readAll(source);
    await readAll(source);
    const before = source.getStats().walRetainedBytes ?? Number.NaN;
    await server().run('insert into noise select generate_series(1, 20000)');
    await readAll(source);
    expect(source.getStats().walRetainedBytes).toBeGreaterThan(before + 1_000_000);
  });

  it('DB8: a slot is dropped by an explicit call, and by nothing else', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const source = await replicate(server(), { tables: [table] });
    await readAll(source);
    await source.close();
    expect(await slotOf(server(), table)).toBeDefined();
    await source.dropReplicationSlot();
    expect(await slotOf(server(), table)).toBeUndefined();
    await expect(source.dropReplicationSlot()).rejects.toMatchObject({ code: 'DATABASE_STREAM_ENDED' });
  });
});
