import { expect, it } from 'vitest';
import { describeWith } from '../../../services/needs.js';
import { hasPostgres } from '../../../services/postgres.js';
import { brief, readAll, replicate, uniqueName, useServer } from './support.js';

describeWith('PostgreSQL', hasPostgres(), 'replication: events', () => {
  const server = useServer();

  it('reads the rows that are there, then every change', async () => {
    const table = uniqueName();
    await server().run(`create table ${table} (id int primary key, what text)`, `insert into ${table} values (1, 'a'), (2, 'b')`);
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
      `truncate ${table}`,
    );
    const events = await readAll(source);
    expect(events.map(brief)).toEqual([
      'inserted {"row":{"id":3,"what":"c"}}',
      'updated {"row":{"id":1,"what":"d"}}',
      'updated {"row":{"id":9,"what":"c"},"previousKey":{"id":3}}',
      'deleted {"key":{"id":2}}',
      'truncated {"cascade":false,"restartIdentity":false}',
    ]);
    expect(await readAll(source)).toEqual([]);
  });
});
