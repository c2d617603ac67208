import { expect, it } from 'vitest';
import type { DatabaseCursor } from '../../../src/sources/database/index.js';
import { describeWith } from '../../services/needs.js';
import { Program } from '../../support/program.js';
import { createDatabase, keysetSource, readAll, rowsOf, run, serviceOf, services, typesOf } from './support.js';

const BIG = 2n ** 53n + 1n;

for (const service of services) {
  const types = typesOf(service);
  describeWith(service.name, await service.isThere(), `values, ${service.name}`, () => {
    it('DB3: 64-bit numbers and microseconds stay what they are, in events, cursors and comparisons', async () => {
      const database = await createDatabase(service);
      await run(
        database.database,
        `create table orders (id ${types.big} primary key, at ${types.instant.replace(/ not null.*/, '')})`,
        ...[0, 1, 2, 3].map((n) => `insert into orders values (${BIG + BigInt(n)}, '2024-01-31 12:00:00.123456')`),
      );
      const ids: unknown[] = [];
      let cursor: DatabaseCursor | undefined;
      for (let turn = 0; turn < 4; turn += 1) {
        const source = await keysetSource(
          database,
          { table: 'orders', cursorColumn: 'at', nulls: 'skip', pageSize: 1 },
          cursor,
        );
        for await (const event of source.generateEvents({ limit: 1 })) {
          ids.push(...rowsOf([event]).map(({ id }) => id));
          expect(String(rowsOf([event])[0]?.['at'])).toContain('12:00:00.123456');
        }
        cursor = JSON.parse(JSON.stringify(source.getCursor()));
      }
      expect(ids).toEqual([0, 1, 2, 3].map((n) => String(BIG + BigInt(n))));
      const [value] = 'after' in (cursor ?? {}) ? [JSON.stringify(cursor)] : [undefined];
      if (value !== undefined) expect(value).toContain('.123456');
    });

    it('DB3: a time within the same millisecond is neither passed over nor read twice', async () => {
      const database = await createDatabase(service);
      await run(
        database.database,
        `create table orders (id int primary key, at ${types.instant.replace(/ not null.*/, '')} not null)`,
        `insert into orders values (1, '2024-01-31 12:00:00.123456'), (2, '2024-01-31 12:00:00.123457')`,
      );
      const source = await keysetSource(database, { table: 'orders', cursorColumn: 'at', pageSize: 1 });
      expect(rowsOf(await readAll(source)).map(({ id }) => Number(id))).toEqual([1, 2]);
    });

    it('bytes, NULL and text of every kind come as they are', async () => {
      const database = await createDatabase(service);
      const text = `'quote '' back\\\\slash ünï ☃'`.replaceAll('\\\\', service.name === 'MariaDB' ? '\\\\' : '\\');
      const bytes = service.name === 'PostgreSQL' ? `'\\x00ff7f'` : `x'00ff7f'`;
      await run(
        database.database,
        `create table things (id int primary key, b ${types.bytes}, n ${types.bytes}, t varchar(100), f double precision)`,
        `insert into things values (1, ${bytes}, null, ${text}, 0.1)`,
      );
      const [row] = rowsOf(await readAll(await keysetSource(database, { table: 'things', lateCommits: 'none' })));
      expect(row).toEqual({
        id: 1,
        b: { data_base64: Buffer.from([0, 255, 127]).toString('base64') },
        n: null,
        t: `quote ' back\\slash ünï ☃`,
        f: 0.1,
      });
    });

    it('text and bytes as keys go on where they were', async () => {
      const database = await createDatabase(service);
      for (const [type, values] of [
        ['varchar(20)', [`'a''b'`, `'a\\b'`.replace('\\', service.name === 'MariaDB' ? '\\\\' : '\\'), `'ü'`]],
        [
          types.bytes,
          service.name === 'PostgreSQL' ? [`'\\x00'`, `'\\x00ff'`, `'\\xff'`] : [`x'00'`, `x'00ff'`, `x'ff'`],
        ],
      ] as const) {
        await run(database.database, `create table keyed (k ${type} not null primary key)`);
        await run(database.database, ...values.map((value) => `insert into keyed values (${value})`));
        const source = await keysetSource(database, { table: 'keyed', pageSize: 1, lateCommits: 'none' });
        expect(await readAll(source)).toHaveLength(3);
        expect(await readAll(source)).toEqual([]);
        await run(database.database, 'drop table keyed');
      }
    });
  });
}

const postgres = serviceOf('PostgreSQL');
describeWith('PostgreSQL', await postgres.isThere(), 'values, PostgreSQL alone', () => {
  it('what JSON cannot hold is text', async () => {
    const database = await createDatabase(postgres);
    await run(
      database.database,
      `create table things (id int primary key, n numeric, f float8, d date, j jsonb, a int[], u uuid, b boolean, i interval, t timestamptz, l timestamp)`,
      `insert into things values (1, 12345678901234567890.123456789, 'NaN', 'infinity', '{"big": 9007199254740993}', '{1,2}',
        '00000000-0000-0000-0000-000000000001', true, '1 day 2 hours', 'infinity', '2024-01-31 12:00:00.5')`,
    );
    const [row] = rowsOf(await readAll(await keysetSource(database, { table: 'things', lateCommits: 'none' })));
    expect(row).toEqual({
      id: 1,
      n: '12345678901234567890.123456789',
      f: 'NaN',
      d: 'infinity',
      j: '{"big": 9007199254740993}',
      a: '{1,2}',
      u: '00000000-0000-0000-0000-000000000001',
      b: true,
      i: '1 day 02:00:00',
      t: 'infinity',
      l: '2024-01-31 12:00:00.5',
    });
  });
});

const ZONES = ['UTC', 'America/New_York', 'Asia/Kolkata'];

for (const name of ['PostgreSQL', 'MariaDB'] as const) {
  const service = serviceOf(name);
  describeWith(name, await service.isThere(), `time zones, ${name}`, () => {
    it('DB9: server, connection and process in three zones each give the same instants', async () => {
      const database = await createDatabase(service);
      const { name: schema } = (
        await run(
          database.database,
          name === 'PostgreSQL' ? 'select current_schema() as name' : 'select database() as name',
        )
      )[0] as { name: string };
      // A summer night in which the zones are on different days.
      const insert =
        name === 'PostgreSQL'
          ? `insert into times values (1, '2024-07-01 02:30:00.123456+00', '2024-07-01 02:30:00.5')`
          : `insert into times values (1, from_unixtime(1719801000.123456), '2024-07-01 02:30:00.5')`;
      await run(
        database.database,
        `create table times (id int primary key, at ${name === 'PostgreSQL' ? 'timestamptz' : 'timestamp(6)'} null, local ${name === 'PostgreSQL' ? 'timestamp' : 'datetime(6)'})`,
        insert,
      );
      const program = await Program.build(new URL('./programs/read-times.ts', import.meta.url));
      try {
        const answers = new Set<string>();
        for (const connection of ZONES) {
          for (const process of ZONES) {
            const { lines, errors } = await program.run(name, schema, connection, process);
            expect(errors).toBe('');
            answers.add(lines.join('\n'));
          }
        }
        expect([...answers]).toHaveLength(1);
        expect(JSON.parse([...answers][0] ?? '')).toMatchObject({
          time: '2024-07-01T02:30:00.123456Z',
          row: { at: '2024-07-01T02:30:00.123456Z', local: expect.stringMatching(/^2024-07-01 02:30:00.50*$/) },
        });
      } finally {
        await program.dispose();
      }
    });
  });
}
