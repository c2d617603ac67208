import {
  CursorConflictError,
  type CursorRecord,
  type CursorWrite,
  EventSourceFactory,
  MemoryCursorStore,
  type SaveOptions,
} from 'headwater';
import { FakeClock, RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { afterTurns, take, turns } from '../support/observing.js';
import { Counting } from '../support/registered-source.js';

class ObservedStore extends MemoryCursorStore {
  readonly cursors: unknown[] = [];
  /** Fails so many saves before it works. */
  failing = 0;
  hold: Promise<void> | undefined;

  override async save(write: CursorWrite, options: SaveOptions): Promise<CursorRecord> {
    await this.hold;
    if (this.failing > 0) {
      this.failing -= 1;
      throw new Error('the disk is away');
    }
    const record = await super.save(write, options);
    this.cursors.push(write.cursor);
    return record;
  }
}

const options = { id: 'mine', config: { last: 100 } };

async function create(autosave?: false | { everyMs?: number; everyEvents?: number }) {
  const clock = new FakeClock();
  const store = new ObservedStore();
  const logger = new RecordingLogger();
  const factory = new EventSourceFactory({
    sources: { counting: Counting },
    cursorStore: store,
    clock,
    logger,
    autosave,
  });
  return { clock, store, factory, logger, source: await factory.create('counting', options) };
}

it('saves the acknowledged frontier every second, if it moved', async () => {
  const { clock, store, source } = await create();
  const events = source.generateEvents();
  await events.next();
  await events.next();
  await events.next();
  expect(store.cursors).toEqual([]);
  await clock.advance(1_000);
  expect(store.cursors).toEqual([{ n: 2 }]);
  await clock.advance(3_000);
  expect(store.cursors).toEqual([{ n: 2 }]);
  await events.next();
  await clock.advance(1_000);
  expect(store.cursors).toEqual([{ n: 2 }, { n: 3 }]);
  await events.return();
});

it('saves at the end, on break, on a throw, on abort and on close, before each of them is over', async () => {
  const endings: [string, (source: Counting, store: ObservedStore) => Promise<unknown>, unknown][] = [
    ['end', async (source) => take(source.generateEvents({ limit: 4 })), { n: 4 }],
    ['break', async (source) => take(source.generateEvents(), 4), { n: 3 }],
    [
      'throw',
      async (source) => {
        const events = source.generateEvents();
        await events.next();
        await events.next();
        await events.throw(new Error('x')).catch(() => {});
      },
      { n: 1 },
    ],
    [
      'abort',
      async (source) => {
        const controller = new AbortController();
        const events = source.generateEvents({ signal: controller.signal });
        await events.next();
        await events.next();
        controller.abort('stop');
        await events.next().catch(() => {});
        await turns();
      },
      { n: 2 },
    ],
    [
      'close',
      async (source) => {
        const events = source.generateEvents();
        await events.next();
        await events.next();
        await source.close();
      },
      { n: 1 },
    ],
    [
      'batches',
      async (source) => {
        for await (const _ of source.generateBatches({ maxEvents: 10 })) break;
        for await (const _ of source.generateBatches({ maxEvents: 10, limit: 20 })) await turns(1);
      },
      { n: 20 },
    ],
  ];
  for (const [name, end, expected] of endings) {
    const { store, source } = await create();
    await end(source, store);
    expect([name, store.cursors.at(-1)]).toEqual([name, expected]);
  }
});

it('close() waits for a save that is under way', async () => {
  const { store, source } = await create();
  const events = source.generateEvents();
  await events.next();
  await events.next();
  let letGo = (): void => {};
  store.hold = new Promise((resolve) => {
    letGo = resolve;
  });
  const closed = source.close();
  expect(await afterTurns(closed)).toBe('pending');
  letGo();
  await closed;
  expect(store.cursors).toEqual([{ n: 1 }]);
});

it('everyEvents saves when so many were acknowledged, too', async () => {
  const { store, source } = await create({ everyEvents: 10 });
  for await (const { data } of source.generateEvents({ limit: 35 })) if (data.n % 5 === 0) await turns(3);
  expect(store.cursors.length).toBeGreaterThanOrEqual(3);
  expect(store.cursors.length).toBeLessThanOrEqual(5);
  expect(store.cursors.at(-1)).toEqual({ n: 35 });
});

it('everyMs says how often', async () => {
  const { clock, store, source } = await create({ everyMs: 50 });
  const events = source.generateEvents();
  await events.next();
  await events.next();
  await clock.advance(49);
  expect(store.cursors).toEqual([]);
  await clock.advance(1);
  expect(store.cursors).toEqual([{ n: 1 }]);
  await events.return();
});

it('autosave: false saves nothing by itself', async () => {
  const { clock, store, source, factory } = await create(false);
  const events = source.generateEvents();
  await events.next();
  await events.next();
  await clock.advance(10_000);
  await events.return();
  await source.close();
  expect(store.cursors).toEqual([]);
  await factory.saveCursor(source);
  expect(store.cursors).toEqual([{ n: 1 }]);
});

it('saveCursor after an autosave, or at the same time, is no conflict', async () => {
  const { clock, store, source, factory } = await create();
  const events = source.generateEvents();
  for (let n = 0; n < 5; n += 1) {
    await events.next();
    await Promise.all([clock.advance(1_000), factory.saveCursor(source), factory.saveCursor(source)]);
  }
  await events.return();
  expect(await factory.saveCursor(source)).toMatchObject({ cursor: { n: 4 } });
  expect(store.cursors).toEqual([1, 2, 3, 4].map((n) => ({ n })));
});

it('acknowledge: false saves nothing', async () => {
  const { clock, store, source } = await create();
  const events = source.generateEvents({ acknowledge: false });
  await events.next();
  await events.next();
  await clock.advance(2_000);
  await events.return();
  expect(store.cursors).toEqual([]);
});

describe('another writer', () => {
  async function intrude(store: ObservedStore): Promise<void> {
    const record = await store.load('mine');
    const write = { sourceId: 'mine', sourceType: 'counting', origin: 'here', cursorVersion: 1, cursor: { n: 50 } };
    await store.save({ ...write, writer: 'somebody else' }, { expectedRevision: record?.revision ?? 0 });
  }

  it('ends the iteration with a CursorConflictError, and is not overwritten', async () => {
    const { clock, store, source } = await create();
    const events = source.generateEvents({ follow: true });
    await events.next();
    await events.next();
    await clock.advance(1_000);
    await intrude(store);
    await events.next();
    await clock.advance(1_000);
    await expect(events.next()).rejects.toThrow(CursorConflictError);
    expect(await events.next()).toEqual({ value: undefined, done: true });
    expect((await store.load('mine'))?.writer).toBe('somebody else');
    expect(source.getStatus().state).toBe('failed');
  });

  it('rejects a next() that waits for upstream', async () => {
    const { clock, store, source } = await create();
    const events = source.generateEvents({ follow: true });
    for (let n = 0; n < 100; n += 1) await events.next();
    const pending = events.next();
    await turns();
    await intrude(store);
    const outcome = afterTurns(pending, 40);
    await clock.advance(1_000);
    expect(await outcome).toMatchObject({ error: { name: 'CursorConflictError' } });
  });

  it('is found at the end, too', async () => {
    const { store, source } = await create();
    const events = source.generateEvents();
    await events.next();
    await events.next();
    await intrude(store);
    await expect(events.return()).rejects.toThrow(CursorConflictError);
  });
});

it('a store that fails for the moment is tried again, and nothing is lost', async () => {
  const { clock, store, source, logger } = await create();
  const events = source.generateEvents();
  await events.next();
  await events.next();
  store.failing = 2;
  await clock.advance(2_000);
  expect(store.cursors).toEqual([]);
  expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
  await events.next();
  await clock.advance(1_000);
  expect(store.cursors).toEqual([{ n: 2 }]);
  const keys: string[] = [];
  for await (const [key] of store.loadState('mine')) keys.push(key);
  expect(keys.sort()).toEqual(['number 1', 'number 2']);
  await events.return();
});

it('a store that fails at the end rejects the end, so that nobody takes it for saved', async () => {
  const { store, source } = await create();
  store.failing = 1;
  await expect(take(source.generateEvents({ limit: 3 }))).rejects.toThrow('the disk is away');
  await take(source.generateEvents({ limit: 1 }));
  expect(store.cursors).toEqual([{ n: 4 }]);
});

it('no timer of it is left when the iteration is over', async () => {
  const { clock, source } = await create();
  await take(source.generateEvents(), 3);
  expect(clock.sleeping).toBe(0);
});
