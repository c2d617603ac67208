import { cpSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { repositoryRoot } from '../../scripts/entries.js';
import { runExample } from './run-example.js';

/** So that no file is waited for because it may still be written. */
const LONG_AGO = new Date('2026-01-02T03:04:05Z');

test('imports what is right, says what is wrong with the rest, and goes on where it was', {
  timeout: 60_000,
}, async () => {
  const work = mkdtempSync(join(tmpdir(), 'headwater-csv-import-'));
  onTestFinished(() => rmSync(work, { recursive: true, force: true }));
  const folder = join(work, 'folder');
  const write = (name: string, content: string, at = LONG_AGO): void => {
    writeFileSync(join(folder, name), content);
    utimesSync(join(folder, name), at, at);
  };
  cpSync(join(repositoryRoot, 'examples/csv-import/sample'), folder, { recursive: true });
  for (const name of ['products.csv', 'more.csv']) utimesSync(join(folder, name), LONG_AGO, LONG_AGO);

  const first = await runExample('csv-import', work, folder);
  expect(first).toMatchObject({ status: 0 });
  expect(first.stdout.split('\n').slice(0, 4)).toEqual([
    '11 events read. In the database: 5 products, 3 problems',
    '  products.csv, line 6: price: Invalid input: expected number, received NaN',
    '  products.csv, line 7: url: Invalid URL',
    expect.stringContaining('products.csv, line 8: '),
  ]);
  expect(read(work, 'select name, price, quantity from products order by url')).toEqual([
    ['Kettle', 34.9, 10],
    ['Teapot, small', 24.5, 3],
    ['A name\nover two lines', 9, 1],
    ['Tray', 19.9, 5],
    ['Towel', 4, 7],
  ]);

  expect((await runExample('csv-import', work, folder)).stdout).toMatch(/^0 events read/);
  const rows = Array.from(
    { length: 180 },
    (_, index) => `https://shop.example/new/${index},Thing ${index},1.5,${index}\n`,
  );
  write('new.csv', `url,name,price,quantity\n${rows.join('')}`);
  write(
    'products.csv',
    'url,name,price,quantity\nhttps://shop.example/p/1,Kettle,29.90,9\n',
    new Date('2026-02-02T00:00:00Z'),
  );
  expect((await runExample('csv-import', work, folder)).stdout).toBe(
    '183 events read. In the database: 185 products, 0 problems\n',
  );
  expect(read(work, 'select status, count(*) from headwater_runs group by status')).toEqual([['completed', 3]]);
});

function read(work: string, query: string): unknown[][] {
  const database = new Database(join(work, 'csv-import.sqlite'));
  try {
    return database.prepare(query).raw().all() as unknown[][];
  } finally {
    database.close();
  }
}
