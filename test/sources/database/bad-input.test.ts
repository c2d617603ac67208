import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DatabaseSource } from '../../../src/sources/database/index.js';
import { describeWith } from '../../services/needs.js';
import { createDatabase, failureOf, keysetSource, readAll, run, serviceOf, services } from './support.js';

const SECRET = 'planted-secret-0123456789';

for (const service of services) {
  describeWith(service.name, await service.isThere(), `bad input, ${service.name}`, () => {
    it('no such table, no such column, no key: what there is is told', async () => {
      const database = await createDatabase(service);
      await run(database.database, 'create table orders (id int primary key, total int)', 'create table loose (a int)');
      const problemsOf = async (config: Parameters<typeof keysetSource>[1]) => {
        const source = await keysetSource(database, { lateCommits: 'none', ...config });
        const failure = await failureOf(readAll(source));
        const { ok, problems } = await source.validate();
        expect(ok).toBe(false);
        expect(problems[0]?.code).toBe(failure.code);
        return `${failure.code} ${failure.message}`;
      };
      expect(await problemsOf({ table: 'nowhere' })).toMatch(/^DATABASE_TABLE .*nowhere/);
      expect(await problemsOf({ table: 'orders', cursorColumn: 'when' })).toMatch(/^DATABASE_COLUMN .*when.*id, total/);
      expect(await problemsOf({ table: 'loose' })).toMatch(/^DATABASE_KEY .*key/);
      expect(await problemsOf({ query: { sql: 'select x from orders' }, key: 'x' })).toMatch(/^DATABASE_MISSING /);
    });

    it('a cursor column without an index is a warning, with the statement that makes one', async () => {
      const database = await createDatabase(service);
      await run(database.database, 'create table orders (id int primary key, total int not null)');
      const source = await keysetSource(database, { table: 'orders', cursorColumn: 'total', lateCommits: 'none' });
      const { ok, problems } = await source.validate();
      expect(ok).toBe(true);
      const index = problems.find(({ code }) => code === 'DATABASE_INDEX');
      expect(index?.severity).toBe('warning');
      const statement = /CREATE INDEX .*/.exec(index?.fix ?? '')?.[0];
      await run(database.database, statement ?? '');
      expect((await source.validate()).problems.map(({ code }) => code)).not.toContain('DATABASE_INDEX');
    });

    it('a type that changes under way is noticed, and never read on as if it had not', async () => {
      const database = await createDatabase(service);
      await run(
        database.database,
        'create table orders (id int primary key, v int not null)',
        'insert into orders values (1, 1)',
      );
      const config = { table: 'orders', cursorColumn: 'v', lateCommits: 'none' } as const;
      const source = await keysetSource(database, config);
      await readAll(source);
      await run(
        database.database,
        'drop table orders',
        'create table orders (id int primary key, v varchar(10) not null)',
        `insert into orders values (2, '2')`,
      );
      const again = await keysetSource(database, config, source.getCursor());
      await expect(readAll(again)).rejects.toMatchObject({ code: 'DATABASE_TYPE_CHANGED' });
    });

    it('a table that is gone under way is an error', async () => {
      const database = await createDatabase(service);
      await run(database.database, 'create table orders (id int primary key)', 'insert into orders values (1)');
      const source = await keysetSource(database, { table: 'orders', lateCommits: 'none' });
      await readAll(source);
      await run(database.database, 'drop table orders');
      await expect(readAll(source)).rejects.toMatchObject({ code: 'DATABASE_MISSING' });
    });
  });
}

const logins = {
  PostgreSQL: 'postgres://127.0.0.1:5432/test',
  MariaDB: 'mysql://127.0.0.1:3306/',
} as const;

for (const name of ['PostgreSQL', 'MariaDB'] as const) {
  const service = serviceOf(name);
  describeWith(name, await service.isThere(), `permission, ${name}`, () => {
    it('a table that this user may not read is refused by name; a wrong password is told, and not shown', async () => {
      const database = await createDatabase(service);
      const postgres = name === 'PostgreSQL';
      const [where] = await run(
        database.database,
        postgres ? 'select current_schema() as name' : 'select database() as name',
      );
      const schema = String(where?.['name']);
      const user = schema.slice(-20);
      await run(
        database.database,
        'create table orders (id int primary key)',
        ...(postgres
          ? [`create role "${user}" login password '${SECRET}'`, `grant usage on schema ${schema} to "${user}"`]
          : [
              `create user '${user}'@'%' identified by '${SECRET}'`,
              `create user '${user}'@'localhost' identified by '${SECRET}'`,
              `create table ${schema}.other (id int primary key)`,
              `grant select on ${schema}.other to '${user}'@'%'`,
              `grant select on ${schema}.other to '${user}'@'localhost'`,
            ]),
      );
      try {
        const open = (password: string) =>
          DatabaseSource.create({
            id: 'test',
            config: {
              mode: 'keyset',
              database: postgres ? logins[name] : logins[name] + schema,
              schema,
              table: 'orders',
              lateCommits: 'none',
            },
            credentials: { user, password },
          });
        const refused = await failureOf(readAll(await open(SECRET)));
        expect(refused.code).toMatch(postgres ? /^DATABASE_REFUSED$/ : /^DATABASE_(REFUSED|TABLE)$/);
        // Where the server asks for no password at all, none is wrong.
        if (!postgres) {
          const wrong = await failureOf(readAll(await open(`${SECRET}-wrong`)));
          expect(wrong.code).toBe('DATABASE_LOGIN');
          expect(inspect(wrong, { depth: 9, showHidden: true })).not.toContain(SECRET);
        }
      } finally {
        await run(
          database.database,
          ...(postgres
            ? [`drop owned by "${user}"`, `drop role "${user}"`]
            : [`drop user '${user}'@'%'`, `drop user '${user}'@'localhost'`]),
        );
      }
    });

    it('a server that is not there is a ConnectionError', async () => {
      const url = logins[name].replace(/:\d+/, ':1');
      const source = await DatabaseSource.create({
        id: 'test',
        config: { mode: 'keyset', database: url, table: 'orders' },
        credentials: { user: 'x', password: SECRET },
      });
      const { ok, problems } = await source.validate();
      expect({ ok, code: problems[0]?.code }).toEqual({ ok: false, code: 'DATABASE_CONNECTION' });
      expect(JSON.stringify(problems)).not.toContain(SECRET);
    });
  });
}

describe('configuration', () => {
  const create = (config: object, credentials?: object) =>
    failureOf(DatabaseSource.create({ id: 'test', config, credentials } as never));

  it('a URL with a user or a password is refused, and not repeated', async () => {
    const failure = await create({ mode: 'keyset', database: `postgres://me:${SECRET}@host/db`, table: 't' });
    expect(failure.message).toContain('credentials');
    expect(failure.message).not.toContain(SECRET);
  });

  it('says everything that is missing or too much', async () => {
    expect((await create({ mode: 'keyset', table: 't' })).code).toBe('DATABASE_ADDRESS');
    expect((await create({ mode: 'keyset', database: 'postgres://h/d' })).message).toContain('table');
    expect(
      (await create({ mode: 'keyset', database: 'postgres://h/d', query: { sql: 'select 1' } })).message,
    ).toContain('key');
    expect((await create({ mode: 'keyset', database: 'oracle://h/d', table: 't' })).message).toContain('URL');
    expect(
      (await create({ mode: 'keyset', database: 'postgres://h/d', table: 't', cursorColum: 'x' })).message,
    ).toContain('cursorColumn');
    expect(
      (await create({ mode: 'keyset', table: 't', database: 'sqlite:x' }, { url: `postgres://u:${SECRET}@h/d` })).code,
    ).toBe('DATABASE_ADDRESS');
  });

  it('prints nothing of the credentials', async () => {
    const source = await DatabaseSource.create({
      id: 'test',
      config: { mode: 'keyset', table: 't' },
      credentials: { url: `postgres://me:${SECRET}@127.0.0.1:1/db` },
    });
    expect(inspect(source, { depth: 9, showHidden: true })).not.toContain(SECRET);
    const failure = await failureOf(readAll(source));
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain(SECRET);
    expect(failure.code).toBe('DATABASE_CONNECTION');
  }, 30_000);
});
