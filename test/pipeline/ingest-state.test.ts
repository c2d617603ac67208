import { EventSourceFactory, FatalError, ingest } from 'headwater';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { Database, DatabaseCursorStore } from '../support/database.js';
import { atOnce, failureOf, ObservedStore, stateIn } from '../support/ingesting.js';
import { eventually, range, take, turns } from '../support/observing.js';
import { Counting } from '../support/registered-source.js';
import { BatchSource } from '../support/test-sources.js';

const counted = (last: number, options: object = {}) => Counting.create({ id: 'test', config: { last }, ...options });
const stateOf = (...numbers: number[]) => Object.fromEntries(numbers.map((n) => [`number ${n}`, n]));

describe('keyed state', () => {
  it('is saved with the cursor of its batch, as a delta, never before', async () => {
    const store = new ObservedStore();
    const written: number[] = [];
    await ingest({
      source: await counted(4),
      cursorStore: store,
      batch: { maxEvents: 2 },
      sink: async ({ events }) => {
        expect(await store.state()).toEqual(stateOf(...written));
        written.push(...events.map(({ data }) => data.n));
      },
    });
    expect(store.saves.map(({ cursor, state }) => [cursor, { ...state?.set }])).toEqual([
      [{ n: 2 }, stateOf(1, 2)],
      [{ n: 4 }, stateOf(3, 4)],
    ]);
    expect(await store.state()).toEqual(stateOf(1, 2, 3, 4));
  });

  it.each(['sink', 'cursor'])('of a batch whose %s fails is undone, and comes again', async (failing) => {
    const store = new ObservedStore();
    let fails = true;
    const failWith = (at: string, n: number | undefined): void => {
      if (fails && at === failing && n === 4) throw new FatalError('no');
    };
    store.beforeSave = ({ cursor }) => failWith('cursor', (cursor as { n: number }).n);
    const source = await counted(4);
    const run = () =>
      ingest({
        source,
        cursorStore: store,
        batch: { maxEvents: 2 },
        sink: ({ events }) => failWith('sink', events.at(-1)?.data.n),
      });
    await failureOf(run());
    expect(await store.state()).toEqual(stateOf(1, 2));
    fails = false;
    expect(await run()).toMatchObject({ read: 2, cursorBefore: { n: 2 } });
    expect(await store.state()).toEqual(stateOf(1, 2, 3, 4));
  });

  it('is saved in the transaction of the sink', async () => {
    const database = new Database();
    const cursorStore = new DatabaseCursorStore(database);
    let attempts = 0;
    await ingest({
      source: await counted(4),
      cursorStore,
      cursor: 'in-sink',
      batch: { maxEvents: 2 },
      retry: atOnce,
      sink: (batch) =>
        database.transaction(async (transaction) => {
          await batch.saveCursor(transaction);
          attempts += 1;
          if (attempts === 1) throw new Error('rolled back');
        }),
    });
    expect(attempts).toBe(3);
    expect(database.state).toEqual(stateOf(1, 2, 3, 4));
  });

  it('that comes without events is saved with the cursor, and the sink does not hear of it', async () => {
    const store = new ObservedStore();
    const source = new BatchSource(async function* (self, { state }) {
      state.set('page 1', 'tag');
      yield { events: [], cursor: { n: 1 } };
      yield { events: self.items(2, 2), cursor: { n: 2 } };
      state.set('page 2', 'tag');
      yield { events: [], cursor: { n: 3 } };
    });
    const batches: number[] = [];
    const report = await ingest({ source, cursorStore: store, sink: ({ events }) => void batches.push(events.length) });
    expect(batches).toEqual([1]);
    expect(report).toMatchObject({ read: 1, written: 1, cursorAfter: { n: 3 } });
    expect(await store.state()).toEqual({ 'page 1': 'tag', 'page 2': 'tag' });
    expect(await store.cursor()).toEqual({ n: 3 });
    expect(source.getCursor()).toEqual({ n: 3 });
  });

  it('acknowledged before the run and not saved yet is saved by it', async () => {
    const cursorStore = new ObservedStore();
    const factory = new EventSourceFactory({ sources: { counting: Counting }, cursorStore, autosave: false });
    const source = await factory.create('counting', { id: 'test', config: { last: 6 } });
    await take(source.generateEvents({ limit: 3 }));
    expect(cursorStore.saves).toEqual([]);
    expect(await ingest({ source, cursorStore, sink: () => {} })).toMatchObject({ read: 3, cursorBefore: { n: 3 } });
    expect(await cursorStore.state()).toEqual(stateOf(...range(1, 6)));
  });

  it('that no store kept is still to be saved after a run without one', async () => {
    const cursorStore = new ObservedStore();
    const source = await counted(3);
    await ingest({ source, sink: () => {} });
    const factory = new EventSourceFactory({ sources: { counting: Counting }, cursorStore });
    await factory.saveCursor(source);
    expect(await cursorStore.cursor()).toEqual({ n: 3 });
    expect(await cursorStore.state()).toEqual(stateOf(1, 2, 3));
  });
});

describe('another writer', () => {
  it('ends the run, and nothing is lost', async () => {
    const store = new ObservedStore();
    const source = await counted(4);
    const seen: number[] = [];
    const run = (interferes: boolean) =>
      ingest({
        source,
        cursorStore: store,
        batch: { maxEvents: 2 },
        retry: atOnce,
        sink: async ({ events }) => {
          seen.push(...events.map(({ data }) => data.n));
          if (interferes && seen.length === 4)
            await ingest({ source: await counted(3), cursorStore: store, sink: () => {} });
        },
      });
    const failure = await failureOf(run(true));
    expect(failure).toMatchObject({ name: 'CursorConflictError', report: { status: 'failed', cursorAfter: { n: 2 } } });
    expect(await store.cursor()).toEqual({ n: 3 });
    expect(await run(false)).toMatchObject({ status: 'completed', read: 1, cursorBefore: { n: 3 } });
    expect(seen).toEqual([1, 2, 3, 4, 4]);
    expect(await store.state()).toEqual(stateOf(1, 2, 3, 4));
  });
});

describe('one run after the other on the same source', () => {
  it('goes on where the first got to', async () => {
    const store = new ObservedStore();
    const source = await counted(6);
    const seen: number[] = [];
    const sink = ({ events }: { events: readonly { data: { n: number } }[] }): void => {
      seen.push(...events.map(({ data }) => data.n));
    };
    expect(await ingest({ source, sink, cursorStore: store, limit: 4 })).toMatchObject({ read: 4 });
    expect(await ingest({ source, sink, cursorStore: store })).toMatchObject({ read: 2, cursorBefore: { n: 4 } });
    expect(await ingest({ source, sink, cursorStore: store })).toMatchObject({ read: 0 });
    expect(seen).toEqual(range(1, 6));
    expect(await store.state()).toEqual(stateOf(...range(1, 6)));
  });

  it('at the same time is refused, and leaves the first alone', async () => {
    const store = new ObservedStore();
    const source = await counted(4);
    let release = (): void => {};
    let inSink = false;
    const first = ingest({
      source,
      cursorStore: store,
      batch: { maxEvents: 2 },
      sink: () => {
        inSink = true;
        return new Promise<void>((resolve) => {
          release = resolve;
        });
      },
    });
    await eventually(() => inSink);
    for (const options of [{ cursorStore: store }, { dryRun: true }, { fullRefresh: true, cursorStore: store }, {}]) {
      const failure = await failureOf(ingest({ source, sink: () => {}, ...options }));
      expect(failure).toMatchObject({ code: 'ITERATION_RUNNING', report: { status: 'failed', read: 0 } });
    }
    inSink = false;
    release();
    await eventually(() => inSink);
    release();
    expect(await first).toMatchObject({ status: 'completed', written: 4 });
    expect(await store.state()).toEqual(stateOf(1, 2, 3, 4));
  });

  it('that is still loading when another iteration begins is refused, and leaves that alone', async () => {
    const cursorStore = new ObservedStore();
    await ingest({ source: await counted(3), cursorStore, sink: () => {}, limit: 1 });
    const load = cursorStore.load.bind(cursorStore);
    let letGo = (): void => {};
    cursorStore.load = async (id) => {
      await new Promise<void>((resolve) => {
        letGo = resolve;
      });
      return load(id);
    };
    const source = await counted(3);
    const failure = failureOf(ingest({ source, cursorStore, sink: () => {} }));
    await turns();
    const events = source.generateEvents();
    await events.next();
    letGo();
    expect(await failure).toMatchObject({ code: 'ITERATION_RUNNING' });
    expect(source.getCursor()).toBeUndefined();
    expect(await take(events)).toEqual([2, 3]);
    cursorStore.load = load;
    await new EventSourceFactory({ sources: { counting: Counting }, cursorStore }).saveCursor(source);
    expect(await cursorStore.state()).toEqual(stateOf(1, 2, 3));
  });

  it('that begin at the same moment: one of them is refused, the other keeps every change', async () => {
    const store = new ObservedStore();
    const source = await counted(5);
    const run = () => ingest({ source, cursorStore: store, sink: () => {}, batch: { maxEvents: 1 } });
    const outcomes = await Promise.allSettled([run(), run()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await store.cursor()).toEqual({ n: 5 });
    expect(await store.state()).toEqual(stateOf(...range(1, 5)));
  });
});

describe('a source of a factory with the same store', () => {
  const create = async (last: number) => {
    const clock = new FakeClock();
    const cursorStore = new ObservedStore();
    const factory = new EventSourceFactory({ sources: { counting: Counting }, cursorStore, clock });
    const source = await factory.create('counting', { id: 'test', config: { last } });
    return { clock, cursorStore, factory, source };
  };

  it('does not conflict, before, after and in between', async () => {
    const { cursorStore, factory, source } = await create(9);
    expect(await take(source.generateEvents({ limit: 2 }))).toEqual([1, 2]);
    expect(await ingest({ source, cursorStore, sink: () => {}, limit: 2 })).toMatchObject({ cursorBefore: { n: 2 } });
    expect(await take(source.generateEvents({ limit: 2 }))).toEqual([5, 6]);
    await factory.saveCursor(source);
    expect(await ingest({ source, cursorStore, sink: () => {}, limit: 2 })).toMatchObject({ cursorAfter: { n: 8 } });
    await factory.saveCursor(source);
    expect(await take(source.generateEvents())).toEqual([9]);
    await source.close();
    expect(await cursorStore.cursor()).toEqual({ n: 9 });
    expect(await stateIn(cursorStore, 'test')).toEqual(stateOf(...range(1, 9)));
  });

  it('is not saved by the factory while a run goes on', async () => {
    const { clock, cursorStore, source } = await create(2);
    let release = (): void => {};
    let inSink = false;
    const running = ingest({
      source,
      cursorStore,
      batch: { maxEvents: 1 },
      sink: () => {
        inSink = true;
        return new Promise<void>((resolve) => {
          release = resolve;
        });
      },
    });
    await eventually(() => inSink);
    inSink = false;
    release();
    await eventually(() => inSink);
    const saves = cursorStore.saves.length;
    await clock.advance(60_000);
    expect(cursorStore.saves).toHaveLength(saves);
    release();
    await running;
    expect(cursorStore.saves.map(({ cursor }) => cursor)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('goes on after a full refresh', async () => {
    const { cursorStore, source } = await create(5);
    await take(source.generateEvents());
    const report = await ingest({ source, cursorStore, sink: () => {}, fullRefresh: true, limit: 3 });
    expect(report).toMatchObject({ read: 3, cursorBefore: undefined });
    expect(await take(source.generateEvents())).toEqual([4, 5]);
    await source.close();
    expect(await cursorStore.cursor()).toEqual({ n: 5 });
    expect(await cursorStore.state()).toEqual(stateOf(...range(1, 5)));
  });

  it('keeps its own place while another store is filled from it', async () => {
    const { cursorStore, factory, source } = await create(5);
    await take(source.generateEvents({ limit: 2 }));
    const other = new ObservedStore();
    expect(await ingest({ source, cursorStore: other, sink: () => {}, fullRefresh: true })).toMatchObject({ read: 5 });
    expect(source.getCursor()).toEqual({ n: 2 });
    await factory.saveCursor(source);
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
    expect(await other.cursor()).toEqual({ n: 5 });
    expect(await other.state()).toEqual(stateOf(...range(1, 5)));
    expect(await take(source.generateEvents())).toEqual([3, 4, 5]);
    expect(await cursorStore.state()).toEqual(stateOf(...range(1, 5)));
  });
});
