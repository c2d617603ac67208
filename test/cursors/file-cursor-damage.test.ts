import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CursorError } from '../../src/core/errors.js';
import { FileCursorStore } from '../../src/cursors/file/index.js';
import { directoryNameOf } from '../../src/cursors/file/names.js';
import { fields, newestOf, save, saved, snapshot, stateOf } from './file-store.js';
import { filesBelow, scratchDirectory } from './scratch.js';

describe('a damaged file', () => {
  it.each([
    ['emptied', () => ''],
    ['cut in the middle', (text: string) => text.slice(0, text.length / 2)],
    ['without its end', (text: string) => text.slice(0, -1)],
    ['changed in one letter', (text: string) => text.replace('"cursor":3', '"cursor":4')],
    ['overwritten', () => 'something else\n'],
  ])('CU2: is an error that names file and previous good revision: %s', async (_, damage) => {
    const { store, directory } = await saved(3);
    const newest = newestOf(directory);
    writeFileSync(newest, damage(readFileSync(newest, 'utf8')));
    const before = snapshot(directory);
    const error = await new FileCursorStore(directory).load('a').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CursorError);
    expect(error).toMatchObject({ code: 'CURSOR_CORRUPT', sourceId: 'a' });
    expect(String(error)).toContain(newest);
    expect(String(error)).toMatch(/revision 2 /);
    await expect(new FileCursorStore(directory).list()).rejects.toMatchObject({ code: 'CURSOR_CORRUPT' });
    await expect(save(new FileCursorStore(directory), 0)).rejects.toMatchObject({ code: 'CURSOR_CORRUPT' });
    expect(snapshot(directory)).toEqual(before);
    expect((await store.history('a')).map(({ revision }) => revision)).toEqual([2, 1]);
  });

  it('CU2: is said to be the only one where there is no good one before it', async () => {
    const { directory } = await saved(1);
    writeFileSync(newestOf(directory), '');
    await expect(new FileCursorStore(directory).load('a')).rejects.toThrow(/no earlier one.*begin again/);
  });

  it('CU2: can be deleted, and lease tokens still grow', async () => {
    const { store, directory } = await saved(1);
    const { token } = await store.lease('a', { ttlMs: 60_000, holder: 'first' });
    writeFileSync(newestOf(directory), '');
    const other = new FileCursorStore(directory);
    await other.delete('a');
    expect(await other.load('a')).toBeUndefined();
    expect((await other.lease('a', { ttlMs: 60_000, holder: 'second' })).token).toBeGreaterThan(token);
    expect(await save(other, 0)).toMatchObject({ revision: 1 });
  });

  it('CU2: moved away as the message says, the previous revision goes on with its state', async () => {
    const directory = scratchDirectory();
    const store = new FileCursorStore(directory);
    await save(store, 0, { set: { key: 'old' } });
    await save(store, 1, { set: { key: 'new' } });
    const newest = newestOf(directory);
    writeFileSync(newest, '');
    mkdirSync(join(directory, 'aside'));
    renameSync(newest, join(directory, 'aside', 'damaged'));
    const again = new FileCursorStore(directory);
    expect(await again.load('a')).toMatchObject({ revision: 1, cursor: 1 });
    expect(await stateOf(again)).toEqual({ key: 'old' });
    await save(again, 1, { set: { other: 'x' } });
    expect(await stateOf(again)).toEqual({ key: 'old', other: 'x' });
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, -3)],
    ['changed', (text: string) => text.replace('value', 'VALUE')],
  ])('CU2: of state is an error as well: %s', async (_, damage) => {
    const { directory } = await saved(1, { set: { key: 'value' } });
    const journal = filesBelow(directory).find((path) => path.endsWith('.jsonl')) as string;
    writeFileSync(journal, damage(readFileSync(journal, 'utf8')));
    const error = await stateOf(new FileCursorStore(directory)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CURSOR_CORRUPT' });
    expect(String(error)).toContain(journal);
  });

  it('CU5: a file of a later format is refused and left untouched', async () => {
    const { directory } = await saved(2);
    const newest = newestOf(directory);
    writeFileSync(newest, readFileSync(newest, 'utf8').replace('headwater-cursor 1 ', 'headwater-cursor 2 '));
    const before = snapshot(directory);
    const store = new FileCursorStore(directory);
    const refused = { code: 'CURSOR_UNSUPPORTED_VERSION', message: expect.stringContaining(newest) };
    await expect(store.load('a')).rejects.toMatchObject(refused);
    await expect(save(store, 2)).rejects.toMatchObject(refused);
    await expect(store.delete('a')).rejects.toMatchObject(refused);
    expect(snapshot(directory)).toEqual(before);
  });

  it('CU2: of another source under this name is refused', async () => {
    const { store, directory } = await saved(1);
    await store.save({ ...fields, sourceId: 'b', cursor: 'of b' }, { expectedRevision: 0 });
    const [ofA = '', ofB = ''] = ['a', 'b'].map((id) => filesBelow(join(directory, directoryNameOf(id)))[0]);
    writeFileSync(ofA, readFileSync(ofB));
    await expect(store.load('a')).rejects.toMatchObject({ code: 'CURSOR_CORRUPT' });
  });
});
