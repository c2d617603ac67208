import { lstatSync, mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileCursorStore } from '../../src/cursors/file/index.js';
import { directoryNameOf } from '../../src/cursors/file/names.js';
import { testCursorStore } from '../../src/testing/cursor-store-contract.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { fields, mapOf, newestOf, save, saved, sizeBelow, stateOf } from './file-store.js';
import { filesBelow, onFaultPoint, scratchDirectory } from './scratch.js';

describe('the contract of cursor stores, kept by FileCursorStore', () => {
  const create = async () => {
    const clock = new FakeClock(Date.UTC(2026, 0, 1));
    const directory = join(scratchDirectory(), 'not', 'there', 'yet');
    const open = () => new FileCursorStore(directory, { clock });
    return {
      store: open(),
      reopen: async () => open(),
      advance: (milliseconds: number) => clock.advance(milliseconds),
    };
  };
  for (const { name, run } of testCursorStore({ create })) it(name, run);
});

describe('names and modes', () => {
  it('CU8: any two ids have different directories, also where case is ignored; none means anything to a platform', () => {
    const id = fc.string({ unit: 'binary', maxLength: 60 });
    const property = fc.property(id, id, (left, right) => {
      const name = directoryNameOf(left);
      expect(name).toMatch(/^source-[a-z0-9-]{41,90}$/);
      if (left !== right) expect(directoryNameOf(right).toLowerCase()).not.toBe(name.toLowerCase());
    });
    fc.assert(property, { numRuns: 50 });
    expect(directoryNameOf('Case')).not.toBe(directoryNameOf('case'));
  });

  it('CU8: nothing is written outside of the directory', async () => {
    const root = scratchDirectory();
    const store = new FileCursorStore(join(root, 'cursors'));
    for (const sourceId of ['../../x', '/etc/x', '..', 'a/../../b', 'C:\\x']) {
      await store.save({ ...fields, sourceId, cursor: 1 }, { expectedRevision: 0 });
    }
    expect(filesBelow(root).every((path) => dirname(dirname(path)) === join(root, 'cursors'))).toBe(true);
  });

  it('CU8: files are for their owner only', async () => {
    const root = join(scratchDirectory(), 'cursors');
    const store = new FileCursorStore(root);
    await store.save({ ...fields, sourceId: 'a', cursor: 1, state: { set: { key: 1 } } }, { expectedRevision: 0 });
    const files = filesBelow(root);
    expect(files).toHaveLength(2);
    expect(files.map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
    expect([root, dirname(files[0] as string)].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
  });

  it('CU8: a symbolic link in place of a directory or file of ours is refused', async () => {
    const root = scratchDirectory();
    const elsewhere = scratchDirectory();
    symlinkSync(elsewhere, join(root, directoryNameOf('a')));
    const store = new FileCursorStore(root);
    await expect(save(store, 0)).rejects.toMatchObject({ code: 'CURSOR_UNSAFE_PATH' });
    await expect(store.load('a')).rejects.toMatchObject({ code: 'CURSOR_UNSAFE_PATH' });
    expect(filesBelow(elsewhere)).toEqual([]);
    mkdirSync(join(root, directoryNameOf('b')));
    symlinkSync('/etc/passwd', join(root, directoryNameOf('b'), `${'1'.padStart(16, '0')}.cursor`));
    await expect(store.load('b')).rejects.toMatchObject({ code: 'CURSOR_UNSAFE_PATH' });
  });

  it('a directory given as a relative path is the one meant when the store was made', async () => {
    const root = scratchDirectory();
    const before = process.cwd();
    process.chdir(root);
    const store = new FileCursorStore('cursors');
    process.chdir(before);
    await save(store, 0);
    expect(filesBelow(root)).toHaveLength(1);
  });
});

describe('when the file system refuses', () => {
  const points = ['journal-append', 'journal-fsync', 'write-temp', 'fsync-temp', 'link'];

  it.each(points)('a full disk at %s is an error that says what to do; the old record stays', async (point) => {
    const { store, directory } = await saved(2, { set: { key: 'old' } });
    let isFull = true;
    onFaultPoint((name) => {
      if (isFull && name === `cursor-file.${point}.before`) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    });
    const error = await save(store, 2, { set: { key: 'new' } }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CURSOR_DISK_FULL', sourceId: 'a' });
    expect(String(error)).toMatch(/ENOSPC.*make room/);
    expect(String(error)).toContain(directory);
    expect(await store.load('a')).toMatchObject({ revision: 2 });
    expect(await stateOf(store)).toEqual({ key: 'old' });
    isFull = false;
    expect(await save(store, 2, { set: { key: 'new' } })).toMatchObject({ revision: 3 });
    expect(await stateOf(new FileCursorStore(directory))).toEqual({ key: 'new' });
    expect(filesBelow(directory).filter((path) => path.endsWith('.tmp'))).toEqual([]);
  });

  it('a path that cannot be a directory is an error that names it', async () => {
    const file = join(scratchDirectory(), 'a-file');
    writeFileSync(file, '');
    const store = new FileCursorStore(join(file, 'cursors'));
    await expect(save(store, 0)).rejects.toMatchObject({
      name: 'CursorError',
      message: expect.stringMatching(/a-file.*a part of the path is a file/),
    });
  });

  it('a file system without hard links is an error that says so', async () => {
    onFaultPoint((name) => {
      const error = Object.assign(new Error('no'), { code: 'EPERM', syscall: 'link' });
      if (name === 'cursor-file.link.before') throw error;
    });
    await expect(save(new FileCursorStore(scratchDirectory()), 0)).rejects.toThrow(/no hard links/);
  });

  it('a directory that was removed under a running store is not taken for an empty cursor that agrees', async () => {
    const { store, directory } = await saved(3);
    rmSync(directory, { recursive: true });
    await expect(save(store, 3)).rejects.toMatchObject({ code: 'CURSOR_CONFLICT', found: 0 });
    expect(await save(store, 0)).toMatchObject({ revision: 1 });
  });
});

describe('what is left on the disk', () => {
  it('as many earlier records stay as it was told to keep', async () => {
    const directory = scratchDirectory();
    const store = new FileCursorStore(directory, { history: 3 });
    for (let revision = 0; revision < 20; revision += 1) await save(store, revision);
    expect((await store.history('a')).map(({ revision }) => revision)).toEqual([19, 18, 17]);
    expect(filesBelow(directory)).toHaveLength(4);
  });

  it('leases take no room in the history', async () => {
    const directory = scratchDirectory();
    const store = new FileCursorStore(directory, { history: 3 });
    for (let revision = 0; revision < 5; revision += 1) await save(store, revision);
    const lease = await store.lease('a', { ttlMs: 60_000, holder: 'h' });
    for (let count = 0; count < 20; count += 1) await lease.renew();
    expect((await store.history('a')).map(({ revision }) => revision)).toEqual([4, 3, 2]);
    expect(filesBelow(directory)).toHaveLength(5);
  });

  it('CU1: temporary files of a crash are ignored, and removed once they are old; files of others never', async () => {
    const { store, directory } = await saved(1);
    const [young, old] = ['abc.tmp', 'def.tmp'].map((name) => join(dirname(newestOf(directory)), name)) as [
      string,
      string,
    ];
    const foreign = join(dirname(young), 'notes.txt');
    for (const path of [young, old, foreign]) writeFileSync(path, 'torn');
    for (const path of [old, foreign]) utimesSync(path, 0, 0);
    expect(await store.load('a')).toMatchObject({ revision: 1 });
    await save(store, 1);
    expect(filesBelow(directory)).toEqual(expect.arrayContaining([young, foreign]));
    expect(lstatSync(old, { throwIfNoEntry: false })).toBeUndefined();
  });

  it('a state of 100,000 keys is never rewritten whole by a save, and what was replaced is cleaned away in time', async () => {
    const directory = scratchDirectory();
    const store = new FileCursorStore(directory, { history: 2 });
    const set = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`file/${index}`, `hash-${index}`]));
    await save(store, 0, { set });
    const size = sizeBelow(directory);
    for (let revision = 1; revision <= 10; revision += 1)
      await save(store, revision, { set: { [`file/${revision}`]: 'x' } });
    expect(sizeBelow(directory) - size).toBeLessThan(20_000);
    for (let revision = 11; revision <= 17; revision += 1) {
      const some = Object.fromEntries(
        Object.keys(set)
          .slice(0, 30_000)
          .map((key) => [key, revision]),
      );
      await save(store, revision, { set: some });
    }
    expect(sizeBelow(directory)).toBeLessThan(6 * size);
    for (let revision = 18; revision <= 21; revision += 1) await save(store, revision);
    expect(filesBelow(directory).filter((path) => path.endsWith('.jsonl'))).toHaveLength(1);
    expect(await stateOf(new FileCursorStore(directory), 'file/29999')).toEqual({ 'file/29999': 17 });
  });

  it('state that many short-lived stores add to stays in few files', async () => {
    const directory = scratchDirectory();
    for (let revision = 0; revision < 60; revision += 1) {
      await save(new FileCursorStore(directory, { history: 1 }), revision, { set: { [`key-${revision}`]: revision } });
    }
    expect(filesBelow(directory).length).toBeLessThan(40);
    expect(Object.keys(await stateOf(new FileCursorStore(directory)))).toHaveLength(60);
  });

  it('any sequence of saves of state adds up to what a map would hold', async () => {
    const key = fc.constantFrom('a', 'b', '__proto__', 'ä', '\ud800', '');
    const change = fc.record({ key, value: fc.option(fc.jsonValue(), { nil: undefined }), reopen: fc.boolean() });
    const property = fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
      const directory = join(scratchDirectory(), 'run');
      const expected = new Map<string, unknown>();
      let store = new FileCursorStore(directory);
      for (const [index, { key: name, value, reopen }] of changes.entries()) {
        if (reopen) store = new FileCursorStore(directory);
        const state = value === undefined ? { delete: [name] } : { set: Object.fromEntries([[name, value]]) };
        await save(store, index, state);
        if (value === undefined) expected.delete(name);
        else expected.set(name, JSON.parse(JSON.stringify(value)));
      }
      expect(await mapOf(store)).toEqual(expected);
    });
    await fc.assert(property, { numRuns: 15 });
  });
});

it('X7: a credential in an error of the file system does not reach our error', async () => {
  onFaultPoint(() => {
    throw Object.assign(new Error('https://user:planted@host/'), {
      code: 'EIO',
      headers: { authorization: 'planted' },
    });
  });
  const error = await save(new FileCursorStore(scratchDirectory()), 0).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'CURSOR_IO' });
  expect(JSON.stringify([error, String((error as Error).cause), (error as Error).cause])).not.toContain('planted');
});
