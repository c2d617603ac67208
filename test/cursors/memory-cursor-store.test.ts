import { describe, expect, it } from 'vitest';
import { MemoryCursorStore } from '../../src/cursors/memory/index.js';
import { testCursorStore } from '../../src/testing/cursor-store-contract.js';
import { FakeClock } from '../../src/testing/fake-clock.js';

const write = { sourceId: 'a', sourceType: 'test', origin: 'o', cursorVersion: 1, writer: 'w' };

describe('the contract of cursor stores, kept by MemoryCursorStore', () => {
  const create = async () => {
    const clock = new FakeClock(Date.UTC(2026, 0, 1));
    return { store: new MemoryCursorStore({ clock }), advance: (milliseconds: number) => clock.advance(milliseconds) };
  };
  for (const { name, run } of testCursorStore({ create })) it(name, run);
});

describe('MemoryCursorStore', () => {
  it.each([
    ['NaN', Number.NaN],
    ['a bigint', 1n],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['undefined in a list', [undefined]],
    ['a function', () => {}],
  ])('CU9: refuses %s in a cursor and in state, as the durable stores do', async (_, value) => {
    const store = new MemoryCursorStore();
    const refused = { code: 'CURSOR_NOT_JSON', sourceId: 'a' };
    await expect(store.save({ ...write, cursor: { value } }, { expectedRevision: 0 })).rejects.toMatchObject(refused);
    const state = { set: { good: 1, value } };
    await expect(store.save({ ...write, cursor: 1, state }, { expectedRevision: 0 })).rejects.toMatchObject(refused);
    expect(await store.load('a')).toBeUndefined();
  });

  it('keeps as many earlier records as it was told to', async () => {
    const store = new MemoryCursorStore({ history: 2 });
    for (let revision = 0; revision < 5; revision += 1) {
      await store.save({ ...write, cursor: revision + 1 }, { expectedRevision: revision });
    }
    expect((await store.history('a')).map(({ cursor }) => cursor)).toEqual([4, 3]);
    expect(await store.history('a', 9)).toHaveLength(2);
  });
});
