import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import { expect, it } from 'vitest';
import { ReadSource } from '../support/test-sources.js';

const LARGEST = (2n ** 63n - 1n).toString();

it('X8: 2^63-1 as a string makes the round trip through event, cursor, state and store exactly', async () => {
  const store = new MemoryCursorStore();
  const factory = new EventSourceFactory({ sources: {}, cursorStore: store });
  const found: unknown[] = [];
  const create = () =>
    new ReadSource(async function* (self, { cursor, state }) {
      found.push(cursor, await state.get('offset'));
      state.set('offset', LARGEST);
      yield self.item(1, { offset: LARGEST } as never);
    });
  const source = create();
  for await (const event of source.generateEvents()) expect(JSON.parse(JSON.stringify(event))).toEqual(event);
  await factory.saveCursor(source);
  const [record] = await store.list();
  expect(record?.cursor).toEqual({ offset: '9223372036854775807' });
  const state: unknown[] = [];
  for await (const entry of store.loadState('test')) state.push(entry);
  expect(state).toEqual([['offset', '9223372036854775807']]);
  const cursor = record?.cursor as { offset: string } | undefined;
  expect(BigInt(cursor?.offset ?? 0)).toBe(2n ** 63n - 1n);
  expect(found).toEqual([undefined, undefined]);
});
