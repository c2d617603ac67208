import { ConfigError, type EventBatch } from 'headwater';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { afterTurns, numberOf, range, take, turns } from '../support/observing.js';
import {
  BatchSource,
  counting,
  never,
  pages,
  ReadSource,
  type TestBatch,
  type TestEvent,
} from '../support/test-sources.js';

describe('limit', () => {
  it('ends with the last acknowledged and never reads one more', async () => {
    let asked = 0;
    const source = new ReadSource(async function* (self, { cursor }) {
      for (let n = (cursor?.n ?? 0) + 1; ; n += 1) {
        asked = n;
        if (n > 3) await never();
        yield self.item(n);
      }
    });
    expect(await take(source.generateEvents({ limit: 3 }))).toEqual([1, 2, 3]);
    expect(asked).toBe(3);
    expect(source.getCursor()).toEqual({ n: 3 });
  });

  it('ends within a page with the last acknowledged', async () => {
    const source = pages(10, 4);
    expect(await take(source.generateEvents({ limit: 6 }))).toEqual(range(1, 6));
    expect(source.getCursor()).toEqual({ n: 6 });
    expect(await take(source.generateEvents({ limit: 2 }))).toEqual([7, 8]);
    expect(source.getCursor()).toEqual({ n: 8 });
  });

  it('reads no page more than it needs', async () => {
    let read = 0;
    const source = new BatchSource(async function* (self) {
      for (let page = 0; page < 5; page += 1) {
        read += 1;
        yield { events: self.items(page * 2 + 1, page * 2 + 2), cursor: { n: page * 2 + 2 } };
      }
    });
    expect(await take(source.generateEvents({ limit: 4 }))).toEqual([1, 2, 3, 4]);
    expect(read).toBe(2);
    expect(source.getCursor()).toEqual({ n: 4 });
  });

  it('of 0 reads nothing', async () => {
    const source = new ReadSource(() => {
      throw new Error('asked for events');
    });
    const read = new BatchSource(async function* (self) {
      yield { events: self.items(1, 1), cursor: { n: 1 } };
    });
    expect(await take(read.generateEvents({ limit: 0 }))).toEqual([]);
    expect(await take(counting(3).generateEvents({ limit: 0 }))).toEqual([]);
    expect(read.getCursor()).toBeUndefined();
    await expect(take(source.generateEvents())).rejects.toThrow('asked for events');
  });

  it('counts the events of batches, and cuts the last one where it may be cut', async () => {
    const source = pages(10, 4);
    expect(await numbersOf(source.generateBatches({ limit: 6 }))).toEqual([range(1, 4), [5, 6]]);
    expect(source.getCursor()).toEqual({ n: 6 });
  });
});

describe('until', () => {
  it('ends normally at the instant, although upstream hangs', async () => {
    const clock = new FakeClock(10_000);
    const source = new ReadSource(
      async function* (self, { signal }) {
        yield self.item(1);
        yield self.item(2);
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
      { clock },
    );
    const events = source.generateEvents({ until: new Date(11_000), follow: true });
    await events.next();
    await events.next();
    const pending = events.next();
    expect(await afterTurns(pending)).toBe('pending');
    await clock.advance(1_000);
    expect(await afterTurns(pending)).toEqual({ value: { value: undefined, done: true } });
    expect(source.getCursor()).toEqual({ n: 2 });
    expect(clock.sleeping).toBe(0);
  });

  it('that is past already opens nothing', async () => {
    const source = new ReadSource(() => {
      throw new Error('opened');
    });
    expect(await take(source.generateEvents({ until: new Date(0) }))).toEqual([]);
  });

  it('is passed on to the source', async () => {
    const until = new Date(Date.now() + 60_000);
    let seen: Date | undefined;
    const source = new ReadSource(async function* (_, context) {
      seen = context.until;
      yield* [];
    });
    await take(source.generateEvents({ until }));
    expect(seen).toBe(until);
  });
});

describe('acknowledge: false', () => {
  it('touches nothing: cursor, state, statistics of acknowledgement', async () => {
    const states: unknown[] = [];
    const source = new ReadSource(async function* (self, { cursor, state }) {
      states.push(await state.get('seen'));
      for (let n = (cursor?.n ?? 0) + 1; n <= 3; n += 1) {
        state.set('seen', n);
        yield self.item(n);
      }
    });
    expect(await take(source.generateEvents({ acknowledge: false }))).toEqual([1, 2, 3]);
    expect(await take(source.generateEvents({ acknowledge: false, limit: 2 }))).toEqual([1, 2]);
    expect(await numbersOf(source.generateBatches({ acknowledge: false }))).toEqual([[1, 2, 3]]);
    expect(source.getCursor()).toBeUndefined();
    expect(source.getStats().acknowledged).toBe(0);
    expect(await take(source.generateEvents())).toEqual([1, 2, 3]);
    expect(states).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('keeps the cursor of an earlier run', async () => {
    const source = pages(6, 2);
    await take(source.generateEvents({ limit: 2 }));
    expect(await take(source.generateEvents({ acknowledge: false }))).toEqual([3, 4, 5, 6]);
    expect(source.getCursor()).toEqual({ n: 2 });
  });
});

describe('batches', () => {
  it('are handed out untouched without limits: the very array of the source', async () => {
    const made: (readonly TestEvent[])[] = [];
    const source = new BatchSource(async function* (self) {
      for (const [from, to] of [
        [1, 3],
        [4, 4],
      ] as const) {
        const events = self.items(from, to);
        made.push(events);
        yield { events, cursor: { n: to } };
      }
    });
    const taken: (readonly TestEvent[])[] = [];
    for await (const batch of source.generateBatches()) taken.push(batch.events);
    expect(taken).toHaveLength(2);
    for (const [index, events] of taken.entries()) expect(events).toBe(made[index]);
  });

  it('are cut and filled to maxEvents where a position can be told for every event', async () => {
    const batches: [unknown, unknown][] = [];
    for await (const batch of pages(10, 4).generateBatches({ maxEvents: 3 })) {
      batches.push([batch.events.map(numberOf), batch.cursor?.n]);
    }
    expect(batches).toEqual([
      [[1, 2, 3], 3],
      [[4, 5, 6], 6],
      [[7, 8, 9], 9],
      [[10], 10],
    ]);
  });

  it('with a cursor and no cursorAt are never cut: whole ones are put together while they fit', async () => {
    const source = pages(12, 4, { cursorAt: false });
    expect(await numbersOf(source.generateBatches({ maxEvents: 3 }))).toEqual([range(1, 4), range(5, 8), range(9, 12)]);
    source.setCursor(undefined);
    expect(await numbersOf(source.generateBatches({ maxEvents: 9 }))).toEqual([range(1, 8), range(9, 12)]);
  });

  it('that changed state are never cut', async () => {
    const source = new BatchSource(async function* (self, { state }) {
      for (let from = 1; from <= 8; from += 4) {
        const first = from;
        state.set('last', from);
        yield {
          events: self.items(from, from + 3),
          cursor: { n: from + 3 },
          cursorAt: (count) => ({ n: first - 1 + count }),
        };
      }
    });
    expect(await numbersOf(source.generateBatches({ maxEvents: 3 }))).toEqual([range(1, 4), range(5, 8)]);
  });

  it('hold at most maxBytes, but always one event', async () => {
    const size = JSON.stringify(pages(1, 1).items(1, 1)[0]).length;
    const source = pages(6, 6);
    expect(await numbersOf(source.generateBatches({ maxBytes: size * 2 }))).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    source.setCursor(undefined);
    expect(await numbersOf(source.generateBatches({ maxBytes: 1 }))).toEqual(range(1, 6).map((n) => [n]));
  });

  it('wait to be filled for maxWaitMs from their first event', async () => {
    const clock = new FakeClock();
    const waits = [100, 100, 500];
    const source = new BatchSource(
      async function* (self, { signal }) {
        for (const [index, wait] of waits.entries()) {
          await clock.sleep(wait, signal);
          yield { events: self.items(index + 1, index + 1), cursor: { n: index + 1 } };
        }
      },
      { clock },
    );
    const batches = source.generateBatches({ maxEvents: 100, maxWaitMs: 300 });
    const pending = batches.next();
    await turns();
    await clock.advance(200);
    expect(await afterTurns(pending)).toBe('pending');
    await clock.advance(200);
    expect((await pending).value?.events.map(numberOf)).toEqual([1, 2]);
    const rest = batches.next();
    await turns();
    await clock.advance(1_000);
    expect((await rest).value?.events.map(numberOf)).toEqual([3]);
    expect((await batches.next()).done).toBe(true);
    expect(clock.sleeping).toBe(0);
  });

  it('are full at once with what is ready, whatever maxWaitMs', async () => {
    const batches = pages(100, 10).generateBatches({ maxEvents: 25, maxWaitMs: 3_600_000 });
    expect((await batches.next()).value?.events).toHaveLength(25);
    await batches.return();
  });

  it('of a read() source are what is ready', async () => {
    expect(await numbersOf(counting(5).generateBatches())).toEqual([range(1, 5)]);
    expect(await numbersOf(counting(5).generateBatches({ maxEvents: 2 }))).toEqual([[1, 2], [3, 4], [5]]);
    const waiting = new ReadSource(async function* (self) {
      yield self.item(1);
      yield self.item(2);
      await never();
    });
    const batches = waiting.generateBatches();
    expect((await batches.next()).value?.events.map(numberOf)).toEqual([1, 2]);
    void batches.return();
  });

  it('tell the source how many the consumer takes at once', async () => {
    const seen: number[] = [];
    const source = new ReadSource(async function* (_, { maxEvents }) {
      seen.push(maxEvents);
      yield* [];
    });
    await take(source.generateEvents());
    await numbersOf(source.generateBatches({ maxEvents: 7 }));
    expect(seen).toEqual([1, 7]);
  });

  it('a batch of a class with methods keeps its this', async () => {
    class Page {
      readonly #last: number;
      readonly events;
      settled = 0;
      constructor(self: BatchSource, last: number) {
        this.#last = last;
        this.events = self.items(1, last);
      }
      get cursor() {
        return { n: this.#last };
      }
      cursorAt(count: number) {
        return { n: Math.min(count, this.#last) };
      }
      settle(acknowledged: number) {
        this.settled = acknowledged + 0 * this.#last;
      }
    }
    let page: Page | undefined;
    const source = new BatchSource(async function* (self): AsyncGenerator<TestBatch> {
      page = new Page(self, 3);
      yield page;
    });
    expect(await take(source.generateEvents({ acknowledge: false }))).toEqual([1, 2, 3]);
    expect(await take(source.generateEvents(), 3)).toEqual([1, 2, 3]);
    expect(source.getCursor()).toEqual({ n: 2 });
    expect(page?.settled).toBe(2);
  });
});

it.each([
  [{ limit: -1 }, 'limit'],
  [{ limit: Number.NaN }, 'limit'],
  [{ maxEvents: 0 }, 'maxEvents'],
  [{ maxBytes: Number.NaN }, 'maxBytes'],
  [{ maxWaitMs: -5 }, 'maxWaitMs'],
  [{ until: new Date('never') }, 'until'],
])('options that make no sense are refused: %o', async (options, name) => {
  const failure = await counting(3)
    .generateBatches(options)
    .next()
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConfigError);
  expect(failure).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(name) });
});

async function numbersOf(batches: AsyncIterable<EventBatch<TestEvent>>): Promise<unknown[][]> {
  const numbers: unknown[][] = [];
  for await (const { events } of batches) numbers.push(events.map(numberOf));
  return numbers;
}
