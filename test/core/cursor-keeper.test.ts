import { MemoryCursorStore } from 'headwater';
import { expect, it } from 'vitest';
import { CursorKeeper } from '../../src/core/cursor-keeper.js';

it('a lost answer, then a failed save of more, then a conflict: the second save is not taken for the first', async () => {
  const store = new MemoryCursorStore();
  const save = store.save.bind(store);
  const fates = ['lost', 'failed', 'ok', 'ok'];
  store.save = async (write, options) => {
    const fate = fates.shift();
    if (fate === 'failed') throw new Error('reset');
    const record = await save(write, options);
    if (fate === 'lost') throw new Error('reset');
    return record;
  };
  const kept = { id: 'test', type: 'test', cursorDefinition: undefined, origin: () => 'test' };
  const keeper = new CursorKeeper(kept, store);
  await keeper.load();
  await keeper.save({ n: 1 }, [new Map([['a', 1]])]).catch(() => {});
  await keeper.save({ n: 2 }, [new Map([['b', 2]])]).catch(() => {});
  await keeper.save({ n: 2 }, [new Map([['b', 2]])]);
  expect((await store.load('test'))?.cursor).toEqual({ n: 2 });
  const state: string[] = [];
  for await (const [key] of store.loadState('test')) state.push(key);
  expect(state).toEqual(['a', 'b']);
});
