import { appendFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { type FilesystemEvent, FilesystemSource } from 'headwater/sources/filesystem';
import { describe, expect, it } from 'vitest';
import { brief, TestTree } from './tree.js';

const ROWS = 5_000;
const csv = (rows: number): string =>
  `number,text\n${Array.from({ length: rows }, (_, index) => `${index},"row ${index}\nä, and more of it"\n`).join('')}`;

describe('records', () => {
  it('follow their file, by its extension', async () => {
    const tree = new TestTree();
    tree.write('a.csv', 'x,y\n1,2\n3,4\n');
    tree.write('b.jsonl', '{"n":1}\n{"n":2}\n');
    tree.write('c.json', '[1,{"a":2}]');
    tree.write('d.yaml', 'a: 1\n---\nb: 2\n');
    tree.write('e.xml', '<r><x>1</x><x a="2"/></r>');
    tree.write('f.txt', 'nothing');
    tree.write('g.tsv', 'x\ty\n1\t2\n');
    const events = await tree.run();
    expect(events.map(brief)).toEqual([
      ...[
        'created a.csv',
        'record a.csv 0',
        'record a.csv 1',
        'created b.jsonl',
        'record b.jsonl 0',
        'record b.jsonl 1',
      ],
      ...[
        'created c.json',
        'record c.json 0',
        'record c.json 1',
        'created d.yaml',
        'record d.yaml 0',
        'record d.yaml 1',
      ],
      ...['created e.xml', 'record e.xml 0', 'record e.xml 1', 'created f.txt', 'created g.tsv', 'record g.tsv 0'],
    ]);
    const records = events.flatMap((event) => (event.type === 'file.record' ? [event.data.record] : []));
    expect(records.slice(0, 4)).toEqual([{ x: '1', y: '2' }, { x: '3', y: '4' }, { n: 1 }, { n: 2 }]);
    const [created, record] = events as [FilesystemEvent, FilesystemEvent];
    expect(record).toMatchObject({
      id: `${created.id}#0`,
      data: { path: 'a.csv', index: 0, line: 2, version: (created.data as { version: string }).version },
    });
  });

  it('that are bad are a file.error with file, line and offset, and the others go on', async () => {
    const tree = new TestTree();
    tree.write('a.csv', 'x,y\n1,2\n3\n5,6\n');
    tree.write('b.json', '{"cut');
    tree.write('c.csv', 'x\n1\n');
    const events = await tree.run();
    expect(events.map(brief)).toEqual([
      ...['created a.csv', 'record a.csv 0', 'error a.csv CSV_RAGGED_ROW', 'record a.csv 2'],
      ...['created b.json', 'error b.json JSON_SYNTAX', 'created c.csv', 'record c.csv 0'],
    ]);
    expect(events[2]?.data).toMatchObject({
      path: 'a.csv',
      line: 3,
      offset: 8,
      message: expect.stringContaining('a.csv, line 3, byte 8'),
    });
    expect(await tree.run()).toEqual([]);
  });

  it('come again with the next version of their file', async () => {
    const tree = new TestTree();
    tree.write('a.csv', 'x\n1\n');
    const [, first] = await tree.run();
    appendFileSync(tree.path('a.csv'), '2\n');
    const events = await tree.run({ stableForMs: 0 });
    expect(events.map(brief)).toEqual(['modified a.csv', 'record a.csv 0', 'record a.csv 1']);
    expect(events[1]?.id).not.toBe(first?.id);
  });

  it('of files of one format by options that are told', async () => {
    const tree = new TestTree();
    tree.write('a.dat', 'x|1\ny|2\n');
    tree.write('b.csv', 'x\n1\n');
    const header = ['name', 'count'];
    const config = { parse: { '*.dat': { format: 'csv' as const, delimiter: '|', header } } };
    const events = await tree.run(config);
    expect(events.map(brief)).toEqual(['created a.dat', 'record a.dat 0', 'record a.dat 1', 'created b.csv']);
    expect(events[1]?.data).toMatchObject({ record: { name: 'x', count: '1' } });
  });
});

describe('a run that ends within a file', () => {
  it.each([
    ['large.csv', csv(ROWS)],
    [
      'large.jsonl',
      Array.from({ length: ROWS }, (_, index) => `{"index":${index},"text":"${'x'.repeat(50)}"}\n`).join(''),
    ],
    ['large.json', JSON.stringify(Array.from({ length: ROWS }, (_, index) => ({ index, text: 'x'.repeat(50) })))],
    ['large.xml', `<r>${Array.from({ length: ROWS }, (_, index) => `<x n="${index}">text</x>`).join('')}</r>`],
  ])('%s goes on with the next record, in another process', async (name, text) => {
    const tree = new TestTree();
    tree.write(name, text);
    tree.write('z.txt', 'behind it');
    const expected = await new TestTreeOf(tree).all();
    const ids: string[] = [];
    for (const limit of [1, 2, 1, 700, 1, 3_000, 10_000])
      ids.push(...(await tree.run({}, { limit })).map(({ id }) => id));
    expect(ids).toEqual(expected);
    expect(await tree.run()).toEqual([]);
  });

  it('reads no more than it has to: it begins at the byte of the next record', async () => {
    const tree = new TestTree();
    const text = csv(ROWS);
    tree.write('a.csv', text);
    const { mtime } = statSync(tree.path('a.csv'));
    await tree.run({}, { limit: 4_000 });
    // What is behind is overwritten in place, so whoever reads it again is found out.
    const half = Buffer.from(text);
    half.fill('"', 15, half.length >> 1);
    const inode = statSync(tree.path('a.csv')).ino;
    writeFileSync(tree.path('a.csv'), half, { flag: 'r+' });
    utimesSync(tree.path('a.csv'), mtime, mtime);
    expect(statSync(tree.path('a.csv')).ino).toBe(inode);
    const rest = await tree.run({}, { limit: 1_000 });
    expect(rest.filter(({ type }) => type === 'file.record').slice(0, 2)).toMatchObject([
      { data: { index: 3_999 } },
      { data: { index: 4_000 } },
    ]);
  });

  it('that was changed since brings all of its next version', async () => {
    const tree = new TestTree();
    tree.write('a.csv', csv(ROWS));
    await tree.run({}, { limit: 1_000 });
    tree.write('a.csv', 'number,text\n1,other\n');
    expect(await tree.brief()).toEqual(['modified a.csv', 'record a.csv 0']);
  });

  it('that was removed since is a gap: the rest of its records can no longer be had', async () => {
    const tree = new TestTree();
    tree.write('a.csv', csv(ROWS));
    await tree.run({}, { limit: 1_000 });
    rmSync(tree.path('a.csv'));
    const strict = await tree.source({}, 'throw');
    await expect(strict.generateEvents().next()).rejects.toMatchObject({
      name: 'GapError',
      gap: { data: { reason: 'file-vanished' } },
    });
    expect(await tree.brief()).toEqual(['gap file-vanished', 'deleted a.csv']);
    expect(await tree.run()).toEqual([]);
  });

  it('a large file is held a chunk at a time, however slow its consumer is', async () => {
    const tree = new TestTree();
    tree.write('a.csv', csv(60_000));
    const source = await tree.source();
    let most = 0;
    for await (const { events } of source.generateBatches()) {
      most = Math.max(most, events.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(most).toBeLessThan(10_000);
  });
});

/** What a source that knows nothing brings. */
class TestTreeOf {
  readonly #tree: TestTree;

  constructor(tree: TestTree) {
    this.#tree = tree;
  }

  async all(): Promise<string[]> {
    const source = await FilesystemSource.create({ id: 'files', config: { dir: this.#tree.root } });
    const ids: string[] = [];
    for await (const { id } of source.generateEvents()) ids.push(id);
    return ids;
  }
}
