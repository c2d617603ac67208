import type { EventGenerator } from 'headwater';
import { describe, expect, it } from 'vitest';
import { numberOf, range, take, turns } from '../support/observing.js';
import { BatchSource, counting, never, pages, ReadSource, type TestEvent } from '../support/test-sources.js';

const kinds = [
  { name: 'a read() source', create: () => counting(5) },
  { name: 'a batch source with cursorAt', create: () => pages(5, 3) },
  { name: 'a batch source with cursorAt and settle', create: () => settling(5, 3) },
  { name: 'a batch source with pages of one', create: () => pages(5, 1, { cursorAt: false }) },
];

const drivers: { name: string; begin(events: EventGenerator<TestEvent>): AsyncIterator<TestEvent, void> }[] = [
  { name: 'next() of the generator', begin: (events) => events },
  { name: 'its async iterator', begin: (events) => events[Symbol.asyncIterator]() },
];

describe.each(kinds)('$name', ({ create }) => {
  it('AG4: asking for the next event acknowledges the one in hand, and only that', async () => {
    const source = create();
    const seen: unknown[] = [];
    for await (const event of source.generateEvents()) seen.push([numberOf(event), source.getCursor()?.n]);
    expect(seen).toEqual([
      [1, undefined],
      [2, 1],
      [3, 2],
      [4, 3],
      [5, 4],
    ]);
    expect(source.getCursor()).toEqual({ n: 5 });
    expect(source.getStats()).toMatchObject({ events: 5, acknowledged: 5 });
  });

  it('AG4: break leaves the event in hand unacknowledged, and it comes again', async () => {
    const source = create();
    expect(await take(source.generateEvents(), 3)).toEqual([1, 2, 3]);
    expect(source.getCursor()).toEqual({ n: 2 });
    expect(await take(source.generateEvents())).toEqual([3, 4, 5]);
    expect(source.getCursor()).toEqual({ n: 5 });
  });

  it('AG4: a throw in the body leaves the event in hand unacknowledged, and it comes again', async () => {
    const source = create();
    const consume = async () => {
      for await (const event of source.generateEvents()) if (numberOf(event) === 2) throw new Error('the body failed');
    };
    await expect(consume()).rejects.toThrow('the body failed');
    expect(source.getCursor()).toEqual({ n: 1 });
    expect(await take(source.generateEvents())).toEqual([2, 3, 4, 5]);
  });

  it('X1: stopped after every prefix and resumed from the saved cursor by another instance, nothing is missing', async () => {
    for (let prefix = 0; prefix <= 5; prefix += 1) {
      const first = create();
      const before = prefix === 0 ? [] : await take(first.generateEvents(), prefix);
      const saved = JSON.parse(JSON.stringify(first.getCursor() ?? null));
      const second = create();
      second.setCursor(saved ?? undefined);
      const after = await take(second.generateEvents());
      expect([...new Set([...before, ...after])]).toEqual([1, 2, 3, 4, 5]);
      expect(before.filter((n) => after.includes(n)).length).toBeLessThanOrEqual(1);
    }
  });

  describe.each(drivers)('driven by $name', ({ begin }) => {
    it('AG8: overlapping next() calls keep order and acknowledge nothing while more than one is outstanding', async () => {
      const source = create();
      const events = begin(source.generateEvents());
      const first = await events.next();
      expect(numberOf(first.value as TestEvent)).toBe(1);
      const outstanding = [events.next(), events.next(), events.next()];
      const values = (await Promise.all(outstanding)).map(({ value }) => numberOf(value as TestEvent));
      expect(values).toEqual([2, 3, 4]);
      // Only the call that was made while nothing was outstanding acknowledged something.
      expect(source.getCursor()).toEqual({ n: 1 });
      await events.next();
      expect(source.getCursor()).toEqual({ n: 4 });
    });

    it('AG8: the first calls may overlap too', async () => {
      const source = create();
      const events = begin(source.generateEvents());
      const results = await Promise.all([events.next(), events.next(), events.next()]);
      expect(results.map(({ value }) => numberOf(value as TestEvent))).toEqual([1, 2, 3]);
      expect(source.getCursor()).toBeUndefined();
      await events.return?.();
      expect(await take(source.generateEvents())).toEqual([1, 2, 3, 4, 5]);
    });

    it('AG8: overlapping calls beyond the end are answered with the end', async () => {
      const source = create();
      const events = begin(source.generateEvents());
      const results = await Promise.all(range(1, 8).map(() => events.next()));
      expect(results.map(({ done }) => done === true)).toEqual([false, false, false, false, false, true, true, true]);
      expect(await events.next()).toEqual({ value: undefined, done: true });
    });
  });
});

it('AG8: very many overlapping calls are answered', async () => {
  const events = pages(30_000, 30_000).generateEvents();
  const results = await Promise.all(range(1, 30_000).map(() => events.next()));
  expect(results.map(({ value }) => numberOf(value as TestEvent))).toEqual(range(1, 30_000));
});

it('a batch with a cursor and no cursorAt moves the cursor only as a whole', async () => {
  const source = pages(6, 3, { cursorAt: false });
  const cursors: unknown[] = [];
  for await (const event of source.generateEvents()) cursors.push([numberOf(event), source.getCursor()?.n]);
  expect(cursors).toEqual([
    [1, undefined],
    [2, undefined],
    [3, undefined],
    [4, 3],
    [5, 3],
    [6, 3],
  ]);
  expect(source.getCursor()).toEqual({ n: 6 });
});

it('X2: three events of equal cursor value over a page boundary all come, whatever is acknowledged in between', async () => {
  // The upstream sorts by a value that three rows share; a page holds two of them.
  const rows = [10, 20, 20, 20, 30].map((value, index) => ({ value, n: index + 1 }));
  const create = (cursor?: { n: number }) =>
    new BatchSource(
      async function* (source, context) {
        for (let from = context.cursor?.n ?? 0; from < rows.length; from += 2) {
          const page = rows.slice(from, from + 2);
          const events = page.flatMap(({ n }) => source.items(n, n));
          yield { events, cursor: { n: from + page.length }, cursorAt: (count) => ({ n: from + count }) };
        }
      },
      cursor === undefined ? {} : { cursor },
    );
  const first = create();
  expect(await take(first.generateEvents(), 3)).toEqual([1, 2, 3]);
  expect(await take(create(first.getCursor()).generateEvents())).toEqual([3, 4, 5]);
});

it('X3: an error on the second page leaves the cursor at the last safe position, and the next run brings the rest', async () => {
  let failures = 1;
  const source = new BatchSource(async function* (self, { cursor }) {
    for (let from = (cursor?.n ?? 0) + 1; from <= 6; from += 2) {
      if (from === 3 && failures-- > 0) throw new Error('page 2 failed');
      yield { events: self.items(from, from + 1), cursor: { n: from + 1 } };
    }
  });
  await expect(take(source.generateEvents())).rejects.toThrow('page 2 failed');
  expect(source.getCursor()).toEqual({ n: 2 });
  expect(await take(source.generateEvents())).toEqual([3, 4, 5, 6]);
});

it('X4: the same upstream item read by two sources gives the same id', async () => {
  const idsOf = async () => {
    const ids: string[] = [];
    for await (const event of counting(4).generateEvents()) ids.push(`${event.source} ${event.id}`);
    return ids;
  };
  expect(await idsOf()).toEqual(await idsOf());
});

it('next() acknowledges the event in hand also when it then rejects', async () => {
  const source = new ReadSource(async function* (self) {
    yield self.item(1);
    throw new Error('upstream failed');
  });
  const events = source.generateEvents();
  await events.next();
  await expect(events.next()).rejects.toThrow('upstream failed');
  expect(source.getCursor()).toEqual({ n: 1 });
});

it('an event without a cursor is acknowledged with the next one that has one', async () => {
  const source = new ReadSource(async function* (self) {
    yield self.item(1);
    yield self.item(2, null);
    yield self.item(3);
    yield self.item(4, null);
  });
  expect(await take(source.generateEvents(), 3)).toEqual([1, 2, 3]);
  expect(source.getCursor()).toEqual({ n: 1 });
  await take(source.generateEvents());
  expect(source.getCursor()).toEqual({ n: 3 });
});

it('events made in advance keep the cursor that was given for each', async () => {
  const source = new ReadSource(async function* (self) {
    const made = range(1, 4).map((n) => self.item(n));
    yield* made;
  });
  const cursors: unknown[] = [];
  for await (const _ of source.generateEvents()) cursors.push(source.getCursor()?.n);
  expect(cursors).toEqual([undefined, 1, 2, 3]);
});

it('two iterations of one source one after another deliver what each leaves', async () => {
  const source = counting(4);
  expect(await take(source.generateEvents({ limit: 2 }))).toEqual([1, 2]);
  expect(await take(source.generateEvents())).toEqual([3, 4]);
  expect(await take(source.generateEvents())).toEqual([]);
});

it('asking for the next batch acknowledges the one in hand; break does not', async () => {
  const source = pages(6, 2);
  const cursors: unknown[] = [];
  for await (const batch of source.generateBatches()) {
    cursors.push([batch.events.map(numberOf), source.getCursor()?.n, batch.cursor?.n]);
    if (cursors.length === 2) break;
  }
  expect(cursors).toEqual([
    [[1, 2], undefined, 2],
    [[3, 4], 2, 4],
  ]);
  expect(source.getCursor()).toEqual({ n: 2 });
  const again: unknown[] = [];
  for await (const batch of source.generateBatches()) again.push(...batch.events.map(numberOf));
  expect(again).toEqual([3, 4, 5, 6]);
});

it('a batch without events still moves the cursor', async () => {
  const source = new BatchSource(async function* (self) {
    yield { events: self.items(1, 1), cursor: { n: 1 } };
    yield { events: [], cursor: { n: 7 } };
  });
  expect(await take(source.generateEvents())).toEqual([1]);
  expect(source.getCursor()).toEqual({ n: 7 });
  source.setCursor(undefined);
  for await (const batch of source.generateBatches()) expect(batch.events).toHaveLength(1);
  expect(source.getCursor()).toEqual({ n: 7 });
});

it('a batch without events does not move the cursor past what is in hand', async () => {
  const source = new BatchSource(async function* (self) {
    yield { events: self.items(1, 1), cursor: { n: 1 } };
    yield { events: [], cursor: { n: 7 } };
    await never();
  });
  const batches = source.generateBatches({ settlement: 'explicit' });
  const first = await batches.next();
  void batches.next();
  await turns();
  expect(source.getCursor()).toBeUndefined();
  await first.value?.ack();
  expect(source.getCursor()).toEqual({ n: 7 });
  await batches.return();
});

function settling(last: number, size: number): BatchSource {
  return new BatchSource(async function* (source, { cursor }) {
    for (let from = (cursor?.n ?? 0) + 1; from <= last; from += size) {
      const to = Math.min(last, from + size - 1);
      const first = from;
      yield {
        events: source.items(from, to),
        cursor: { n: to },
        cursorAt: (count) => ({ n: first - 1 + count }),
        settle: async () => turns(1),
      };
    }
  });
}
