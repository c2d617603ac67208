import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { FilesystemConfigInput, FilesystemEvent } from 'headwater/sources/filesystem';
import { RecordingLogger } from 'headwater/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Random } from '../../torture/random.js';
import { brief, TestTree } from './tree.js';

/** Follows, and gives what came so far. */
async function follow(tree: TestTree, config: Partial<FilesystemConfigInput> = {}) {
  const source = await tree.source(config);
  const events: FilesystemEvent[] = [];
  const running = (async () => {
    for await (const event of source.generateEvents({ follow: true })) events.push(event);
  })();
  onTestFinished(async () => {
    await source.close();
    await running;
  });
  await vi.waitFor(() => expect(source.getStatus().state).toBe('caught-up'), { timeout: 5_000 });
  const until = async (...expected: string[]): Promise<void> => {
    await vi.waitFor(() => expect(events.map(brief)).toEqual(expected), { timeout: 10_000, interval: 20 });
  };
  return { source, events, until, running };
}

const quick = { stableForMs: 0, rescanIntervalMs: 600_000 };

describe('following', () => {
  it('is told of changes by the system, in new directories too', async () => {
    const tree = new TestTree();
    tree.write('a.txt', 'one');
    const { until } = await follow(tree, { ...quick, parse: 'text' });
    await until('created a.txt');
    tree.write('b.txt', 'b', 'now');
    await until('created a.txt', 'created b.txt');
    tree.write('new/deep/c.txt', 'c', 'now');
    await until('created a.txt', 'created b.txt', 'created new/deep/c.txt');
    tree.write('new/deep/d.txt', 'd', 'now');
    tree.saveAtomically('a.txt', 'two');
    await vi.waitFor(() => {}, { timeout: 100 });
    const sofar = ['created a.txt', 'created b.txt', 'created new/deep/c.txt'];
    await vi
      .waitFor(async () => until(...sofar, 'modified a.txt', 'created new/deep/d.txt'), { timeout: 10_000 })
      .catch(() => until(...sofar, 'created new/deep/d.txt', 'modified a.txt'));
  });

  it('sees renames and removals, of directories too', async () => {
    const tree = new TestTree();
    tree.write('dir/a', 'content a');
    tree.write('dir/b', 'content b');
    tree.write('gone/c', 'content c');
    const { until } = await follow(tree, quick);
    const before = ['created dir/a', 'created dir/b', 'created gone/c'];
    await until(...before);
    tree.rename('dir', 'moved');
    await until(...before, 'renamed dir/a moved/a', 'renamed dir/b moved/b');
    tree.remove('gone');
    await until(...before, 'renamed dir/a moved/a', 'renamed dir/b moved/b', 'deleted gone/c');
  });

  it('FS2: finds everything without being told of anything', async () => {
    const tree = new TestTree();
    const { until } = await follow(tree, { stableForMs: 0, rescanIntervalMs: 50, watch: false });
    tree.write('new/deep/a', 'x', 'now');
    await until('created new/deep/a');
    tree.rename('new/deep/a', 'b');
    await until('created new/deep/a', 'renamed new/deep/a b');
    tree.remove('b');
    await until('created new/deep/a', 'renamed new/deep/a b', 'deleted b');
  });

  it('FS4: a file that is being written comes once, whole', async () => {
    const tree = new TestTree();
    const { events, until } = await follow(tree, { stableForMs: 300, parse: 'text' });
    tree.write('slow.txt', '', 'now');
    for (let part = 0; part < 12; part += 1) {
      appendFileSync(tree.path('slow.txt'), `part ${part}\n`);
      await pause(50);
    }
    await until('created slow.txt');
    expect(events[0]?.data).toMatchObject({ text: readFileSync(tree.path('slow.txt'), 'utf8') });
  });

  it('FS4: a run that does not follow waits for it as well, and leaves what never rests to the next', async () => {
    const tree = new TestTree();
    tree.write('young.txt', 'young', 'now');
    expect(await tree.brief({ stableForMs: 200 })).toEqual(['created young.txt']);
    tree.write('restless.txt', '', 'now');
    const timer = setInterval(() => appendFileSync(tree.path('restless.txt'), 'x'), 20);
    onTestFinished(() => clearInterval(timer));
    expect(await tree.brief({ stableForMs: 150, stableTimeoutMs: 400 })).toEqual([]);
    clearInterval(timer);
    expect(await tree.brief({ stableForMs: 150 })).toEqual(['created restless.txt']);
  });

  it('a time that lies ahead is not waited for', async () => {
    const tree = new TestTree();
    tree.write('future.txt', 'x', new Date(Date.now() + 86_400_000));
    expect(await tree.brief({ stableForMs: 100 })).toEqual(['created future.txt']);
  });

  it.each(['ENOSPC', 'EMFILE'])(
    'FS7: without watchers (%s) it looks at everything from time to time, and says so once',
    async (code) => {
      const tree = new TestTree();
      tree.write('sub/a', 'x');
      const hook = Symbol.for('headwater.faultPoint');
      const refuse = (point: string): void => {
        if (point === 'hints.watch') throw Object.assign(new Error(`no more of these: ${code}`), { code });
      };
      Object.assign(globalThis, { [hook]: refuse });
      onTestFinished(() => void Object.assign(globalThis, { [hook]: undefined }));
      const logger = new RecordingLogger();
      const { FilesystemSource } = await import('headwater/sources/filesystem');
      const config = { dir: tree.root, stableForMs: 0, rescanIntervalMs: 50 };
      const source = await FilesystemSource.create({ id: 'files', config, logger });
      const seen: string[] = [];
      const running = (async () => {
        for await (const event of source.generateEvents({ follow: true })) seen.push(brief(event));
      })();
      await vi.waitFor(() => expect(seen).toEqual(['created sub/a']));
      tree.write('sub/b', 'x', 'now');
      await vi.waitFor(() => expect(seen).toEqual(['created sub/a', 'created sub/b']), { timeout: 5_000 });
      await source.close();
      await running;
      const warnings = logger.lines.filter(({ level }) => level === 'warn');
      expect(warnings).toMatchObject([{ object: { error: expect.stringContaining(code) } }]);
    },
  );

  it('ends at once when it is told to, and lets go of every watcher', async () => {
    const tree = new TestTree();
    tree.write('a/b/c', 'x');
    const before = process.getActiveResourcesInfo().filter((name) => /FSEvent|FSWatch/i.test(name)).length;
    const controller = new AbortController();
    const source = await tree.source(quick);
    const iterator = source.generateEvents({ follow: true, signal: controller.signal });
    await iterator.next();
    const pending = iterator.next();
    await vi.waitFor(() => expect(source.getStatus().state).toBe('caught-up'));
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    await vi.waitFor(() =>
      expect(process.getActiveResourcesInfo().filter((name) => /FSEvent|FSWatch/i.test(name)).length).toBe(before),
    );
  });
});

describe('random writers', () => {
  const seed = Number(process.env['FILES_SEED'] ?? Date.now() % 1_000_000);

  it.each([
    ['with every hint dropped', { watch: false, rescanIntervalMs: 30 }],
    ['with hints', { watch: true, rescanIntervalMs: 1_000 }],
  ])(`what a host stored is what the tree holds in the end, %s (FILES_SEED=${seed})`, async (_, config) => {
    const tree = new TestTree();
    const random = new Random(seed);
    const stored = new Map<string, string>();
    const source = await tree.source({ ...config, stableForMs: 20, parse: 'text' });
    const running = (async () => {
      for await (const event of source.generateEvents({ follow: true })) apply(stored, event);
    })();
    for (let step = 0; step < 150; step += 1) {
      act(tree, random);
      if (step % 10 === 0) await pause(random.below(30));
    }
    await vi.waitFor(() => expect(Object.fromEntries(stored)).toEqual(contentOf(tree.root)), {
      timeout: 15_000,
      interval: 50,
    });
    await source.close();
    await running;
    // Another process, which knows no more than what was saved, has nothing to add.
    const later = await tree.run({ parse: 'text' });
    for (const event of later) apply(stored, event);
    expect(Object.fromEntries(stored)).toEqual(contentOf(tree.root));
  });
});

function apply(stored: Map<string, string>, event: FilesystemEvent): void {
  if (event.type === 'file.created' || event.type === 'file.modified')
    stored.set(event.data.path, event.data.text ?? '');
  else if (event.type === 'file.deleted') stored.delete(event.data.path);
  else if (event.type === 'file.renamed') {
    stored.set(event.data.path, stored.get(event.data.previousPath) ?? '?');
    stored.delete(event.data.previousPath);
  } else if (event.type !== 'file.record') throw new Error(JSON.stringify(event.data));
}

function act(tree: TestTree, random: Random): void {
  const name = (): string => `${['', 'x/', 'x/y/', 'z/'][random.below(4)]}${'abcde'[random.below(5)]}`;
  const one = name();
  const other = name();
  const isFile = existsSync(tree.path(one)) && statSync(tree.path(one)).isFile();
  const actions: (() => void)[] = [
    () => tree.write(one, `${random.below(1_000)}`, 'now'),
    () => tree.write(one, `old ${random.below(1_000)}`),
    () => isFile && appendFileSync(tree.path(one), 'more'),
    () => isFile && truncateSync(tree.path(one), random.below(3)),
    () => isFile && one !== other && tree.rename(one, other),
    () => isFile && tree.remove(one),
    () => tree.saveAtomically(one, `saved ${random.below(1_000)}`),
    () => existsSync(tree.path('x/y')) && !existsSync(tree.path('w')) && tree.rename('x/y', 'w'),
    () => existsSync(tree.path('w')) && tree.remove('w'),
  ];
  actions[random.below(actions.length)]?.();
}

function contentOf(root: string, below = ''): Record<string, string> {
  const content: Record<string, string> = {};
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) Object.assign(content, contentOf(root, path));
    else content[path] = readFileSync(join(root, path), 'utf8');
  }
  return content;
}
