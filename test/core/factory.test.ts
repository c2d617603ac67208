import {
  type CursorRecord,
  type CursorWrite,
  EventSourceFactory,
  MemoryCursorStore,
  type SaveOptions,
} from 'headwater';
import { FakeClock, RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { take } from '../support/observing.js';
import { Counting } from '../support/registered-source.js';

const sources = { counting: Counting };
const options = { id: 'mine', config: { last: 5 } };

function createFactory(cursorStore: MemoryCursorStore, more: { autosave?: false } = {}) {
  return new EventSourceFactory({ sources, cursorStore, ...more });
}

it('injects logger and clock, which options of a source override', async () => {
  const logger = new RecordingLogger();
  const clock = new FakeClock();
  const factory = new EventSourceFactory({ sources, logger, clock });
  const injected = await factory.create('counting', options);
  expect(injected.options).toMatchObject({ logger, clock });
  const own = new FakeClock();
  const given = await factory.create('counting', { ...options, clock: own });
  expect(given.options.clock).toBe(own);
  expect(given.options.logger).toBe(logger);
});

it('makes a source from a spec', async () => {
  const source = await new EventSourceFactory({ sources }).createFromSpec({
    type: 'counting',
    id: 'spec',
    config: { last: 2 },
    enabled: true,
  });
  expect([source.id, source.type]).toEqual(['spec', 'counting']);
  expect(source).toBeInstanceOf(Counting);
});

it('a source goes on where the last one with its id stopped, in another process as in this', async () => {
  const store = new MemoryCursorStore();
  expect(await take((await createFactory(store).create('counting', options)).generateEvents(), 3)).toEqual([1, 2, 3]);
  const second = await createFactory(store).create('counting', options);
  expect(second.getCursor()).toEqual({ n: 2 });
  expect(await take(second.generateEvents())).toEqual([3, 4, 5]);
  expect((await store.load('mine'))?.cursor).toEqual({ n: 5 });
  const state: unknown[] = [];
  for await (const [key] of store.loadState('mine')) state.push(key);
  expect(state.sort()).toEqual(['number 1', 'number 2', 'number 3', 'number 4', 'number 5']);
});

it('an explicit cursor wins over the saved one', async () => {
  const store = new MemoryCursorStore();
  await take((await createFactory(store).create('counting', options)).generateEvents());
  const source = await createFactory(store).create('counting', { ...options, cursor: { n: 3 } });
  expect(await take(source.generateEvents())).toEqual([4, 5]);
});

it('resume: false begins again, and the first save replaces what was saved, state included', async () => {
  const store = new MemoryCursorStore();
  await take((await createFactory(store).create('counting', options)).generateEvents());
  const again = await createFactory(store).create('counting', { ...options, config: { last: 2 }, resume: false });
  expect((await store.load('mine'))?.cursor).toEqual({ n: 5 });
  expect(await take(again.generateEvents())).toEqual([1, 2]);
  expect((await store.load('mine'))?.cursor).toEqual({ n: 2 });
  const keys: string[] = [];
  for await (const [key] of store.loadState('mine')) keys.push(key);
  expect(keys.sort()).toEqual(['number 1', 'number 2']);
});

describe('saveCursor', () => {
  it('saves the acknowledged frontier and gives the record', async () => {
    const store = new MemoryCursorStore();
    const factory = createFactory(store, { autosave: false });
    const source = await factory.create('counting', options);
    expect(await factory.saveCursor(source)).toBeUndefined();
    await take(source.generateEvents(), 3);
    expect(await factory.saveCursor(source)).toMatchObject({ sourceId: 'mine', cursor: { n: 2 }, revision: 1 });
    expect(await factory.saveCursor(source)).toMatchObject({ revision: 1 });
  });

  it('works for a source that was created directly', async () => {
    const store = new MemoryCursorStore();
    const source = await Counting.create(options);
    await take(source.generateEvents());
    expect(await createFactory(store).saveCursor(source)).toMatchObject({ cursor: { n: 5 } });
    expect(await take((await createFactory(store).create('counting', options)).generateEvents())).toEqual([]);
  });

  it('without a store is a ConfigError', async () => {
    const factory = new EventSourceFactory({ sources });
    const source = await factory.create('counting', options);
    await expect(factory.saveCursor(source)).rejects.toMatchObject({ name: 'ConfigError' });
  });
});

describe('a saved cursor that cannot be used is refused, and not touched', () => {
  async function saved(write: Partial<CursorWrite>): Promise<MemoryCursorStore> {
    const store = new MemoryCursorStore();
    const record = {
      sourceId: 'mine',
      sourceType: 'counting',
      origin: 'here',
      cursorVersion: 1,
      cursor: { n: 3 },
      writer: 'w',
    };
    await store.save({ ...record, ...write }, { expectedRevision: 0 });
    return store;
  }

  it.each([
    ['of another origin', { origin: 'elsewhere' }, 'CURSOR_ORIGIN', /elsewhere.*adoptCursor/s],
    ['of another type', { sourceType: 'github' }, 'CURSOR_TYPE', /github/],
    ['of a later version', { cursorVersion: 2 }, 'CURSOR_UNSUPPORTED_VERSION', /version 2/],
    ['of another shape', { cursor: { page: 'x' } }, 'CURSOR_INVALID', /not one of this source/],
  ])('%s', async (_, write, code, message) => {
    const store = await saved(write);
    const before = await store.list();
    const failure = await createFactory(store)
      .create('counting', options)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'CursorError', code, sourceId: 'mine' });
    expect((failure as Error).message).toMatch(message);
    expect(await store.list()).toEqual(before);
  });

  it('of another origin is taken over with adoptCursor', async () => {
    const store = await saved({ origin: 'elsewhere' });
    const source = await createFactory(store).create('counting', { ...options, adoptCursor: true });
    expect(await take(source.generateEvents())).toEqual([4, 5]);
    expect((await store.load('mine'))?.origin).toBe('here');
  });

  it('of an earlier version is migrated', async () => {
    class Migrating extends Counting {
      static override readonly definition = {
        ...Counting.definition,
        cursor: {
          version: 3,
          schema: z.object({ n: z.number() }),
          migrate: (old: unknown, version: number) => ({ n: version === 1 ? (old as { n: number }).n : 0 }),
        },
      } as never;
      static override async create(given: Parameters<typeof Counting.create>[0]): Promise<Migrating> {
        return new Migrating({ ...given, config: { last: 5, root: 'here' } });
      }
    }
    const store = await saved({});
    const source = await new EventSourceFactory({ sources: { counting: Migrating }, cursorStore: store }).create(
      'counting',
      options,
    );
    expect(await take(source.generateEvents())).toEqual([4, 5]);
    expect(await store.load('mine')).toMatchObject({ cursorVersion: 3, cursor: { n: 5 } });
  });
});

describe('the answer to a save that got lost', () => {
  /** Saves, and then says that it failed, so many times. */
  class LosingAnswers extends MemoryCursorStore {
    losing = 1;

    override async save(write: CursorWrite, saveOptions: SaveOptions): Promise<CursorRecord> {
      const record = await super.save(write, saveOptions);
      this.losing -= 1;
      if (this.losing >= 0) throw new Error('the connection was reset');
      return record;
    }
  }

  it('is no conflict for the next save, which loses neither cursor nor state', async () => {
    const store = new LosingAnswers();
    const factory = createFactory(store, { autosave: false });
    const source = await factory.create('counting', options);
    const events = source.generateEvents();
    await events.next();
    await events.next();
    await expect(factory.saveCursor(source)).rejects.toThrow('reset');
    await events.next();
    await events.next();
    expect(await factory.saveCursor(source)).toMatchObject({ cursor: { n: 3 } });
    await events.return();
    const keys: string[] = [];
    for await (const [key] of store.loadState('mine')) keys.push(key);
    expect(keys.sort()).toEqual(['number 1', 'number 2', 'number 3']);
  });

  it('is a success for the same save again', async () => {
    const store = new LosingAnswers();
    const factory = createFactory(store, { autosave: false });
    const source = await factory.create('counting', options);
    await take(source.generateEvents(), 2);
    await expect(factory.saveCursor(source)).rejects.toThrow('reset');
    expect(await factory.saveCursor(source)).toMatchObject({ cursor: { n: 1 }, revision: 1 });
  });
});
