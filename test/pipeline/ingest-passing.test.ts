import { EventSourceFactory, FatalError, ingest } from 'headwater';
import { MemorySink } from 'headwater/sinks/memory';
import { describe, expect, it } from 'vitest';
import { failureOf, ObservedLetters, ObservedStore } from '../support/ingesting.js';
import { range, take } from '../support/observing.js';
import { type CountedEvent, Counting } from '../support/registered-source.js';
import { counting, ReadSource, ReceivingSource } from '../support/test-sources.js';

const stateOf = (...numbers: number[]) => Object.fromEntries(numbers.map((n) => [`number ${n}`, n]));

/** A source of a factory that is at 2 of 5, with nothing saved by itself. */
async function live() {
  const cursorStore = new ObservedStore();
  const factory = new EventSourceFactory({ sources: { counting: Counting }, cursorStore, autosave: false });
  const source = await factory.create('counting', { id: 'test', config: { last: 5 } });
  await take(source.generateEvents({ limit: 2 }));
  await factory.saveCursor(source);
  const before = await cursorStore.load('test');
  const expectUntouched = async (): Promise<void> => {
    expect(source.getCursor()).toEqual({ n: 2 });
    expect(await cursorStore.load('test')).toEqual(before);
    expect(await cursorStore.state()).toEqual(stateOf(1, 2));
    expect(await factory.saveCursor(source)).toEqual(before);
    expect(await take(source.generateEvents())).toEqual([3, 4, 5]);
    await factory.saveCursor(source);
    expect(await cursorStore.state()).toEqual(stateOf(...range(1, 5)));
  };
  return { cursorStore, factory, source, expectUntouched };
}

describe('dryRun', () => {
  it('reads and transforms, and writes nothing', async () => {
    const { cursorStore, source, expectUntouched } = await live();
    const deadLetters = new ObservedLetters();
    const sink = new MemorySink<CountedEvent>();
    const report = await ingest({
      source,
      sink,
      cursorStore,
      deadLetters,
      dryRun: true,
      transform: (event) => {
        if (event.data.n === 3) throw new Error('three');
        return event.data.n === 4 ? undefined : event;
      },
    });
    expect(report).toMatchObject({ status: 'partial', read: 3, filtered: 1, deadLettered: 1, written: 0 });
    expect(report).toMatchObject({ cursorBefore: { n: 2 }, cursorAfter: { n: 2 } });
    expect(sink.events).toEqual([]);
    expect(await deadLetters.all()).toEqual([]);
    await expectUntouched();
  });

  it('of a store that the source does not know begins where that store says', async () => {
    const cursorStore = new ObservedStore();
    const create = () => Counting.create({ id: 'test', config: { last: 5 } });
    await ingest({ source: await create(), sink: () => {}, cursorStore, limit: 3 });
    const source = await create();
    const report = await ingest({ source, sink: () => {}, cursorStore, dryRun: true });
    expect(report).toMatchObject({ read: 2, cursorBefore: { n: 3 }, cursorAfter: { n: 3 } });
    expect(source.getCursor()).toBeUndefined();
    expect(cursorStore.saves).toHaveLength(1);
  });

  it('leaves a source without a store where it was, with what it remembers', async () => {
    const found: unknown[] = [];
    const source = new ReadSource(async function* (self, { cursor, state }) {
      found.push(await state.get('seen'));
      for (let n = (cursor?.n ?? 0) + 1; n <= 4; n += 1) {
        state.set('seen', n);
        yield self.item(n);
      }
    });
    await take(source.generateEvents({ limit: 2 }));
    await ingest({ source, sink: () => {}, cursorStore: new ObservedStore(), dryRun: true });
    await ingest({ source, sink: () => {}, dryRun: true });
    expect(await take(source.generateEvents())).toEqual([3, 4]);
    expect(found).toEqual([undefined, 2, 2, 2]);
  });

  it('of everything again looks at everything, and changes nothing', async () => {
    const { cursorStore, source, expectUntouched } = await live();
    const report = await ingest({ source, sink: () => {}, cursorStore, dryRun: true, fullRefresh: true });
    expect(report).toMatchObject({ read: 5, cursorBefore: undefined, cursorAfter: undefined });
    await expectUntouched();
  });

  it('tells of too many dead letters, and of what cannot be transformed', async () => {
    const transform = (): never => {
      throw new Error('no');
    };
    const options = { sink: () => {}, dryRun: true, transform };
    expect((await failureOf(ingest({ ...options, source: counting(2) }))).code).toBe('TRANSFORM_FAILED');
    const deadLetters = new ObservedLetters();
    expect((await failureOf(ingest({ ...options, source: counting(2), deadLetters }))).code).toBe(
      'TOO_MANY_DEAD_LETTERS',
    );
  });

  it('settles nothing', async () => {
    const failure = await failureOf(ingest({ source: new ReceivingSource(), sink: () => {}, dryRun: true }));
    expect(failure).toMatchObject({ code: 'ACKNOWLEDGE_REQUIRED', report: { status: 'failed' } });
  });
});

describe('fullRefresh', () => {
  it('begins again, and replaces cursor and state with the first save', async () => {
    const cursorStore = new ObservedStore();
    const create = (last: number) => Counting.create({ id: 'test', config: { last } });
    await ingest({ source: await create(5), sink: () => {}, cursorStore });
    cursorStore.saves.length = 0;
    const source = await create(2);
    const seen: unknown[] = [];
    const report = await ingest({
      source,
      cursorStore,
      fullRefresh: true,
      batch: { maxEvents: 1 },
      sink: async ({ events }) => void seen.push(events[0]?.data.n, Object.keys(await cursorStore.state()).length),
    });
    expect(report).toMatchObject({ read: 2, cursorBefore: undefined, cursorAfter: { n: 2 } });
    expect(seen).toEqual([1, 5, 2, 1]);
    expect(await cursorStore.state()).toEqual(stateOf(1, 2));
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
    expect(cursorStore.saves[1]?.state?.delete ?? []).toEqual([]);
  });

  it('that fails before the first save leaves the old cursor and state', async () => {
    const cursorStore = new ObservedStore();
    const source = await Counting.create({ id: 'test', config: { last: 3 } });
    await ingest({ source, sink: () => {}, cursorStore });
    const before = await cursorStore.load('test');
    const sink = (): never => {
      throw new FatalError('down');
    };
    await failureOf(ingest({ source, sink, cursorStore, fullRefresh: true }));
    expect(await cursorStore.load('test')).toEqual(before);
    expect(await cursorStore.state()).toEqual(stateOf(1, 2, 3));
    expect(await ingest({ source, sink: () => {}, cursorStore })).toMatchObject({ read: 0 });
  });

  it('a source whose store cannot be read stays where it was', async () => {
    const { source, expectUntouched, cursorStore } = await live();
    const load = cursorStore.load.bind(cursorStore);
    cursorStore.load = async () => {
      throw new FatalError('no store');
    };
    await failureOf(ingest({ source, sink: () => {}, cursorStore, fullRefresh: true }));
    cursorStore.load = load;
    await expectUntouched();
  });

  it('without a store forgets what the source remembers', async () => {
    const found: unknown[] = [];
    const source = new ReadSource(async function* (self, { cursor, state }) {
      found.push(cursor, await state.get('seen'));
      state.set('seen', true);
      yield self.item(1);
    });
    await ingest({ source, sink: () => {} });
    await ingest({ source, sink: () => {}, fullRefresh: true });
    expect(found).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('without a cursorStore', () => {
  it('a backfill leaves the live cursor and the place of the source alone', async () => {
    const { source, expectUntouched } = await live();
    const sink = new MemorySink<CountedEvent>();
    const report = await ingest({ source, sink, cursorStore: undefined, fullRefresh: true });
    expect(report).toMatchObject({ status: 'completed', read: 5, written: 5 });
    expect(sink.events).toHaveLength(5);
    await expectUntouched();
  });

  it('a backfill that fails does too', async () => {
    const { source, expectUntouched } = await live();
    const sink = (): never => {
      throw new FatalError('down');
    };
    await failureOf(ingest({ source, sink, batch: { maxEvents: 1 } }));
    await expectUntouched();
  });

  it('loses nothing that was acknowledged and is not saved yet', async () => {
    const { source, cursorStore, factory } = await live();
    await take(source.generateEvents({ limit: 1 }));
    await ingest({ source, sink: () => {} });
    await ingest({ source, sink: () => {}, cursorStore, dryRun: true });
    await factory.saveCursor(source);
    expect(await cursorStore.cursor()).toEqual({ n: 3 });
    expect(await cursorStore.state()).toEqual(stateOf(1, 2, 3));
  });

  it('a source that nobody keeps moves on, as when it is iterated', async () => {
    const source = counting(3);
    expect(await ingest({ source, sink: () => {}, limit: 2 })).toMatchObject({ cursorAfter: { n: 2 } });
    expect(source.getCursor()).toEqual({ n: 2 });
    expect(await ingest({ source, sink: () => {} })).toMatchObject({ read: 1 });
  });
});
