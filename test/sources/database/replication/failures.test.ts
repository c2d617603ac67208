import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeWith } from '../../../services/needs.js';
import { hasPostgres, type PostgresServer } from '../../../services/postgres.js';
import {
  brief,
  Replica,
  type ReplicationCursor,
  readAll,
  replicate,
  slotOf,
  uniqueName,
  until,
  useServer,
} from './support.js';

const ROWS = 30_000;

describeWith('PostgreSQL', hasPostgres(), 'replication: what goes wrong', () => {
  const server = useServer({ settings: { max_wal_size: '64MB', min_wal_size: '32MB' } });

  it('goes on after the connection was cut while idle, and in the middle of a transaction', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key, what text)`);
    const source = await replicate(server(), { tables: [table] });
    const replica = new Replica();
    const reading = (async () => {
      for await (const event of source.generateEvents({ follow: true })) {
        replica.take(event);
        // Early: most of it is still with the server, which waits for the consumer.
        if (replica.rows.size === 10) await cut(server(), table);
        if (replica.rows.size === ROWS + 1) return;
      }
    })();
    await cut(server(), table);
    await server().run(
      `insert into ${table} select n, repeat('x', 500) from generate_series(1, ${ROWS}) n`,
      `insert into ${table} values (0, 'last')`,
    );
    await reading;
    expect(source.getStats().retries).toBeGreaterThanOrEqual(2);
    expect(replica.rows.size).toBe(ROWS + 1);
  });

  it('goes on after the server crashed and was started again: nothing is skipped', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`, `insert into ${table} values (1)`);
    const source = await replicate(server(), { tables: [table] });
    const events = source.generateEvents({ follow: true });
    expect((await events.next()).value).toMatchObject({ data: { row: { id: 1 } } });
    const next = events.next();
    await until(async () => (await slotOf(server(), table))?.['active'] === true, 'it reads');
    await server().end('SIGQUIT');
    await setTimeout(300);
    await server().begin();
    await server().run(`insert into ${table} values (2)`, `insert into ${table} values (3)`);
    expect((await next).value).toMatchObject({ data: { row: { id: 2 } } });
    expect((await events.next()).value).toMatchObject({ data: { row: { id: 3 } } });
    await events.return();
  });

  it('DB8: a slot that is gone is a gap, and never made again in silence', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`, `insert into ${table} values (1)`);
    const source = await replicate(server(), { tables: [table] });
    await readAll(source);
    const cursor = source.getCursor() as ReplicationCursor;
    await server().run(`select pg_drop_replication_slot('${table}')`, `insert into ${table} values (2)`);
    await expect(readAll(source)).rejects.toMatchObject({
      name: 'GapError',
      gap: { data: { reason: 'retention', from: cursor.lsn } },
    });
    expect(await slotOf(server(), table), 'no slot was made').toBeUndefined();
    expect(source.getCursor()).toEqual(cursor);
    const emitting = await replicate(server(), { tables: [table] }, { cursor, onGap: 'emit' });
    expect((await readAll(emitting)).map(({ type, subject }) => subject ?? type)).toEqual(['headwater.gap', '1', '2']);
    expect(await slotOf(server(), table)).toBeDefined();
  });

  it('DB8: a slot that is dropped while it is read is a gap', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const source = await replicate(server(), { tables: [table] });
    const next = source.generateEvents({ follow: true }).next();
    const failure = expect(next).rejects.toMatchObject({ name: 'GapError' });
    await until(async () => (await slotOf(server(), table))?.['active'] === true, 'it reads');
    await server().run(
      `select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '${table}'`,
      `do $$ begin loop begin perform pg_drop_replication_slot('${table}'); return; exception when object_in_use then
        perform pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '${table}'; end; end loop; end $$`,
    );
    await failure;
  });

  it('DB8: a log that was thrown away is a gap; the slot stays until it is dropped by a call, then all is read again', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (id int primary key)`,
      `insert into ${table} values (1)`,
      'create table if not exists noise (n int, t text)',
    );
    const source = await replicate(server(), { tables: [table] });
    await readAll(source);
    const cursor = source.getCursor() as ReplicationCursor;
    await source.close();
    await server().run(`alter system set max_slot_wal_keep_size = '1MB'`, 'select pg_reload_conf()');
    try {
      await until(async () => {
        await server().run(
          `insert into noise select n, repeat('x', 500) from generate_series(1, 20000) n`,
          'select pg_switch_wal()',
          'checkpoint',
        );
        return (await slotOf(server(), table))?.['wal_status'] === 'lost';
      }, 'the log is thrown away');
    } finally {
      await server().run('alter system reset max_slot_wal_keep_size', 'select pg_reload_conf()');
    }
    const next = await replicate(server(), { tables: [table] }, { cursor });
    await expect(readAll(next)).rejects.toMatchObject({ name: 'GapError', gap: { data: { reason: 'retention' } } });
    const { problems } = await next.validate();
    expect(problems).toMatchObject([{ code: 'DATABASE_SLOT_LOST', severity: 'error' }]);
    const emitting = await replicate(server(), { tables: [table] }, { cursor, onGap: 'emit' });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { type } of emitting.generateEvents()) seen.push(type);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'DATABASE_SLOT_LOST' });
    expect(seen).toEqual(['headwater.gap']);
    await emitting.dropReplicationSlot();
    expect((await readAll(emitting)).map(brief)).toEqual(['inserted {"row":{"id":1}}']);
  });

  it('a cursor that is older than what was confirmed is a gap', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const source = await replicate(server(), { tables: [table] });
    await readAll(source);
    const old = source.getCursor();
    await server().run(`insert into ${table} values (1)`);
    await readAll(source);
    await source.close();
    const restored = await replicate(server(), { tables: [table] }, { cursor: old });
    await expect(readAll(restored)).rejects.toMatchObject({
      name: 'GapError',
      gap: { data: { reason: 'cursor-expired' } },
    });
  });

  it('another server is a gap', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const source = await replicate(server(), { tables: [table] });
    await readAll(source);
    const cursor = { ...(source.getCursor() as ReplicationCursor), server: '1' };
    await source.close();
    const restored = await replicate(server(), { tables: [table] }, { cursor });
    await expect(readAll(restored)).rejects.toMatchObject({
      name: 'GapError',
      gap: { data: { reason: 'history-rewritten' } },
    });
  });
});

/** Ends the process that sends, as soon as there is one. */
async function cut(server: PostgresServer, slot: string): Promise<void> {
  await until(async () => {
    const ended = await server.run(
      `select pg_terminate_backend(s.pid) from pg_replication_slots r join pg_stat_replication s on s.pid = r.active_pid
       where slot_name = '${slot}' and s.state in ('catchup', 'streaming')`,
    );
    return ended.length === 1;
  }, 'the connection is cut');
}
