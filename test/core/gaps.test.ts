import { GapError, isGap, type SourceEvent } from 'headwater';
import { describe, expect, it } from 'vitest';
import { numberOf, take } from '../support/observing.js';
import { BatchSource, ReadSource, ReceivingSource, type TestEvent, type TestOptions } from '../support/test-sources.js';

/** 1, 2, a gap, 3: with the gap in every position that a source may put it in. */
const kinds: { name: string; create(options?: TestOptions): ReadSource | BatchSource }[] = [
  {
    name: 'a read() source',
    create: (options) =>
      new ReadSource(async function* (self, { cursor }) {
        if ((cursor?.n ?? 0) < 1) yield self.item(1);
        if ((cursor?.n ?? 0) < 2) yield self.item(2);
        if ((cursor?.n ?? 0) < 2.5) yield self.hole('expired', { n: 2.5 });
        yield self.item(3);
      }, options),
  },
  {
    name: 'a read() source that makes its events in advance',
    create: (options) =>
      new ReadSource(async function* (self, { cursor }) {
        const after = cursor?.n ?? 0;
        const made = [self.item(1), self.item(2), self.hole('expired', { n: 2.5 }), self.item(3)];
        yield* made.slice([1, 2, 2.5, 3].findIndex((n) => n > after));
      }, options),
  },
  {
    name: 'a page with the gap in it',
    create: (options) =>
      new BatchSource(async function* (self, { cursor }) {
        const after = cursor?.n ?? 0;
        const ends = [1, 2, 2.5, 3].filter((n) => n > after);
        const events = [...self.items(1, 2), self.hole('expired'), ...self.items(3, 3)].slice(-ends.length);
        yield { events, cursor: { n: 3 }, cursorAt: (count) => ({ n: ends[count - 1] ?? 0 }) };
      }, options),
  },
  {
    name: 'pages made in advance, the gap alone on one',
    create: (options) =>
      new BatchSource(async function* (self, { cursor }) {
        const after = cursor?.n ?? 0;
        const batches = [
          { events: self.items(1, 1), cursor: { n: 1 } },
          { events: self.items(2, 2), cursor: { n: 2 } },
          { events: [self.hole('expired')], cursor: { n: 2.5 } },
          { events: self.items(3, 3), cursor: { n: 3 } },
        ];
        yield* batches.filter((batch) => batch.cursor.n > after);
      }, options),
  },
];

describe.each(kinds)('$name', ({ create }) => {
  it('X5: the run ends with a GapError by default, after the good events before it; the cursor stays', async () => {
    const source = create();
    const seen: unknown[] = [];
    const consume = async () => {
      for await (const event of source.generateEvents()) seen.push(numberOf(event));
    };
    await expect(consume()).rejects.toThrow(GapError);
    expect(seen).toEqual([1, 2]);
    expect(source.getCursor()).toEqual({ n: 2 });
    // Silently going on is not an option the next time either.
    await expect(consume()).rejects.toThrow(GapError);
    expect(source.getCursor()).toEqual({ n: 2 });
  });

  it('X5: the error says what, why, from where to where, and how to go on', async () => {
    const failure = await take(create().generateEvents()).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'GapError',
      code: 'GAP',
      sourceId: 'test',
      gap: { type: 'headwater.gap', data: { reason: 'retention', detail: 'expired', from: 1, to: 2 } },
    });
    expect((failure as Error).message).toMatch(/expired.*onGap: 'emit'/s);
  });

  it("X5: with onGap: 'emit' the gap is delivered in its place and the run goes on", async () => {
    const source = create({ onGap: 'emit' });
    expect(await take(source.generateEvents())).toEqual([1, 2, 'gap', 3]);
    expect(source.getCursor()).toEqual({ n: 3 });
    expect(source.getStats().gaps).toBeGreaterThanOrEqual(1);
  });

  it('X5: batches end with the good events before the gap, too', async () => {
    for (const options of [{}, { maxEvents: 1 }, { maxEvents: 100, maxWaitMs: 5 }]) {
      const source = create();
      const seen: unknown[] = [];
      const consume = async () => {
        for await (const { events } of source.generateBatches(options)) seen.push(...events.map(numberOf));
      };
      await expect(consume()).rejects.toThrow(GapError);
      expect(seen).toEqual([1, 2]);
      expect(source.getCursor()).toEqual({ n: 2 });
    }
  });

  it('a gap can be looked at without acknowledging', async () => {
    const source = create({ onGap: 'emit' });
    expect(await take(source.generateEvents({ acknowledge: false }))).toEqual([1, 2, 'gap', 3]);
    expect(source.getCursor()).toBeUndefined();
  });
});

it('a gap before the first event ends the run at once, and the iteration is over', async () => {
  const source = new ReadSource(async function* (self) {
    yield self.hole('nothing left', { n: 9 });
    yield self.item(10);
  });
  const events = source.generateEvents();
  await expect(events.next()).rejects.toThrow(GapError);
  expect(await events.next()).toEqual({ value: undefined, done: true });
  expect(source.getCursor()).toBeUndefined();
  expect(source.getStatus().state).toBe('failed');
});

it('an at-most-once source and a push source emit gaps by default', async () => {
  class Lossy extends ReadSource {
    static readonly definition = {
      type: 'test',
      config: undefined as never,
      capabilities: { kind: 'pull', delivery: 'at-most-once', position: 'none', ids: 'per-receipt', deletes: false },
      events: {},
    } as const;
  }
  const create = (options: TestOptions) =>
    new Lossy(async function* (self) {
      yield self.hole('away', undefined, 'disconnected');
      yield self.item(1);
    }, options);
  expect(await take(create({}).generateEvents())).toEqual(['gap', 1]);
  await expect(take(create({ onGap: 'throw' }).generateEvents())).rejects.toThrow(GapError);
  const receiving = new ReceivingSource({ maxEvents: 1, whenFull: 'drop-newest' });
  receiving.receive(1).catch(() => {});
  receiving.receive(2).catch(() => {});
  expect(await take(receiving.generateEvents(), 2)).toEqual([1, 'gap']);
});

it('a gap made by event() counts like any other', async () => {
  const source = new ReadSource(async function* (self) {
    yield self.item(1);
    yield self.madeByHand();
  });
  await expect(take(source.generateEvents())).rejects.toThrow(GapError);
});

it('a gap has an id that tells what is missing: the same one for the same gap, another for another', () => {
  const source = new ReadSource(async function* () {});
  const gaps = [
    source.hole('a'),
    source.hole('a'),
    source.madeGap('disconnected', 'lost 1', {}),
    source.madeGap('disconnected', 'lost 2', {}),
    source.madeGap('overflow', 'dropped', { from: 'a', to: 'b', count: 3 }),
  ] as (TestEvent & SourceEvent)[];
  expect(gaps.every(isGap)).toBe(true);
  const ids = gaps.map(({ id }) => id);
  expect(ids[0]).toBe(ids[1]);
  expect(new Set(ids).size).toBe(4);
});
