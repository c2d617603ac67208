import { describe, expect, it } from 'vitest';
import { parseLsn } from '../../../../src/sources/database/replication/lsn.js';
import { describeWith } from '../../../services/needs.js';
import { hasPostgres } from '../../../services/postgres.js';
import { brief, type ReplicationCursor, readAll, replicate, uniqueName, useServer } from './support.js';

describeWith('PostgreSQL', hasPostgres(), 'replication: events', () => {
  const server = useServer();

  it('reads the rows that are there, then every change', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (id int primary key, what text)`,
      `insert into ${table} values (1, 'a'), (2, 'b')`,
    );
    const source = await replicate(server(), { tables: [table] });
    expect((await readAll(source)).map(brief)).toEqual([
      'inserted {"row":{"id":1,"what":"a"}}',
      'inserted {"row":{"id":2,"what":"b"}}',
    ]);
    await server().run(
      `insert into ${table} values (3, 'c')`,
      `update ${table} set what = 'd' where id = 1`,
      `update ${table} set id = 9 where id = 3`,
      `delete from ${table} where id = 2`,
      `truncate ${table} restart identity`,
    );
    const events = await readAll(source);
    expect(events.map(brief)).toEqual([
      'inserted {"row":{"id":3,"what":"c"}}',
      'updated {"row":{"id":1,"what":"d"}}',
      'updated {"row":{"id":9,"what":"c"},"previousKey":{"id":3}}',
      'deleted {"key":{"id":2}}',
      'truncated {"cascade":false,"restartIdentity":true}',
    ]);
    expect(events.map(({ subject }) => subject)).toEqual(['3', '1', '9', '2', table]);
    for (const { time } of events) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(await readAll(source)).toEqual([]);
  });

  it('DB3: values are exact, and the same from the initial rows and from the stream', async () => {
    const table = uniqueName();
    await server().run(
      `create domain ${table}_flag as boolean`,
      `create type ${table}_mood as enum ('sad', 'ok')`,
      `create table ${table} (id bigint primary key, small smallint, real real, double double precision, number numeric,
        flag boolean, own ${table}_flag, mood ${table}_mood, at timestamptz, local timestamp, day date, span interval,
        bytes bytea, list int[], doc jsonb, empty text, computed int generated always as (7) stored)`,
    );
    const row = (id: string): string =>
      `insert into ${table} values (${id}, 7, 0.1, 'NaN', 12345678901234567890.123456789, true, false, 'sad',
        '2024-03-10 02:30:00.123456 America/New_York', '2024-03-10 02:30:00.123456', '0044-03-15 BC', '1 mon 2 days 03:04:05',
        '\\x00ff', '{1,NULL,3}', '{"a": 1}', null)`;
    await server().run(
      `alter role postgres set timezone = 'Asia/Kolkata'`,
      `alter role postgres set datestyle = 'German'`,
      row('9007199254740993'),
    );
    try {
      const source = await replicate(server(), { tables: [table] });
      const [initial] = await readAll(source);
      await server().run(`update ${table} set id = id + 1`);
      const [changed] = await readAll(source);
      const expected = {
        id: '9007199254740993',
        small: 7,
        real: 0.1,
        double: 'NaN',
        number: '12345678901234567890.123456789',
        flag: true,
        own: false,
        mood: 'sad',
        at: '2024-03-10T07:30:00.123456Z',
        local: '2024-03-10 02:30:00.123456',
        day: '0044-03-15 BC',
        span: '1 mon 2 days 03:04:05',
        bytes: { data_base64: 'AP8=' },
        list: '{1,NULL,3}',
        doc: '{"a": 1}',
        empty: null,
      };
      expect(initial?.data).toEqual({ table, key: { id: expected.id }, row: expected });
      const id = '9007199254740994';
      expect(changed?.data).toEqual({ table, key: { id }, previousKey: { id: expected.id }, row: { ...expected, id } });
      expect(Object.keys((changed?.data as { row: object } | undefined)?.row ?? {})).toEqual(Object.keys(expected));
    } finally {
      await server().run('alter role postgres reset all');
    }
  });

  it('DB7: a large value that was not changed is told from null', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (id int primary key, large text, other text, n int)`,
      `alter table ${table} alter large set storage external`,
      `insert into ${table} values (1, repeat('x', 10000), null, 0)`,
    );
    const source = await replicate(server(), { tables: [table], snapshot: 'never' });
    await readAll(source);
    await server().run(
      `update ${table} set n = 1`,
      `update ${table} set large = null`,
      `update ${table} set large = repeat('y', 10000)`,
    );
    await server().run(
      `alter table ${table} replica identity full`,
      `update ${table} set n = 2`,
      `delete from ${table}`,
    );
    const large = 'y'.repeat(10_000);
    expect((await readAll(source)).map(({ data }) => data)).toEqual([
      { table, key: { id: 1 }, row: { id: 1, other: null, n: 1 }, unchanged: ['large'] },
      { table, key: { id: 1 }, row: { id: 1, large: null, other: null, n: 1 } },
      { table, key: { id: 1 }, row: { id: 1, large, other: null, n: 1 } },
      {
        table,
        key: { id: 1 },
        row: { id: 1, large, other: null, n: 2 },
        previous: { id: 1, large, other: null, n: 1 },
      },
      { table, key: { id: 1 }, previous: { id: 1, large, other: null, n: 2 } },
    ]);
  });

  it('DB6: deletions carry the key of the replica identity, whatever that is', async () => {
    const table = uniqueName();
    await server().run(
      `create table ${table} (id int primary key, code text not null, region text not null)`,
      `create unique index ${table}_code on ${table} (code, region)`,
      `alter table ${table} replica identity using index ${table}_code`,
      `insert into ${table} values (1, 'a', 'eu')`,
    );
    const source = await replicate(server(), { tables: [table] });
    const [initial] = await readAll(source);
    expect(initial?.data).toMatchObject({ key: { code: 'a', region: 'eu' } });
    await server().run(`update ${table} set region = 'us'`, `delete from ${table}`);
    expect((await readAll(source)).map(({ data }) => data)).toEqual([
      {
        table,
        key: { code: 'a', region: 'us' },
        previousKey: { code: 'a', region: 'eu' },
        row: { id: 1, code: 'a', region: 'us' },
      },
      { table, key: { code: 'a', region: 'us' } },
    ]);
  });

  it('follows a table whose columns, types and name change', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key, a text)`);
    const source = await replicate(server(), { tables: [table] });
    await readAll(source);
    await server().run(
      `insert into ${table} values (1, 'x')`,
      `create domain ${table}_flag as boolean`,
      `alter table ${table} add b ${table}_flag default true`,
      `insert into ${table} values (2, 'x')`,
      `alter table ${table} drop a`,
      `insert into ${table} values (3)`,
      `alter table ${table} alter b type text`,
      `insert into ${table} values (4, 'text')`,
      `alter table ${table} rename to ${table}_new`,
      `insert into ${table}_new values (5, 'text')`,
    );
    expect(await readAll(source).catch(String)).toMatch(/there is no table/);
    await server().run(`alter table ${table}_new rename to ${table}`);
    expect((await readAll(source)).map(brief)).toEqual([
      'inserted {"row":{"id":1,"a":"x"}}',
      'inserted {"row":{"id":2,"a":"x","b":true}}',
      'inserted {"row":{"id":3,"b":true}}',
      'inserted {"row":{"id":4,"b":"text"}}',
      'inserted {"row":{"id":5,"b":"text"}}',
    ]);
  });

  it('reads several tables in the order of commits, partitions as their whole, and no others of the publication', async () => {
    const [one, two, other] = [uniqueName(), uniqueName(), uniqueName()];
    await server().run(
      'create schema "odd; schema"',
      `create table "odd; schema"."${one} ""quoted""" (id int primary key)`,
      `create table ${two} (id int, day date, primary key (id, day)) partition by range (day)`,
      `create table ${two}_a partition of ${two} for values from ('2024-01-01') to ('2025-01-01')`,
      `create table ${other} (id int primary key)`,
      `create publication ${two} for table "odd; schema"."${one} ""quoted""", ${two}, ${other} with (publish_via_partition_root = true)`,
      `insert into ${two} values (1, '2024-05-05')`,
    );
    const odd = { schema: 'odd; schema', table: `${one} "quoted"` };
    const source = await replicate(server(), { tables: [two, odd] });
    expect((await readAll(source)).map(({ subject }) => subject)).toEqual(['["1","2024-05-05"]']);
    await server().run(
      `insert into "odd; schema"."${one} ""quoted""" values (1)`,
      `insert into ${other} values (1)`,
      `insert into ${two} values (2, '2024-06-06')`,
      `truncate ${two}, "odd; schema"."${one} ""quoted""", ${other}`,
    );
    const events = await readAll(source);
    expect(events.map(({ type, data }) => `${type} ${(data as { table: string }).table}`).slice(0, 2)).toEqual([
      `db.row.inserted odd; schema.${one} "quoted"`,
      `db.row.inserted ${two}`,
    ]);
    expect(new Set(events.slice(2).map(({ data }) => (data as { table: string }).table))).toEqual(
      new Set([two, `odd; schema.${one} "quoted"`]),
    );
  });

  it('hands out a large transaction in parts of bounded size, and goes on within it, with the same ids', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key, what text)`);
    const source = await replicate(server(), { tables: [table], pageSize: 100 });
    await readAll(source);
    const before = source.getCursor() as ReplicationCursor;
    const slot = `${table}_again`;
    await server().run(`select pg_copy_logical_replication_slot('${table}', '${slot}')`);
    await server().run(`insert into ${table} select n, repeat('x', 1000) from generate_series(1, 20000) n`);
    const ids: string[] = [];
    let largest = 0;
    for await (const { events } of source.generateBatches({ limit: 7_777 })) {
      ids.push(...events.map(({ id }) => id));
      largest = Math.max(largest, events.length);
    }
    expect(largest).toBeLessThanOrEqual(100);
    const cursor = source.getCursor() as ReplicationCursor;
    expect(cursor.transaction?.changes).toBe(7_777);
    expect(parseLsn(cursor.lsn ?? '')).toBeLessThan(parseLsn(cursor.transaction?.lsn ?? ''));
    await source.close();
    const next = await replicate(server(), { tables: [table], pageSize: 1_000 }, { cursor });
    for await (const { events } of next.generateBatches()) ids.push(...events.map(({ id }) => id));
    expect(new Set(ids).size).toBe(20_000);
    const again = await replicate(server(), { tables: [table], slot }, { cursor: { ...before, slot } });
    expect((await readAll(again)).map(({ id }) => id)).toEqual(ids);
  });

  it('ends batches at commits where it can', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key)`);
    const source = await replicate(server(), { tables: [table], pageSize: 10 });
    await readAll(source);
    for (let from = 0; from < 60; from += 6)
      await server().run(`insert into ${table} select n from generate_series(${from + 1}, ${from + 6}) n`);
    for await (const { events, cursor } of source.generateBatches()) {
      expect(events.length % 6).toBe(0);
      expect((cursor as ReplicationCursor).transaction).toBeUndefined();
    }
  });
});

describe('replication: without a server', () => {
  it('a Kysely instance, another database, a bad name are refused', async () => {
    const { DatabaseSource } = await import('../../../../src/sources/database/index.js');
    const create = (config: object) =>
      DatabaseSource.create({
        id: 'x',
        config: { mode: 'replication', tables: ['t'], slot: 's', publication: 'p', ...config } as never,
      });
    await expect(create({ database: 'postgres://127.0.0.1/x', slot: 'S; drop' })).rejects.toThrow(/name of a slot/);
    await expect(create({ database: 'postgres://127.0.0.1/x', tables: [] })).rejects.toThrow(/tables/);
    const mysql = await create({ database: 'mysql://127.0.0.1/x' });
    await expect(readAll(mysql)).rejects.toMatchObject({ code: 'DATABASE_REPLICATION' });
    await expect(mysql.dropReplicationSlot()).rejects.toThrow();
  });
});
