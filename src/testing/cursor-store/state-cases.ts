import assert from 'node:assert/strict';
import { conflictOf, readState, SOURCE_ID, type StoreCase, secondView, writeOf } from './store-case.js';

const MANY = 5_000;

export const stateCases: readonly StoreCase[] = [
  {
    name: 'state is saved with the cursor: set, replaced and deleted by key',
    async check(opened) {
      const { store } = opened;
      await store.save(writeOf(1, { state: { set: { a: { hash: '1' }, b: [2], c: null } } }), { expectedRevision: 0 });
      await store.save(writeOf(2, { state: { set: { a: { hash: '2' } }, delete: ['b', 'unknown'] } }), {
        expectedRevision: 1,
      });
      await store.save(writeOf(3), { expectedRevision: 2 });
      const expected = [
        ['a', { hash: '2' }],
        ['c', null],
      ];
      assert.deepEqual(await readState(store), expected);
      assert.deepEqual(await readState(await secondView(opened)), expected);
    },
  },
  {
    name: 'state and cursor are saved together or not at all',
    async check(opened) {
      const { store } = opened;
      await store.save(writeOf(1, { state: { set: { a: 1 } } }), { expectedRevision: 0 });
      const second = await secondView(opened);
      await second.save(writeOf(2, { state: { set: { b: 2 } } }), { expectedRevision: 1 });
      await conflictOf(store, writeOf('late', { state: { set: { a: 'late', c: 'late' }, delete: ['b'] } }), {
        expectedRevision: 1,
      });
      await store.save(writeOf(3, { state: { set: { d: 4 } } }), { expectedRevision: 2 });
      assert.deepEqual(await readState(second), [
        ['a', 1],
        ['b', 2],
        ['d', 4],
      ]);
    },
  },
  {
    name: 'a key that is deleted and set in one save is set',
    async check({ store }) {
      await store.save(writeOf(1, { state: { set: { a: 1 } } }), { expectedRevision: 0 });
      await store.save(writeOf(2, { state: { set: { a: 2 }, delete: ['a'] } }), { expectedRevision: 1 });
      assert.deepEqual(await readState(store), [['a', 2]]);
    },
  },
  {
    name: 'loadState gives the keys that begin with the prefix, taken literally',
    async check({ store }) {
      const set = { 'a/1': 1, 'a/2': 2, 'A/3': 3, 'a%': 4, a_b: 5, 'ab/1': 6, '': 7 };
      await store.save(writeOf(1, { state: { set } }), { expectedRevision: 0 });
      assert.deepEqual(await readState(store, 'a/'), [
        ['a/1', 1],
        ['a/2', 2],
      ]);
      assert.deepEqual(await readState(store, 'a%'), [['a%', 4]]);
      assert.deepEqual(await readState(store, 'a_'), [['a_b', 5]]);
      assert.equal((await readState(store, '')).length, Object.keys(set).length);
      assert.deepEqual(await readState(store, 'zzz'), []);
    },
  },
  {
    name: 'the state of one source is not seen by another',
    async check({ store }) {
      await store.save(writeOf(1, { state: { set: { shared: 'mine' } } }), { expectedRevision: 0 });
      const other = writeOf(1, { sourceId: 'other', state: { set: { shared: 'theirs' } } });
      await store.save(other, { expectedRevision: 0 });
      await store.delete('other');
      assert.deepEqual(await readState(store), [['shared', 'mine']]);
      assert.deepEqual(await readState(store, '', 'other'), []);
    },
  },
  {
    name: 'hostile keys are data',
    async check(opened) {
      const keys = [
        '__proto__',
        'constructor',
        '../x',
        'a\u0000b',
        'line\nfeed',
        '"',
        'ä',
        'a\u0308',
        'k'.repeat(500),
        '💧',
      ];
      const set = Object.fromEntries(keys.map((key) => [key, { key }]));
      await opened.store.save(writeOf(1, { state: { set } }), { expectedRevision: 0 });
      const found = await readState(await secondView(opened));
      assert.deepEqual(
        found,
        keys.sort().map((key) => [key, { key }]),
      );
    },
  },
  {
    name: 'nobody changes state through what went in or came out',
    async check({ store }) {
      const value = { list: [1] };
      await store.save(writeOf(1, { state: { set: { value } } }), { expectedRevision: 0 });
      value.list.push(2);
      for await (const [, found] of store.loadState(SOURCE_ID)) (found as typeof value).list.push(3);
      assert.deepEqual(await readState(store), [['value', { list: [1] }]]);
    },
  },
  {
    name: `a state of ${MANY} keys is kept, and small changes to it as well`,
    async check(opened) {
      const { store } = opened;
      const all = Array.from({ length: MANY }, (_, index) => [`file/${index}`, { hash: `hash-${index}`, size: index }]);
      await store.save(writeOf(0, { state: { set: Object.fromEntries(all) } }), { expectedRevision: 0 });
      for (let revision = 1; revision <= 20; revision += 1) {
        const state = { set: { [`file/${revision}`]: { revision } }, delete: [`file/${revision + 1000}`] };
        await store.save(writeOf(revision, { state }), { expectedRevision: revision });
      }
      const found = new Map<string, unknown>();
      for await (const [key, value] of (await secondView(opened)).loadState(SOURCE_ID)) found.set(key, value);
      assert.equal(found.size, MANY - 20);
      assert.deepEqual(found.get('file/7'), { revision: 7 });
      assert.equal(found.has('file/1007'), false);
      assert.deepEqual(found.get('file/4999'), { hash: 'hash-4999', size: 4999 });
    },
  },
];
