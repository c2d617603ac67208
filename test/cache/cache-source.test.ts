import { type EventSource, GapError, type SourceEvent } from 'headwater';
import { type CacheOptions, cacheSource } from 'headwater/cache';
import { FilesystemSource } from 'headwater/sources/filesystem';
import { FakeClock, type SourceHarness, testSource } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { take } from '../support/observing.js';
import { BatchSource } from '../support/test-sources.js';
import { type Config, cursorOf, type Options, type OrderEvent, Orders } from '../testing/planted/right.js';
import { type Position, Shop } from '../testing/planted/shop.js';

async function open(options: Partial<CacheOptions> = {}) {
  const shop = new Shop();
  const clock = new FakeClock();
  const { config, credentials } = shop;
  const source = await Orders.create({ id: 'orders', config, credentials, clock });
  return { shop, clock, source, cached: cacheSource(source, { ttlMs: 60_000, ...options }) };
}

async function numbersOf(source: EventSource<OrderEvent, Position, Config>, count = 1_000): Promise<number[]> {
  const numbers: number[] = [];
  for await (const event of source.generateEvents()) {
    numbers.push(event.data.number);
    if (numbers.length === count) break;
  }
  return numbers;
}

const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, at) => first + at);

describe('cacheSource', () => {
  it('answers from memory what was read before, without a request', async () => {
    const { shop, cached } = await open();
    expect(await numbersOf(cached)).toEqual(upTo(10));
    const { requests } = shop;
    for (let round = 0; round < 3; round += 1) {
      cached.setCursor(undefined);
      expect(await numbersOf(cached)).toEqual(upTo(10));
    }
    expect(shop.requests).toBe(requests);
  });

  it('asks for what is new when its time is over, and for nothing else', async () => {
    const { shop, clock, cached } = await open();
    await numbersOf(cached);
    shop.place();
    const { requests } = shop;
    expect(await numbersOf(cached)).toEqual([]);
    expect(shop.requests).toBe(requests);
    await clock.advance(60_000);
    expect(await numbersOf(cached)).toEqual([11]);
    expect(shop.requests).toBe(requests + 2);
    cached.setCursor(undefined);
    expect(await numbersOf(cached)).toEqual(upTo(11));
    expect(shop.requests).toBe(requests + 2);
  });

  it('goes on from any cursor, also within a batch', async () => {
    const { shop, cached } = await open();
    await numbersOf(cached);
    const { requests } = shop;
    for (let number = 1; number <= 10; number += 1) {
      cached.setCursor(cursorOf(shop.orders[number - 1]));
      expect(await numbersOf(cached)).toEqual(upTo(10, number + 1));
    }
    expect(shop.requests).toBe(requests);
  });

  it('reads on where an earlier iteration was broken off', async () => {
    const { shop, cached } = await open();
    expect(await numbersOf(cached, 5)).toEqual(upTo(5));
    expect(shop.handed.size).toBe(6);
    cached.setCursor(undefined);
    expect(await numbersOf(cached)).toEqual(upTo(10));
    // Two pages were kept; three more were asked for, the last of them empty.
    expect(shop.requests).toBe(5);
  });

  it.each([
    ['events', { maxEvents: 4 }],
    ['bytes', { maxBytes: 1_000 }],
  ])('keeps no more %s than it may, the newest of them', async (_, limits) => {
    const { shop, cached } = await open(limits);
    expect(await numbersOf(cached)).toEqual(upTo(10));
    const { requests } = shop;
    cached.setCursor(cursorOf(shop.orders[8]));
    expect(await numbersOf(cached)).toEqual([10]);
    expect(shop.requests).toBe(requests);
    cached.setCursor(undefined);
    expect(await numbersOf(cached)).toEqual(upTo(10));
    expect(shop.requests).toBeGreaterThan(requests);
  });

  it('asks again after a failure, and has lost nothing', async () => {
    const { shop, clock, cached } = await open();
    shop.fail('permanent', 2);
    const seen: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const event of cached.generateEvents()) seen.push(event.data.number);
    };
    await expect(reading()).rejects.toMatchObject({ name: 'AuthenticationError' });
    expect(seen).toEqual(upTo(6));
    shop.fail('transient', 99);
    await clock.advance(0);
    await reading();
    expect(seen).toEqual(upTo(10));
  });

  it('a gap ends every run that comes to it', async () => {
    const source = new BatchSource(async function* (own, { cursor }) {
      if (cursor === undefined) yield { events: own.items(1, 2), cursor: { n: 2 } };
      yield { events: [own.hole('gone')], cursor: { n: 3 } };
      yield { events: own.items(4, 5), cursor: { n: 5 } };
    });
    const cached = cacheSource(source, { ttlMs: 60_000 });
    for (let round = 0; round < 3; round += 1) {
      cached.setCursor(undefined);
      await expect(take(cached.generateEvents())).rejects.toBeInstanceOf(GapError);
      expect(cached.getCursor()).toEqual({ n: 2 });
    }
  });

  it('stands in for its source: id, type, origin, validate; and closes it', async () => {
    const { source, cached, shop } = await open();
    expect([cached.id, cached.type, cached.config, await cached.origin()]).toEqual([
      source.id,
      source.type,
      source.config,
      await source.origin(),
    ]);
    expect(cached.capabilities).toEqual(source.capabilities);
    expect(await cached.validate()).toEqual({ ok: true, problems: [] });
    shop.fail('permanent', 0);
    expect(await cached.validate()).toMatchObject({ ok: false });
    await cached.close();
    expect(source.getStatus().state).toBe('closed');
  });

  it('refuses a source whose cursor does not say all', async () => {
    const source = await FilesystemSource.create({ id: 'files', config: { dir: '.' } });
    expect(() => cacheSource(source as unknown as EventSource<SourceEvent>, { ttlMs: 1 })).toThrow(
      /source "files" cannot be cached: its cursor alone does not say where it goes on/,
    );
  });

  const harness: SourceHarness<Shop> = {
    source: {
      definition: Orders.definition as never,
      create: async (options: Options) => cacheSource(await Orders.create(options), { ttlMs: 0 }),
    },
    open: async () => new Shop(),
    more: async (shop) => shop.place(),
    requests: (shop) => shop.requests,
    fail: (shop, kind, after) => shop.fail(kind, after),
    hang: (shop) => shop.hang(),
    connections: (shop) => shop.connections,
  };
  for (const { name, skipped, run } of testSource(harness)) {
    if (skipped === undefined) it(`keeps the contract of sources: ${name}`, run);
  }

  it('goes on where the source itself was', async () => {
    const { source, cached } = await open();
    await numbersOf(source, 4);
    cached.setCursor(source.getCursor());
    expect(await numbersOf(cached)).toEqual(upTo(10, 4));
  });
});
