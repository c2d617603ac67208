import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MessagePage, MessageRange } from '../../../src/sources/slack/client.js';
import { type HistoryLimits, oldestFirst } from '../../../src/sources/slack/history.js';
import {
  compareTs,
  FIRST_TS,
  fromMicros,
  isAfter,
  justAfter,
  LAST_TS,
  timeOf,
  toMicros,
} from '../../../src/sources/slack/timestamp.js';

/** History as Slack gives it: newest first, within exclusive bounds, by a cursor, in pages of whatever size. */
class History {
  readonly #all: readonly bigint[];
  readonly #pageSize: (call: number) => number;
  calls = 0;
  mostHeld = 0;
  #held = 0;

  constructor(times: readonly bigint[], pageSize: (call: number) => number) {
    this.#all = [...new Set(times)].sort((left, right) => (left < right ? 1 : -1));
    this.#pageSize = pageSize;
  }

  /** Index of the first that is below a time, newest first. */
  #firstBelow(time: bigint): number {
    let [low, high] = [0, this.#all.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#all[middle] as bigint) >= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get timestamps(): string[] {
    return [...this.#all].reverse().map(fromMicros);
  }

  readonly ask = async (range: MessageRange, cursor: string | undefined): Promise<MessagePage> => {
    this.calls += 1;
    const [before, turn = '0'] = cursor?.split('/') ?? [];
    const bound = before === undefined ? toMicros(range.latest) : BigInt(before);
    const oldest = toMicros(range.oldest);
    const [from, to] = [this.#firstBelow(bound), this.#firstBelow(oldest + 1n)];
    const page = this.#all.slice(from, Math.min(to, from + this.#pageSize(this.calls)));
    this.#held = cursor === undefined ? page.length : this.#held + page.length;
    this.mostHeld = Math.max(this.mostHeld, this.#held);
    const next = from + page.length < to ? `${page.at(-1) ?? bound}/${Number(turn) + 1}` : undefined;
    return { items: page.map((at) => ({ ts: fromMicros(at) })), next, bytes: 0 };
  };
}

async function walk(history: History, options: { after?: string; limits: HistoryLimits; createdAt?: string }) {
  const { after = FIRST_TS, ...rest } = options;
  const got: string[] = [];
  const ends: string[] = [];
  for await (const { messages, upTo } of oldestFirst(history.ask, { channel: 'C1', after, ...rest })) {
    got.push(...messages.map(({ ts }) => ts));
    // Whatever was given is before the end, and all that comes is after it.
    for (const { ts } of messages) expect(isAfter(ts, upTo)).toBe(false);
    ends.push(upTo);
  }
  return { got, ends };
}

const SECOND = 1_000_000n;
const BASE = 1_718_000_000n * SECOND;

describe('history, oldest first', () => {
  it('is complete, in order and bounded, however messages lie in time and whatever the pages', async () => {
    const bursts = fc.array(
      fc.tuple(
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        fc.integer({ min: 1, max: 40 }),
      ),
      { maxLength: 6 },
    );
    const property = fc.asyncProperty(
      bursts,
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 }),
      fc.record({ messages: fc.integer({ min: 2, max: 30 }), pages: fc.integer({ min: 2, max: 10 }) }),
      fc.option(fc.bigInt({ min: 0n, max: 10n ** 15n }), { nil: undefined }),
      fc.option(fc.nat({ max: 200 }), { nil: undefined }),
      async (some, sizes, limits, createdAt, resumeAt) => {
        const times = some.flatMap(([from, step, count]) =>
          Array.from({ length: count }, (_, index) => from + BigInt(index) * step),
        );
        // Now and then a page is empty; never all of them.
        const history = new History(times, (call) => sizes[call % sizes.length] || (call % 2) * 3 || 1);
        const all = history.timestamps;
        const after = resumeAt === undefined ? FIRST_TS : (all[resumeAt % Math.max(1, all.length)] ?? FIRST_TS);
        const { got, ends } = await walk(history, {
          after,
          limits: { ...limits, bytes: Number.POSITIVE_INFINITY },
          ...(createdAt !== undefined && { createdAt: fromMicros(createdAt) }),
        });
        expect(got).toEqual(all.filter((ts) => isAfter(ts, after)));
        expect([...ends].sort(compareTs)).toEqual(ends);
        expect(history.mostHeld).toBeLessThanOrEqual(limits.messages + 9 + limits.pages * 9);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  it('holds no more than it was told to, and costs little more than the pages there are', async () => {
    const times = Array.from({ length: 100_000 }, (_, index) => BASE + BigInt(index) * 60n * SECOND);
    const history = new History(times, () => 200);
    let got = 0;
    let ends = 0;
    const options = {
      channel: 'C1',
      after: FIRST_TS,
      limits: { messages: 4_000, pages: 20, bytes: Number.POSITIVE_INFINITY },
      createdAt: fromMicros(BASE - SECOND),
    };
    for await (const { messages } of oldestFirst(history.ask, options)) {
      got += messages.length;
      ends += 1;
    }
    expect(got).toBe(100_000);
    expect(history.mostHeld).toBeLessThanOrEqual(4_200);
    expect(ends).toBeGreaterThan(20);
    expect(history.calls / 500).toBeLessThan(1.2);
  });

  it.each([
    ['a year of silence, then all at once', 365n * 86_400n * SECOND, SECOND],
    ['a burst within a second after years', 10n * 365n * 86_400n * SECOND, 50n],
  ])('costs little more after %s', async (_, silence, step) => {
    const times = [BASE, ...Array.from({ length: 20_000 }, (_, index) => BASE + silence + BigInt(index) * step)];
    const history = new History(times, () => 200);
    const options = { channel: 'C1', after: FIRST_TS, createdAt: fromMicros(BASE - SECOND) };
    let got = 0;
    for await (const { messages } of oldestFirst(history.ask, options)) got += messages.length;
    expect(got).toBe(20_001);
    expect(history.calls / 100).toBeLessThan(2);
  });

  it('costs little more where it is not known when the channel began', async () => {
    const times = Array.from({ length: 20_000 }, (_, index) => BASE + BigInt(index) * 60n * SECOND);
    const history = new History(times, () => 200);
    let got = 0;
    for await (const { messages } of oldestFirst(history.ask, { channel: 'C1', after: FIRST_TS }))
      got += messages.length;
    expect(got).toBe(20_000);
    expect(history.calls / 100).toBeLessThan(2);
  });

  it('begins to give after a few pages, not after the last', async () => {
    const times = Array.from({ length: 20_000 }, (_, index) => BASE + BigInt(index) * SECOND);
    const history = new History(times, () => 100);
    const limits = { messages: 2_000, pages: 20, bytes: Number.POSITIVE_INFINITY };
    const createdAt = fromMicros(BASE - SECOND);
    for await (const { messages } of oldestFirst(history.ask, { channel: 'C1', after: FIRST_TS, createdAt, limits })) {
      if (messages.length > 0) break;
    }
    expect(history.calls).toBeLessThan(60);
  });

  it('a server that goes round in circles is told, not believed to have ended', async () => {
    const ask = async (): Promise<MessagePage> => ({ items: [{ ts: '1718000000.000100' }], next: 'same', bytes: 0 });
    await expect(
      walk({ ask } as unknown as History, { limits: { messages: 99, pages: 99, bytes: 99 } }),
    ).rejects.toMatchObject({ code: 'PAGINATION_LOOP' });
  });
});

describe('SL1: a ts', () => {
  const micros = fc.bigInt({ min: 0n, max: 9_999_999_999_999_999n });

  it('is compared by seconds and fraction, exactly', () => {
    const property = fc.property(micros, micros, (left, right) => {
      const expected = left === right ? 0 : left < right ? -1 : 1;
      expect(Math.sign(compareTs(fromMicros(left), fromMicros(right)))).toBe(expected);
      expect(toMicros(fromMicros(left))).toBe(left);
    });
    fc.assert(property);
    expect(compareTs('1718000000.0001', '1718000000.000100')).toBe(0);
    expect(compareTs('999999999.9', '1000000000.000000')).toBe(-1);
  });

  it('has a next one that is a microsecond later, and a time with all six digits', () => {
    expect(justAfter('1718000000.999999')).toBe('1718000001.000000');
    expect(timeOf('1718000000.000100')).toBe('2024-06-10T06:13:20.000100Z');
    expect(() => toMicros('yesterday')).toThrow('is not the ts of a message');
    expect(isAfter(LAST_TS, '1718000000.000100') && isAfter('1718000000.000100', FIRST_TS)).toBe(true);
  });
});
