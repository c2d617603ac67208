import fc from 'fast-check';
import { contentVersion, diffSnapshot, type SnapshotDiff } from 'headwater/toolkit';
import { describe, expect, it } from 'vitest';

interface Item {
  name: string;
  version: string;
}

const shape = { key: ({ name }: Item) => name, version: ({ version }: Item) => version };
const item = (name: string, version: string): Item => ({ name, version });

describe('diffSnapshot', () => {
  const known = new Map([
    ['core', '1'],
    ['forum', '2'],
    ['quiz', '3'],
  ]);

  it('full: what is not named is gone', () => {
    const diff = diffSnapshot(known, [item('new', '1'), item('core', '2'), item('forum', '2')], 'full', shape);
    expect(diff).toEqual({
      created: [{ key: 'new', version: '1', item: item('new', '1') }],
      updated: [{ key: 'core', version: '2', item: item('core', '2'), previousVersion: '1' }],
      unchanged: [{ key: 'forum', version: '2', item: item('forum', '2') }],
      removed: [{ key: 'quiz', previousVersion: '3' }],
    });
  });

  it('partial: what is not named is left alone', () => {
    const diff = diffSnapshot(known, [item('core', '2')], 'partial', shape);
    expect(diff.updated.map(({ key }) => key)).toEqual(['core']);
    expect(diff.removed).toEqual([]);
  });

  it('nothing in a full snapshot removes everything, in a partial one nothing', () => {
    expect(diffSnapshot(known, [], 'full', shape).removed).toHaveLength(3);
    expect(diffSnapshot(known, [], 'partial', shape).removed).toEqual([]);
  });

  it('two items with one key are refused by name, also when they are equal', () => {
    const twice = () => diffSnapshot(known, [item('core', '1'), item('core', '1')], 'full', shape);
    expect(twice).toThrow(expect.objectContaining({ name: 'SkippableError', code: 'SNAPSHOT_DUPLICATE' }));
    expect(twice).toThrow(/"core"/);
  });

  it('the empty version is a version, and hostile keys are keys', () => {
    const before = new Map([
      ['__proto__', ''],
      ['constructor', 'x'],
    ]);
    const { unchanged, removed, created } = diffSnapshot(
      before,
      [item('__proto__', ''), item('toString', '1')],
      'full',
      shape,
    );
    expect([unchanged, removed, created].map((list) => list.map(({ key }) => key))).toEqual([
      ['__proto__'],
      ['constructor'],
      ['toString'],
    ]);
  });

  it('applied to what was there, a diff makes what is there now', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', '__proto__', '');
    const items = fc.uniqueArray(fc.record({ name: names, version: fc.constantFrom('', '1', '2') }), {
      selector: ({ name }) => name,
    });
    fc.assert(
      fc.property(items, items, fc.constantFrom('full' as const, 'partial' as const), (old, now, mode) => {
        const before = versionsOf(old);
        const diff = diffSnapshot(before, now, mode, shape);
        const expected = mode === 'full' ? versionsOf(now) : new Map([...before, ...versionsOf(now)]);
        expect(sorted(applied(before, diff))).toEqual(sorted(expected));
        expect(diff.created.length + diff.updated.length + diff.unchanged.length).toBe(now.length);
        for (const { version, previousVersion } of diff.updated) expect(version).not.toBe(previousVersion);
        const again = diffSnapshot(expected, now, mode, shape);
        expect([...again.created, ...again.updated, ...again.removed]).toEqual([]);
      }),
    );
  });
});

describe('contentVersion', () => {
  it('is the same however the members are ordered, and another for anything that differs', () => {
    expect(contentVersion({ a: 1, b: { c: [1, { e: 2, d: 3 }] } })).toBe(
      contentVersion({ b: { c: [1, { d: 3, e: 2 }] }, a: 1 }),
    );
    const different = [{ a: 1 }, { a: '1' }, { a: null }, {}, { a: [1, 2] }, { a: [2, 1] }, [], '', null];
    expect(new Set(different.map(contentVersion)).size).toBe(different.length);
  });

  it('counts hostile keys', () => {
    expect(contentVersion(JSON.parse('{"__proto__":1}'))).not.toBe(contentVersion({}));
    expect(contentVersion(JSON.parse('{"__proto__":1}'))).not.toBe(contentVersion(JSON.parse('{"__proto__":2}')));
  });

  it('is the version where the shape gives none', () => {
    const key = ({ name }: Item) => name;
    const known = new Map([['a', contentVersion(item('a', '1'))]]);
    expect(diffSnapshot(known, [item('a', '1')], 'full', { key }).unchanged).toHaveLength(1);
    expect(diffSnapshot(known, [item('a', '2')], 'full', { key }).updated).toHaveLength(1);
  });
});

function versionsOf(items: readonly Item[]): Map<string, string> {
  return new Map(items.map(({ name, version }) => [name, version]));
}

function applied(before: ReadonlyMap<string, string>, diff: SnapshotDiff<Item>): Map<string, string> {
  const after = new Map(before);
  for (const { key, version } of [...diff.created, ...diff.updated]) after.set(key, version);
  for (const { key } of diff.removed) after.delete(key);
  return after;
}

function sorted(map: ReadonlyMap<string, string>): [string, string][] {
  return [...map].sort(([one], [other]) => (one < other ? -1 : 1));
}
