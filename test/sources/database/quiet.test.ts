import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeWith } from '../../services/needs.js';
import { createDatabase, keysetSource, readAll, rowsOf, run, serviceOf } from './support.js';

const service = serviceOf('PostgreSQL');

/** A table whose rows carry their transaction, read to its end. */
async function readToTheEnd(options: { statementTimeoutMs?: number } = {}) {
  const owner = await createDatabase(service);
  await run(
    owner.database,
    'create table orders (id int primary key, x xid8 not null default pg_current_xact_id())',
    'create table others (i int)',
    'insert into orders values (1), (2)',
  );
  const source = await keysetSource(owner, { table: 'orders', cursorColumn: 'x', ...options });
  expect(rowsOf(await readAll(source)).map(({ id }) => id)).toEqual([1, 2]);
  return { owner, source };
}

describeWith(service.name, await service.isThere(), 'looks that find nothing', () => {
  it('cost one statement each, whatever is written elsewhere', async () => {
    const { owner, source } = await readToTheEnd();
    const before = source.getStats().requests;
    for (let look = 0; look < 5; look += 1) {
      await run(owner.database, 'insert into others values (1)');
      expect(await readAll(source)).toEqual([]);
    }
    expect(source.getStats().requests - before).toBe(5);
  });

  it('miss nothing: not what commits late, nor what comes between two of them', async () => {
    const { owner, source } = await readToTheEnd();
    const late = owner.database.startTransaction();
    const transaction = await late.execute();
    await run(transaction as never, 'insert into orders values (3)');
    await run(owner.database, 'insert into others values (1)');
    expect(await readAll(source)).toEqual([]);
    await run(owner.database, 'insert into orders values (4)');
    expect(rowsOf(await readAll(source)).map(({ id }) => id)).toEqual([4]);
    expect(await readAll(source)).toEqual([]);
    await transaction.commit().execute();
    expect(rowsOf(await readAll(source)).map(({ id }) => id)).toEqual([3]);
    await run(owner.database, 'update orders set x = pg_current_xact_id() where id = 1');
    expect(rowsOf(await readAll(source)).map(({ id }) => id)).toEqual([1]);
  });

  it('are given up when they take too long', async () => {
    const { owner, source } = await readToTheEnd({ statementTimeoutMs: 50 });
    const lock = await owner.database.startTransaction().execute();
    await run(lock as never, 'lock table orders in access exclusive mode');
    await expect(readAll(source)).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
    await lock.rollback().execute();
    expect(await readAll(source)).toEqual([]);
  });

  it('end with the signal, on the server too', async () => {
    const { owner, source } = await readToTheEnd();
    const lock = await owner.database.startTransaction().execute();
    await run(lock as never, 'lock table orders in access exclusive mode');
    const aborting = new AbortController();
    const looking = source.generateEvents({ signal: aborting.signal }).next();
    looking.catch(() => {});
    const waiting = async (): Promise<unknown> =>
      (
        await run(
          owner.database,
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      )[0];
    while ((await waiting()) === undefined) await setTimeout(5);
    aborting.abort(new Error('enough'));
    await expect(looking).rejects.toThrow('enough');
    while ((await waiting()) !== undefined) await setTimeout(5);
    await lock.rollback().execute();
  });
});
