import assert from 'node:assert/strict';
import type { CursorRecord, CursorStore } from '../../core/cursor-store.js';
import { conflictOf, rejectionOf, SOURCE_ID, type StoreCase, saveAll, secondView, writeOf } from './store-case.js';

const LARGEST_INT64 = '9223372036854775807';

const HOSTILE_IDS = [
  ...[
    '../../x',
    'a/b',
    'a\\b',
    '..',
    '.',
    '',
    'CON',
    'con',
    'Con',
    'nul.txt',
    'a\u0000b',
    'a:b',
    '-rf',
    '~',
    ' ',
    '%2e',
  ],
  ...[
    'x'.repeat(300),
    `${'x'.repeat(300)}y`,
    'ä',
    'a\u0308',
    '文',
    '💧',
    '\ud800',
    '\ud801',
    "'; DROP TABLE x; --",
    '__proto__',
  ],
];

export const recordCases: readonly StoreCase[] = [
  {
    name: 'a source that was never saved has no record, no state and no history',
    async check({ store }) {
      assert.equal(await store.load(SOURCE_ID), undefined);
      assert.deepEqual(await store.list(), []);
      assert.deepEqual((await store.history?.(SOURCE_ID)) ?? [], []);
      for await (const entry of store.loadState(SOURCE_ID)) assert.fail(`there is state: ${entry[0]}`);
    },
  },
  {
    name: 'what is saved is loaded again, with a revision that counts the saves from 1',
    async check(opened) {
      const cursor = { last: 'x', nested: { list: [1, 'two', null, true], text: 'ä\u2028"\\\n💧' } };
      const saved = await opened.store.save(writeOf(cursor), { expectedRevision: 0 });
      const { updatedAt, ...fields } = saved;
      assert.deepEqual(fields, { ...writeOf(cursor), revision: 1 });
      assert.match(updatedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
      assert.deepEqual(await opened.store.load(SOURCE_ID), saved);
      assert.deepEqual(await (await secondView(opened)).load(SOURCE_ID), saved);
      const next = await opened.store.save(writeOf({ last: 'y' }), { expectedRevision: 1 });
      assert.equal(next.revision, 2);
      assert.deepEqual((await opened.store.load(SOURCE_ID))?.cursor, { last: 'y' });
    },
  },
  {
    name: 'expectedRevision 0 means: must not exist',
    async check({ store }) {
      await saveAll(store, ['first']);
      const conflict = await conflictOf(store, writeOf('second'), { expectedRevision: 0 });
      assert.deepEqual([conflict.expected, conflict.found], [0, 1]);
      assert.equal((await store.load(SOURCE_ID))?.cursor, 'first');
    },
  },
  {
    name: 'a conflict carries both revisions and changes nothing, not even state',
    async check(opened) {
      const { store } = opened;
      await saveAll(store, ['one', 'two', 'three']);
      const second = await secondView(opened);
      for (const expectedRevision of [0, 1, 2, 4]) {
        const write = writeOf('late', { state: { set: { late: true } } });
        const conflict = await conflictOf(second, write, { expectedRevision });
        assert.deepEqual([conflict.code, conflict.expected, conflict.found], ['CURSOR_CONFLICT', expectedRevision, 3]);
        assert.equal(conflict.sourceId, SOURCE_ID);
      }
      assert.equal((await store.load(SOURCE_ID))?.cursor, 'three');
      for await (const [key] of store.loadState(SOURCE_ID)) assert.fail(`state of a refused save: ${key}`);
    },
  },
  {
    name: 'a cursor that does not exist cannot be at a revision',
    async check({ store }) {
      const conflict = await conflictOf(store, writeOf('x'), { expectedRevision: 3 });
      assert.deepEqual([conflict.expected, conflict.found], [3, 0]);
      assert.equal(await store.load(SOURCE_ID), undefined);
    },
  },
  {
    name: 'of interleaved writers exactly one wins each revision',
    async check(opened) {
      const views = [opened.store, await secondView(opened), await secondView(opened)];
      const wins = await Promise.all(views.map((view, index) => race(view, `writer-${index}`, 10)));
      const revisions = wins.flat().sort((left, right) => left - right);
      assert.deepEqual(
        revisions,
        Array.from({ length: 30 }, (_, index) => index + 1),
      );
      assert.deepEqual((await opened.store.load(SOURCE_ID))?.cursor, { count: 30 });
    },
  },
  {
    name: 'delete removes record, state and history; then the source begins again at revision 1',
    async check(opened) {
      const { store } = opened;
      await saveAll(store, ['one', 'two'], { state: { set: { key: 1 } } });
      await store.save(writeOf('other', { sourceId: 'other' }), { expectedRevision: 0 });
      await store.delete(SOURCE_ID);
      await store.delete(SOURCE_ID);
      await store.delete('never-there');
      const second = await secondView(opened);
      assert.equal(await second.load(SOURCE_ID), undefined);
      assert.deepEqual((await second.history?.(SOURCE_ID)) ?? [], []);
      for await (const [key] of second.loadState(SOURCE_ID)) assert.fail(`state is left: ${key}`);
      assert.deepEqual(
        (await second.list()).map(({ sourceId }) => sourceId),
        ['other'],
      );
      await rejectionOf(store.save(writeOf('late'), { expectedRevision: 2 }));
      assert.equal((await store.save(writeOf('again'), { expectedRevision: 0 })).revision, 1);
    },
  },
  {
    name: 'list has the newest record of every source, sorted by source id',
    async check({ store }) {
      for (const sourceId of ['b', 'B', 'a', 'a/1', 'ä', '10', '9']) await saveAll(store, ['old', 'new'], { sourceId });
      const records = await store.list();
      assert.deepEqual(
        records.map(({ sourceId }) => sourceId),
        ['10', '9', 'B', 'a', 'a/1', 'b', 'ä'],
      );
      assert.ok(records.every(({ cursor, revision }) => cursor === 'new' && revision === 2));
    },
  },
  {
    name: 'history has the earlier records, newest first, and no more than asked for',
    needs: 'history',
    async check(opened) {
      const saved = await saveAll(opened.store, ['one', 'two', 'three', 'four']);
      const second = await secondView(opened);
      const earlier = [...saved.slice(0, 3)].reverse();
      assert.deepEqual(await second.history?.(SOURCE_ID), earlier);
      assert.deepEqual(await second.history?.(SOURCE_ID, 2), earlier.slice(0, 2));
    },
  },
  {
    name: 'ids that mean something to a file system or a database neither collide nor escape',
    async check(opened) {
      for (const sourceId of HOSTILE_IDS) await saveAll(opened.store, [{ of: sourceId }], { sourceId });
      const second = await secondView(opened);
      for (const sourceId of HOSTILE_IDS) {
        const record = await second.load(sourceId);
        assert.deepEqual([record?.sourceId, record?.cursor], [sourceId, { of: sourceId }]);
      }
      assert.equal((await second.list()).length, HOSTILE_IDS.length);
    },
  },
  {
    name: 'nobody changes what is stored through what went in or came out',
    async check({ store }) {
      const cursor = { deep: { list: [1] } };
      const saved = await store.save(writeOf(cursor), { expectedRevision: 0 });
      cursor.deep.list.push(2);
      (saved as CursorRecord<typeof cursor>).cursor.deep.list.push(3);
      const loaded = (await store.load(SOURCE_ID)) as CursorRecord<typeof cursor>;
      loaded.cursor.deep.list.push(4);
      ((await store.list())[0] as CursorRecord<typeof cursor>).cursor.deep.list.push(5);
      assert.deepEqual((await store.load(SOURCE_ID))?.cursor, { deep: { list: [1] } });
    },
  },
  {
    name: 'X8: 2^63-1 comes back exactly, as the string it was saved as',
    async check(opened) {
      const cursor = { offset: LARGEST_INT64, 'with space': `-${LARGEST_INT64}` };
      await opened.store.save(writeOf(cursor, { state: { set: { lsn: LARGEST_INT64 } } }), { expectedRevision: 0 });
      const second = await secondView(opened);
      assert.deepEqual((await second.load(SOURCE_ID))?.cursor, { ...cursor });
      for await (const [, value] of second.loadState(SOURCE_ID)) assert.equal(value, LARGEST_INT64);
    },
  },
];

/** Counts up in the cursor until it has won so often; loses in between. */
async function race(store: CursorStore<unknown>, writer: string, wins: number): Promise<number[]> {
  const won: number[] = [];
  while (won.length < wins) {
    const record = await store.load(SOURCE_ID);
    const count = (record as CursorRecord<{ count: number }> | undefined)?.cursor.count ?? 0;
    const save = store.save(writeOf({ count: count + 1 }, { writer }), { expectedRevision: record?.revision ?? 0 });
    const saved = await save.catch(async () => rejectionOf(save));
    if ('revision' in saved) won.push(saved.revision);
  }
  return won;
}
