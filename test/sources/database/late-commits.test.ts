import { expect, it } from 'vitest';
import type { DatabaseCursor } from '../../../src/sources/database/index.js';
import { DatabaseSource } from '../../../src/sources/database/index.js';
import { FakeClock } from '../../../src/testing/index.js';
import type { DatabaseService } from '../../services/databases.js';
import { describeWith } from '../../services/needs.js';
import { createDatabase, type Database, keysetSource, readAll, rowsOf, run, serviceOf } from './support.js';

interface Setting {
  readonly name: string;
  readonly service: DatabaseService['name'];
  readonly create: readonly string[];
  readonly config: { cursorColumn?: string; appendOnly?: boolean };
}

const settings: readonly Setting[] = [
  {
    name: 'PostgreSQL, xid8 column',
    service: 'PostgreSQL',
    create: [
      'create table orders (id bigserial primary key, what text, x xid8 not null default pg_current_xact_id())',
      'create index orders_x on orders (x, id)',
    ],
    config: { cursorColumn: 'x' },
  },
  {
    name: 'PostgreSQL, xmin',
    service: 'PostgreSQL',
    create: [
      'create table orders (id bigserial primary key, what text, updated_at timestamptz not null default now())',
    ],
    config: { cursorColumn: 'updated_at' },
  },
  {
    name: 'PostgreSQL, xmin and the key alone',
    service: 'PostgreSQL',
    create: ['create table orders (id bigserial primary key, what text)'],
    config: {},
  },
  {
    name: 'MariaDB, auto-increment',
    service: 'MariaDB',
    create: ['create table orders (id bigint auto_increment primary key, what text)'],
    config: {},
  },
];

const WRITERS = 3;
const POLLS = 4;

for (const { name, service, create, config } of settings) {
  const peer = serviceOf(service);
  describeWith(service, await peer.isThere(), name, () => {
    it(`DB1: every row comes once in every interleaving of ${WRITERS} writers and ${POLLS} polls`, async () => {
      const database = await createDatabase(peer);
      await run(database.database, ...create);
      const world = new World(database, config);
      await world.open();
      let count = 0;
      try {
        for (const steps of interleavings()) {
          await world.play(steps);
          count += 1;
        }
      } finally {
        await world.close();
      }
      expect(count).toBe(630);
    }, 300_000);

    it('DB1: what is rolled back never comes, and holds up nothing for good', async () => {
      const database = await createDatabase(peer);
      await run(database.database, ...create);
      const world = new World(database, config);
      await world.open();
      await world.play(['insert', 'insert', 0, 'poll', 'rollback', 'insert', 'poll', 2, 'poll']);
      await world.close();
    });
  });
}

/** A step of a writer: its insert, or (its number) its commit. */
type Step = 'insert' | number | 'poll' | 'rollback';

/**
 * Writers insert in the order of their numbers, which is no restriction; the last poll is at the end, the others anywhere.
 * Polls that follow each other directly are one: the second finds the same.
 */
function* interleavings(): Generator<Step[]> {
  for (const writing of writings([], 0, new Set())) {
    for (let polls = 0; polls < POLLS; polls += 1) {
      for (const at of places(polls, 0, writing.length - 1)) {
        const steps: Step[] = [...writing];
        for (const place of [...at].reverse()) steps.splice(place, 0, 'poll');
        yield [...steps, 'poll'];
      }
    }
  }
}

function* writings(done: Step[], inserted: number, open: ReadonlySet<number>): Generator<Step[]> {
  if (inserted === WRITERS && open.size === 0) yield done;
  if (inserted < WRITERS) yield* writings([...done, 'insert'], inserted + 1, new Set([...open, inserted]));
  for (const writer of open) {
    const rest = new Set([...open].filter((other) => other !== writer));
    yield* writings([...done, writer], inserted, rest);
  }
}

function* places(polls: number, from: number, most: number): Generator<number[]> {
  if (polls === 0) yield [];
  else for (let at = from; at <= most; at += 1) for (const rest of places(polls - 1, at + 1, most)) yield [at, ...rest];
}

/** Writers with a transaction each, and a reader that is made anew from its cursor for every run. */
class World {
  readonly #database: Database;
  readonly #config: Setting['config'];
  readonly #writers: { say(statement: string): Promise<void>; release(): void }[] = [];
  #cursor: DatabaseCursor | undefined;
  #source: DatabaseSource | undefined;
  #run = 0;

  constructor(database: Database, config: Setting['config']) {
    this.#database = database;
    this.#config = config;
  }

  async open(): Promise<void> {
    for (let number = 0; number < WRITERS; number += 1) {
      const connection = this.#database.connect();
      let release = (): void => {};
      const ready = new Promise<(statement: string) => Promise<void>>((resolve) => {
        void connection.connection().execute(async (own) => {
          resolve(async (statement) => void (await run(own, statement)));
          await new Promise<void>((done) => {
            release = done;
          });
        });
      });
      this.#writers.push({ say: await ready, release: () => release() });
    }
  }

  async close(): Promise<void> {
    for (const writer of this.#writers) writer.release();
  }

  async play(steps: readonly Step[]): Promise<void> {
    this.#run += 1;
    const config = { table: 'orders', pageSize: 2, ...this.#config };
    this.#source = await keysetSource(this.#database, config, this.#cursor);
    const expected: string[] = [];
    const seen: string[] = [];
    let inserted = 0;
    for (const step of steps) {
      if (step === 'poll') seen.push(...(await this.#poll()));
      else if (step === 'insert') {
        const writer = this.#writers[inserted];
        const what = `${this.#run}.${inserted}`;
        await writer?.say('begin');
        await writer?.say(`insert into orders (what) values ('${what}')`);
        expected.push(what);
        inserted += 1;
      } else if (step === 'rollback') {
        await this.#writers[1]?.say('rollback');
        expected.splice(expected.indexOf(`${this.#run}.1`), 1);
      } else await this.#writers[step]?.say('commit');
    }
    // What is open elsewhere in this database holds up who goes by xmin.
    while (seen.length < expected.length) seen.push(...(await this.#poll()));
    expect(seen.sort(), steps.join(' ')).toEqual(expected.sort());
    this.#cursor = JSON.parse(JSON.stringify(this.#source?.getCursor() ?? null)) ?? undefined;
  }

  async #poll(): Promise<string[]> {
    if (this.#source === undefined) return [];
    return rowsOf(await readAll(this.#source)).map(({ what }) => String(what));
  }
}

const postgres = serviceOf('PostgreSQL');
describeWith('PostgreSQL', await postgres.isThere(), 'PostgreSQL, what a row carries', () => {
  it('DB1: rows written within a savepoint of a transaction that is open are not passed over', async () => {
    for (const config of [{ cursorColumn: 'x' }, {}]) {
      const database = await createDatabase(postgres);
      await run(
        database.database,
        'create table orders (id serial primary key, what text, x xid8 not null default pg_current_xact_id())',
      );
      const other = database.connect();
      let cursor: DatabaseCursor | undefined;
      const poll = async (): Promise<unknown[]> => {
        const source = await keysetSource(database, { table: 'orders', ...config }, cursor);
        const events = await readAll(source);
        cursor = source.getCursor();
        return rowsOf(events).map(({ what }) => what);
      };
      const seen: unknown[] = [];
      await other.connection().execute(async (own) => {
        await run(
          own,
          'begin',
          `insert into orders (what) values ('first')`,
          'savepoint a',
          `insert into orders (what) values ('inner')`,
          'release a',
        );
        await run(database.database, `insert into orders (what) values ('fast')`);
        seen.push(...(await poll()));
        await run(own, 'savepoint b', `insert into orders (what) values ('later')`, 'commit');
      });
      while (seen.length < 4) seen.push(...(await poll()));
      expect(seen.sort()).toEqual(['fast', 'first', 'inner', 'later']);
    }
  });

  it('DB1: a run that goes on within a round also reads what came after it', async () => {
    const database = await createDatabase(postgres);
    await run(
      database.database,
      'create table orders (id int primary key, x xid8 not null default pg_current_xact_id())',
      'insert into orders values (1), (2), (3)',
    );
    const config = { table: 'orders', cursorColumn: 'x', pageSize: 1 };
    const broken = await keysetSource(database, config);
    for await (const _event of broken.generateEvents({ limit: 1 }));
    await run(database.database, 'insert into orders values (4)');
    const rest = await keysetSource(database, config, broken.getCursor());
    expect(rowsOf(await readAll(rest)).map(({ id }) => id)).toEqual([2, 3, 4]);
  });

  it('DB1: an update that commits late comes, after what was there before it', async () => {
    const database = await createDatabase(postgres);
    await run(
      database.database,
      'create table orders (id int primary key, what text, x xid8 not null default pg_current_xact_id())',
      'create function touch() returns trigger language plpgsql as $$ begin new.x := pg_current_xact_id(); return new; end $$',
      'create trigger touch before update on orders for each row execute function touch()',
      `insert into orders values (1, 'old'), (2, 'other')`,
    );
    const other = database.connect();
    const source = await keysetSource(database, { table: 'orders', cursorColumn: 'x' });
    const seen: unknown[] = [];
    await other.connection().execute(async (own) => {
      await run(own, 'begin', `update orders set what = 'new' where id = 1`);
      await run(database.database, `update orders set what = 'second' where id = 2`);
      seen.push(rowsOf(await readAll(source)).map(({ what }) => what));
      await run(own, 'commit');
    });
    seen.push(rowsOf(await readAll(source)).map(({ what }) => what));
    expect(seen).toEqual([['old', 'second'], ['new']]);
  });

  it('DB1: a table or a query of which nothing can be told is refused, unless that is declared', async () => {
    const database = await createDatabase(postgres);
    await run(
      database.database,
      'create table orders (id int primary key)',
      'create view part as select * from orders',
    );
    const config = { table: 'part', key: 'id' };
    const source = await keysetSource(database, config);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'DATABASE_LATE_COMMITS' });
    expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'DATABASE_LATE_COMMITS' }] });
    await readAll(await keysetSource(database, { ...config, lateCommits: 'none' }));
  });

  it('DB8: a cursor of another server is a gap; told to go on, everything is read again', async () => {
    const database = await createDatabase(postgres);
    await run(database.database, 'create table orders (id int primary key)', 'insert into orders values (1)');
    const source = await keysetSource(database, { table: 'orders' });
    const [first] = await readAll(source);
    const cursor = { ...(source.getCursor() as DatabaseCursor), server: '42/1' };
    await expect(readAll(await keysetSource(database, { table: 'orders' }, cursor))).rejects.toMatchObject({
      code: 'GAP',
    });
    const config = { mode: 'keyset', database: database.database, table: 'orders' } as const;
    const going = await DatabaseSource.create({ id: 'test', onGap: 'emit', config, cursor });
    const events = await readAll(going);
    expect(events.map(({ type, id }) => [type, id])).toEqual([
      ['headwater.gap', expect.stringContaining('history-rewritten')],
      ['db.row.inserted', first?.id],
    ]);
  });
});

const mariadb = serviceOf('MariaDB');
describeWith('MariaDB', await mariadb.isThere(), 'MariaDB, numbers that are missing', () => {
  it('are looked for as long as they are watched, and no longer', async () => {
    const database = await createDatabase(mariadb);
    await run(
      database.database,
      'create table orders (id int auto_increment primary key)',
      'insert into orders values (2), (5)',
    );
    const clock = new FakeClock();
    const config = {
      mode: 'keyset',
      database: database.database,
      table: 'orders',
      lateCommits: { watchMs: 60_000 },
    } as const;
    const source = await DatabaseSource.create({ id: 'test', clock, config });
    const ids = async (): Promise<unknown[]> => rowsOf(await readAll(source)).map(({ id }) => id);
    expect(await ids()).toEqual([2, 5]);
    await run(database.database, 'insert into orders values (3)');
    await clock.advance(59_000);
    expect(await ids()).toEqual([3]);
    await clock.advance(2_000);
    expect(await ids()).toEqual([]);
    expect(source.getCursor()).not.toHaveProperty('missing');
    await run(database.database, 'insert into orders values (1), (6)');
    expect(await ids()).toEqual([6]);
  });

  it('a time is read with a lag, which is declared', async () => {
    const database = await createDatabase(mariadb);
    await run(
      database.database,
      'create table orders (id int primary key, at datetime(6) not null)',
      'insert into orders values (1, utc_timestamp(6) - interval 1 hour), (2, utc_timestamp(6))',
    );
    const ids = async (lagMs: number): Promise<unknown[]> => {
      const source = await keysetSource(database, { table: 'orders', cursorColumn: 'at', lateCommits: { lagMs } });
      return rowsOf(await readAll(source)).map(({ id }) => id);
    };
    expect(await ids(3_000_000)).toEqual([1]);
    expect(await ids(1)).toEqual([1, 2]);
  });
});
