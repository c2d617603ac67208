import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import { FilesystemSource } from 'headwater/sources/filesystem';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestTree } from './tree.js';

describe('a look at a directory', () => {
  it('brings what is there, in the order of names, and then nothing', async () => {
    const tree = new TestTree();
    tree.write('b/2.txt', 'two');
    tree.write('a.txt', 'one');
    tree.write('b.txt', 'three');
    const events = await tree.run();
    expect(events.map(({ data }) => (data as { path: string }).path)).toEqual(['a.txt', 'b.txt', 'b/2.txt']);
    expect(events[0]).toMatchObject({
      type: 'file.created',
      source: `file://${tree.root}`,
      subject: 'a.txt',
      time: '2026-01-02T03:04:05.678Z',
      data: { path: 'a.txt', size: 3, mtime: '2026-01-02T03:04:05.678Z' },
    });
    expect(await tree.run()).toEqual([]);
  });

  it('FS1: what happened while nobody looked is told once: added, changed, deleted, renamed', async () => {
    const tree = new TestTree();
    for (const name of ['changed', 'deleted', 'renamed', 'same', 'dir/moved']) tree.write(name, `content of ${name}`);
    await tree.run();
    tree.write('added', 'x');
    tree.write('changed', 'other content');
    tree.remove('deleted');
    tree.rename('renamed', 'sub/renamed-to');
    tree.rename('dir', 'other-dir');
    expect(await tree.brief()).toEqual([
      'created added',
      'modified changed',
      'renamed dir/moved other-dir/moved',
      'renamed renamed sub/renamed-to',
      'deleted deleted',
    ]);
    expect(await tree.run()).toEqual([]);
  });

  it('a baseline remembers what is there and brings what changes later', async () => {
    const tree = new TestTree();
    for (let index = 0; index < 600; index += 1) tree.write(`${index % 3}/${index}`, 'x');
    expect(await tree.brief({ initialScan: 'baseline' })).toEqual([]);
    tree.write('0/0', 'changed');
    tree.write('new', '');
    tree.remove('1/1');
    expect(await tree.brief({ initialScan: 'baseline' })).toEqual(['created new', 'modified 0/0', 'deleted 1/1']);
  });

  it('FS3: an atomic save is one modified event, and editor files are not seen', async () => {
    const tree = new TestTree();
    tree.write('a.txt', 'one');
    await tree.run({ parse: 'text' });
    tree.write('.a.txt.swp', 'swap');
    tree.write('4913', '');
    tree.saveAtomically('a.txt', 'two');
    const events = await tree.run({ parse: 'text' });
    expect(events).toMatchObject([{ type: 'file.modified', data: { path: 'a.txt', text: 'two' } }]);
  });

  it('a save that changes nothing, and a touch, are no event where the content is known', async () => {
    const tree = new TestTree();
    tree.write('a.txt', 'one');
    tree.write('b.csv', 'x,y\n1,2\n');
    const config = { parse: { '*.txt': 'text', '*.csv': { format: 'csv' } } } as const;
    await tree.run(config);
    tree.saveAtomically('a.txt', 'one');
    utimesSync(tree.path('b.csv'), new Date(1e12), new Date(1e12));
    expect(await tree.brief(config)).toEqual([]);
    expect(await tree.brief(config)).toEqual([]);
  });

  it('FS5: an edit that leaves size and times as they were is found', async () => {
    const tree = new TestTree();
    tree.write('a.txt', 'one');
    await tree.run();
    tree.write('a.txt', 'two');
    expect(statSync(tree.path('a.txt')).mtime).toEqual(new Date('2026-01-02T03:04:05.678Z'));
    expect(await tree.brief()).toEqual(['modified a.txt']);
  });

  it('A, B, A are three events with three ids', async () => {
    const tree = new TestTree();
    const ids: string[] = [];
    for (const content of ['one', 'two', 'one']) {
      tree.write('a.txt', content);
      for (const { id } of await tree.run()) ids.push(id);
    }
    tree.remove('a.txt');
    for (const { id } of await tree.run()) ids.push(id);
    tree.write('a.txt', 'one');
    for (const { id } of await tree.run()) ids.push(id);
    expect(new Set(ids).size).toBe(5);
  });

  it('the same tree makes the same ids for another source', async () => {
    const tree = new TestTree();
    tree.write('a.txt', 'one');
    tree.write('b.csv', 'x\n1\n2\n');
    const first = await tree.run();
    const second: string[] = [];
    const source = await FilesystemSource.create({ id: 'files', config: { dir: tree.root } });
    for await (const { id } of source.generateEvents()) second.push(id);
    expect(second).toEqual(first.map(({ id }) => id));
  });

  it('globs say which files are taken, and which directories are entered', async () => {
    const tree = new TestTree();
    for (const name of ['a.csv', 'a.txt', 'sub/b.csv', 'node_modules/x/c.csv', '.git/d.csv']) tree.write(name, 'x\n');
    const config = { include: ['**/*.csv'], exclude: ['**/node_modules/**', '**/.git'] };
    expect(await tree.brief(config)).toEqual(['created a.csv', 'created sub/b.csv']);
  });
});

describe('FS6', () => {
  it('links are followed within the directory only, and loops end', async () => {
    const outside = new TestTree();
    outside.write('secret.txt', 'secret');
    const tree = new TestTree();
    tree.write('real/a.txt', 'a');
    symlinkSync('..', tree.path('real/up'));
    symlinkSync('.', tree.path('real/self'));
    symlinkSync('real', tree.path('linked'));
    symlinkSync('real/a.txt', tree.path('link.txt'));
    symlinkSync(outside.root, tree.path('outside'));
    symlinkSync(outside.path('secret.txt'), tree.path('outside.txt'));
    symlinkSync('/etc/passwd', tree.path('passwd'));
    symlinkSync('nowhere', tree.path('dangling'));
    const events = await tree.run({ parse: 'text' });
    expect(events.map(({ data }) => (data as { path: string }).path)).toEqual([
      'link.txt',
      'linked/a.txt',
      'real/a.txt',
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
    expect(await tree.brief({ parse: 'text', followSymlinks: false })).toEqual([
      'deleted link.txt',
      'deleted linked/a.txt',
    ]);
  });

  it('what is no regular file is never opened', async () => {
    const tree = new TestTree();
    tree.write('a.txt', 'a');
    execFileSync('mkfifo', [tree.path('fifo')]);
    const server = createServer().listen(tree.path('socket'));
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.on('listening', resolve));
    symlinkSync('fifo', tree.path('link-to-fifo'));
    expect(await tree.brief({ parse: 'bytes' })).toEqual(['created a.txt']);
  });

  it('a second name of a file is a file of its own', async () => {
    const tree = new TestTree();
    tree.write('a.txt', 'a');
    await tree.run();
    linkSync(tree.path('a.txt'), tree.path('b.txt'));
    // The count of its names changed, and with it the time of the last change of any kind.
    expect(await tree.brief()).toContain('created b.txt');
    tree.remove('a.txt');
    expect(await tree.brief()).toContain('deleted a.txt');
  });
});

describe('content', () => {
  it('is text, bytes or nothing, as told', async () => {
    const tree = new TestTree();
    tree.write('a.txt', 'täxt');
    tree.write('b.bin', Uint8Array.of(0, 255));
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(await tree.run({ parse: { '*.txt': 'text', '*.bin': 'bytes' } })).toMatchObject([
      { data: { path: 'a.txt', text: 'täxt', hash } },
      { data: { path: 'b.bin', data_base64: 'AP8=', hash } },
    ]);
  });

  it('that is no text, or too large, is a file.error, and the others go on', async () => {
    const tree = new TestTree();
    tree.write('a.txt', 'a');
    tree.write('b.txt', Uint8Array.of(0xff, 0xfe, 0));
    tree.write('c.txt', 'x'.repeat(2_000));
    tree.write('d.txt', 'd');
    const config = { parse: 'text', maxFileBytes: 1_000 } as const;
    expect(await tree.brief(config)).toEqual([
      'created a.txt',
      'error b.txt INVALID_ENCODING',
      'error c.txt FILE_TOO_LARGE',
      'created d.txt',
    ]);
    expect(await tree.brief(config)).toEqual([]);
    tree.write('b.txt', 'b');
    expect(await tree.brief(config)).toEqual(['modified b.txt']);
  });

  it('of many files at once is handed out in steps of bounded size', async () => {
    const tree = new TestTree();
    for (let index = 0; index < 12; index += 1) tree.write(`${index}.txt`, 'x'.repeat(1_000_000));
    const source = await tree.source({ parse: 'text' });
    const sizes: number[] = [];
    for await (const batch of source.generateBatches()) sizes.push(batch.events.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(12);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5);
  });
});

describe('what cannot be read', () => {
  it('a directory is told of once, and its files are not taken for deleted', async () => {
    const tree = new TestTree();
    tree.write('open/a', 'a');
    tree.write('shut/b', 'b');
    await tree.run();
    const deny = (): void => denyDirectory('shut');
    deny();
    tree.remove('open/a');
    const [first, ...others] = await tree.run();
    expect(first).toMatchObject({ type: 'file.error', data: { path: 'shut', code: 'FILE_EACCES' } });
    expect(others).toMatchObject([{ type: 'file.deleted', data: { path: 'open/a' } }]);
    expect(await tree.brief()).toEqual([]);
    allowAll();
    tree.remove('shut/b');
    expect(await tree.brief()).toEqual(['deleted shut/b']);
  });

  it('a root that is gone is an error, and no file is taken for deleted', async () => {
    const tree = new TestTree();
    tree.write('a', 'a');
    await tree.run();
    tree.rename('.', `../${tree.root.split('/').at(-1)}-moved`);
    const moved = `${tree.root}-moved`;
    onTestFinished(() => rmSync(moved, { recursive: true, force: true }));
    await expect(tree.run()).rejects.toMatchObject({ name: 'NotFoundError', code: 'FILESYSTEM_ROOT' });
    denyDirectory('');
    mkdirSync(tree.root);
    await expect(tree.run()).rejects.toMatchObject({
      code: 'FILESYSTEM_ROOT',
      message: expect.stringContaining('mounted'),
    });
    allowAll();
  });

  it('validate says what is wrong with the directory', async () => {
    const tree = new TestTree();
    tree.write('file', 'x');
    const check = async (dir: string) => (await (await tree.source({ dir })).validate()).problems;
    expect(await check(tree.root)).toEqual([]);
    expect(await check(tree.path('file'))).toMatchObject([
      { code: 'FILESYSTEM_ROOT', message: expect.stringContaining('not a directory') },
    ]);
    const missing = await FilesystemSource.create({ id: 'x', config: { dir: tree.path('missing') } });
    await expect(missing.assertValid()).rejects.toMatchObject({ name: 'ConfigError', code: 'FILESYSTEM_ROOT' });
  });
});

const hook = Symbol.for('headwater.faultPoint');

/** Root may read everything, so the answer of the operating system is made up. */
function denyDirectory(directory: string): void {
  Object.assign(globalThis, {
    [hook]: (point: string): void => {
      if (point === `walker.readdir:${directory}`) throw Object.assign(new Error('denied'), { code: 'EACCES' });
    },
  });
  onTestFinished(allowAll);
}

function allowAll(): void {
  Object.assign(globalThis, { [hook]: undefined });
  chmodSync('.', statSync('.').mode);
}
