import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import { expect, it } from 'vitest';
import { numberOf, take, turns } from '../support/observing.js';
import { BatchSource, ReadSource, type TestOptions } from '../support/test-sources.js';

/** Reads 1 to `last`; remembers each number under a key, and the state it finds when it is opened. */
function remembering(last: number, found: [string, unknown][][], options?: TestOptions): ReadSource {
  return new ReadSource(async function* (self, { cursor, state }) {
    const entries: [string, unknown][] = [];
    for await (const entry of state.entries()) entries.push(entry);
    found.push(entries.sort());
    for (let n = (cursor?.n ?? 0) + 1; n <= last; n += 1) {
      state.set(`item ${n}`, n);
      yield self.item(n);
    }
  }, options);
}

it('a change is seen at once, by get and by entries', async () => {
  const seen: unknown[] = [];
  const source = new ReadSource(async function* (self, { state }) {
    state.set('a', 1);
    state.set('b', { deep: [1] });
    seen.push(await state.get('a'), await state.get('b'), await state.get('c'));
    yield self.item(1);
    state.delete('a');
    seen.push(await state.get('a'));
    for await (const entry of state.entries()) seen.push(entry);
    for await (const entry of state.entries('nothing')) seen.push(entry);
    yield self.item(2);
  });
  await take(source.generateEvents());
  expect(seen).toEqual([1, { deep: [1] }, undefined, undefined, ['b', { deep: [1] }]]);
});

it('a change is undone for a new iteration unless the event it came with was acknowledged', async () => {
  const found: [string, unknown][][] = [];
  const source = remembering(3, found);
  await take(source.generateEvents(), 2);
  await take(source.generateEvents());
  await take(source.generateEvents());
  expect(found).toEqual([
    [],
    [['item 1', 1]],
    [
      ['item 1', 1],
      ['item 2', 2],
      ['item 3', 3],
    ],
  ]);
});

it('what an iteration that was given up still acknowledges is of no effect', async () => {
  const found: [string, unknown][][] = [];
  const controller = new AbortController();
  const source = remembering(3, found);
  const abandoned = source.generateEvents({ signal: controller.signal });
  await abandoned.next();
  await abandoned.next();
  controller.abort('gone');
  const second = source.generateEvents();
  await second.next();
  await expect(abandoned.next()).rejects.toBe('gone');
  await second.return();
  await take(source.generateEvents(), 1);
  expect(found.slice(1)).toEqual([[['item 1', 1]], [['item 1', 1]]]);
});

it('changes of a batch are kept when all of it is acknowledged, and only then', async () => {
  const found: unknown[] = [];
  const source = new BatchSource(async function* (self, { state }) {
    found.push(await state.get('page'));
    state.set('page', 1);
    yield { events: self.items(1, 3), cursor: { n: 3 }, cursorAt: (count) => ({ n: count }) };
  });
  expect(await take(source.generateEvents(), 3)).toEqual([1, 2, 3]);
  // The batch changed state: its position is told only at its end, so that cursor and state stay together.
  expect(source.getCursor()).toBeUndefined();
  await take(source.generateEvents());
  await take(source.generateEvents());
  expect(found).toEqual([undefined, undefined, 1]);
});

it('changes that belong to a batch without events are kept, too', async () => {
  const store = new MemoryCursorStore();
  const create = () =>
    new BatchSource(async function* (_, { cursor, state }) {
      if (cursor !== undefined) return;
      state.set('looked at', 'nothing new');
      yield { events: [], cursor: { n: 1 } };
    });
  const factory = new EventSourceFactory({ sources: {}, cursorStore: store });
  const source = create();
  await take(source.generateEvents());
  await factory.saveCursor(source);
  expect(await stored(store)).toEqual({ 'looked at': 'nothing new' });
});

it('hostile keys are keys like any other', async () => {
  const keys = ['__proto__', 'constructor', 'toString', '', 'a\u0000b', '../..', 'ünï 🚀', ' '];
  const store = new MemoryCursorStore();
  const found: [string, unknown][] = [];
  const source = new ReadSource(async function* (self, { state }) {
    for (const key of keys) expect(await state.get(key)).toBeUndefined();
    for (const key of keys) state.set(key, { __of: key });
    yield self.item(1);
    for await (const entry of state.entries()) found.push(entry);
  });
  await take(source.generateEvents());
  await new EventSourceFactory({ sources: {}, cursorStore: store }).saveCursor(source);
  const expected = new Map(keys.map((key) => [key, { __of: key }]));
  expect(new Map(found)).toEqual(expected);
  const loaded = new Map<string, unknown>();
  for await (const [key, value] of store.loadState('test')) loaded.set(key, value);
  expect(loaded).toEqual(expected);
  expect(({} as { __of?: unknown }).__of).toBeUndefined();
});

it('is saved as deltas, in one step with the cursor', async () => {
  const writes: unknown[] = [];
  class Watching extends MemoryCursorStore {
    override save(...save: Parameters<MemoryCursorStore['save']>) {
      const [{ cursor, state }] = save;
      writes.push({ cursor, set: { ...state?.set }, delete: state?.delete });
      return super.save(...save);
    }
  }
  const store = new Watching();
  const factory = new EventSourceFactory({ sources: {}, cursorStore: store });
  const source = new ReadSource(async function* (self, { state }) {
    state.set('a', 1);
    state.set('b', 1);
    yield self.item(1);
    state.delete('a');
    state.set('c', 1);
    yield self.item(2);
    state.set('never acknowledged', true);
    yield self.item(3);
  });
  for await (const event of source.generateEvents()) {
    await factory.saveCursor(source);
    if (numberOf(event) === 3) break;
  }
  expect(writes).toEqual([
    { cursor: { n: 1 }, set: { a: 1, b: 1 }, delete: [] },
    { cursor: { n: 2 }, set: { c: 1 }, delete: ['a'] },
  ]);
  expect(await stored(store)).toEqual({ b: 1, c: 1 });
});

it('overlapping next() calls keep the changes of every event until it is acknowledged', async () => {
  const found: [string, unknown][][] = [];
  const source = remembering(4, found);
  const events = source.generateEvents();
  await Promise.all([events.next(), events.next(), events.next()]);
  await events.return();
  expect(await take(source.generateEvents(), 1)).toEqual([1]);
  const more = source.generateEvents();
  await Promise.all([more.next(), more.next(), more.next()]);
  await more.next();
  await more.return();
  await take(source.generateEvents(), 1);
  expect(found.slice(1)).toEqual([
    [],
    [],
    [
      ['item 1', 1],
      ['item 2', 2],
      ['item 3', 3],
    ],
  ]);
});

it('changes after the last event, without one that they belong to, are not kept', async () => {
  const found: unknown[] = [];
  const source = new ReadSource(async function* (self, { state }) {
    found.push(await state.get('after'));
    yield self.item(1);
    state.set('after', true);
  });
  await take(source.generateEvents());
  await turns();
  await take(source.generateEvents());
  expect(found).toEqual([undefined, undefined]);
});

async function stored(store: MemoryCursorStore): Promise<Record<string, unknown>> {
  const entries: [string, unknown][] = [];
  for await (const entry of store.loadState('test')) entries.push(entry);
  return Object.fromEntries(entries);
}
