import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSourceFactory, MemoryCursorStore } from '../../../src/index.js';
import { type DatabaseEvent, DatabaseSource } from '../../../src/sources/database/index.js';
import { describeWith } from '../../services/needs.js';
import { createDatabase, type Database, readAll, run, services } from './support.js';

const PAGE = 4;

for (const service of services) {
  describeWith(service.name, await service.isThere(), `mode snapshot, ${service.name}`, () => {
    const create = async (): Promise<Database> => {
      const database = await createDatabase(service);
      await run(
        database.database,
        'create table people (a int not null, b varchar(20) not null, what varchar(20), primary key (a, b))',
      );
      return database;
    };
    const source = (database: Database, pageSize = PAGE): Promise<DatabaseSource> =>
      DatabaseSource.create({
        id: 'people',
        config: { mode: 'snapshot', database: database.database, table: 'people', pageSize },
      });

    it('DB6: tells what was inserted, updated and deleted between two looks', async () => {
      const database = await create();
      const reader = await source(database);
      await run(database.database, `insert into people values (1, 'x', 'one'), (2, 'y', 'two'), (3, 'z', null)`);
      expect((await readAll(reader)).map(brief)).toEqual(['inserted 1x one', 'inserted 2y two', 'inserted 3z null']);
      expect(await readAll(reader)).toEqual([]);
      await run(
        database.database,
        `update people set what = 'uno' where a = 1`,
        'delete from people where a = 2',
        `insert into people values (2, 'z', 'new')`,
      );
      expect((await readAll(reader)).map(brief).sort()).toEqual(['deleted 2y', 'inserted 2z new', 'updated 1x uno']);
      expect(reader.capabilities).toMatchObject({ deletes: true, position: 'state' });
    });

    it('a row that goes from one state to another and back makes an id each time', async () => {
      const database = await create();
      const reader = await source(database);
      const ids: string[] = [];
      for (const what of ['a', 'b', 'a']) {
        await run(database.database, 'delete from people', `insert into people values (1, 'x', '${what}')`);
        ids.push(...(await readAll(reader)).map(({ id }) => id));
      }
      expect(new Set(ids).size).toBe(3);
    });

    it('whatever happens between looks, and wherever they are broken off: each difference once', async () => {
      const database = await create();
      const change = fc.record({
        act: fc.constantFrom('put', 'put', 'put', 'drop', 'dropRange' as const),
        a: fc.integer({ min: 0, max: 9 }),
        b: fc.constantFrom('a', 'b', 'c'),
        what: fc.constantFrom('x', 'y', 'z'),
      });
      const round = fc.record({ changes: fc.array(change, { maxLength: 25 }), breakAfter: fc.nat({ max: 30 }) });
      await fc.assert(
        fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 6 }), async (rounds) => {
          await run(database.database, 'delete from people');
          const store = new MemoryCursorStore();
          const now = new Map<string, string>();
          const seen = new Map<string, string>();
          for (const { changes, breakAfter } of rounds) {
            for (const { act, a, b, what } of changes) await apply(database, now, { act, a, b, what });
            for (const limit of [breakAfter, undefined]) {
              const factory = new EventSourceFactory({ sources: { database: DatabaseSource }, cursorStore: store });
              const reader = await factory.create('database', {
                id: 'people',
                config: { mode: 'snapshot', database: database.database, table: 'people', pageSize: PAGE },
              });
              for await (const event of reader.generateBatches({ limit }))
                for (const each of event.events) learn(seen, each);
              await reader.close();
            }
            expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(now));
          }
        }),
        { numRuns: service.isEmbedded ? 25 : 6 },
      );
    }, 120_000);
  });
}

describe('mode snapshot', () => {
  it('a key that is NULL is refused', async () => {
    const [sqlite] = services;
    if (sqlite === undefined) throw new Error('SQLite is always there');
    const database = await createDatabase(sqlite);
    await run(database.database, 'create table t (k text primary key)', 'insert into t values (null)');
    const reader = await DatabaseSource.create({
      id: 't',
      config: { mode: 'snapshot', database: database.database, table: 't' },
    });
    await expect(readAll(reader)).rejects.toMatchObject({ code: 'DATABASE_NULL' });
  });
});

async function apply(
  { database }: Database,
  now: Map<string, string>,
  { act, a, b, what }: { act: string; a: number; b: string; what: string },
): Promise<void> {
  if (act === 'dropRange') {
    await run(database, `delete from people where a between ${a} and ${a + 2}`);
    for (const key of [...now.keys()]) if (Number(key[0]) >= a && Number(key[0]) <= a + 2) now.delete(key);
    return;
  }
  await run(database, `delete from people where a = ${a} and b = '${b}'`);
  now.delete(`${a}${b}`);
  if (act !== 'put') return;
  await run(database, `insert into people values (${a}, '${b}', '${what}')`);
  now.set(`${a}${b}`, what);
}

/** Inserted twice or deleted without being there would be a difference that is none. */
function learn(seen: Map<string, string>, event: DatabaseEvent): void {
  if (event.type === 'headwater.gap' || event.type === 'db.table.truncated') throw new Error(event.type);
  const key = `${event.data.key['a']}${event.data.key['b']}`;
  expect(seen.has(key), event.id).toBe(event.type !== 'db.row.inserted');
  if (event.type === 'db.row.deleted') seen.delete(key);
  else seen.set(key, String(event.data.row['what']));
}

function brief(event: DatabaseEvent): string {
  if (event.type === 'headwater.gap' || event.type === 'db.table.truncated') return event.id;
  const { key } = event.data;
  const what = event.type === 'db.row.deleted' ? '' : ` ${event.data.row['what']}`;
  return `${event.type.slice('db.row.'.length)} ${key['a']}${key['b']}${what}`;
}
