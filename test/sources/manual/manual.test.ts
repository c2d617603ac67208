import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ConfigError, EventSourceFactory, ingest, MemoryCursorStore, type SourceEvent } from 'headwater';
import { builtinSources } from 'headwater/sources';
import { InvalidEventError, ManualSource } from 'headwater/sources/manual';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';

const events = {
  'order.placed': z.object({ order: z.string(), total: z.number().default(0) }),
  'order.cancelled': z.object({ order: z.string() }),
};

const create = (
  more: { maxEvents?: number; maxBytes?: number; whenFull?: 'refuse' | 'wait'; maxWaiting?: number } = {},
) => ManualSource.create({ id: 'orders', config: { events, ...more } });

const placed = (order: string) => ({ type: 'order.placed', data: { order } }) as const;

/** A schema that takes its time, as the test wants it. */
function slowSchema() {
  const waiting: (() => void)[] = [];
  const schema: StandardSchemaV1<{ order: string }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async (value) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return { value: value as { order: string } };
      },
    },
  };
  return { schema, waiting };
}

describe('ManualSource', () => {
  it('AG4: push resolves when the event is acknowledged, not when it is handed out', async () => {
    const source = await create();
    let isAcknowledged = false;
    const pushing = source.push(placed('1')).then(() => {
      isAcknowledged = true;
    });
    const iteration = source.generateEvents();
    const { value } = await iteration.next();
    expect(value).toMatchObject({ type: 'order.placed', data: { order: '1', total: 0 }, source: '/manual/orders' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAcknowledged).toBe(false);
    const next = iteration.next();
    await pushing;
    expect(isAcknowledged).toBe(true);
    await source.close();
    await next;
  });

  it('hands out again what was not acknowledged', async () => {
    const source = await create();
    const pushing = source.push(placed('1'));
    for await (const event of source.generateEvents()) {
      expect(event.data).toMatchObject({ order: '1' });
      break;
    }
    const again = source.generateEvents();
    expect((await again.next()).value).toMatchObject({ data: { order: '1' } });
    void again.next();
    await pushing;
    await source.close();
  });

  it('refuses what the schema does not want, with every problem and where it is, and takes nothing of it', async () => {
    const source = await create();
    const wrong = { type: 'order.placed', data: { order: 1, total: 'x' } } as unknown as ReturnType<typeof placed>;
    const error = await source.push(wrong).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidEventError);
    expect(error).toMatchObject({ name: 'InvalidEventError', code: 'EVENT_INVALID', sourceId: 'orders' });
    expect((error as InvalidEventError).problems.map(({ path }) => path)).toEqual(['data.order', 'data.total']);
    const unknown = { type: 'order.plased', data: {} } as unknown as ReturnType<typeof placed>;
    await expect(source.push(unknown)).rejects.toMatchObject({ name: 'SkippableError', code: 'EVENT_TYPE_UNKNOWN' });
    await expect(source.push(unknown)).rejects.toThrow('did you mean "order.placed"?');
    for (const type of ['__proto__', 'constructor', 'headwater.gap'])
      await expect(source.push({ type, data: {} } as never)).rejects.toMatchObject({ code: 'EVENT_TYPE_UNKNOWN' });
    expect(source.sequence).toBe(0);
  });

  it('refuses what JSON would lose or change', async () => {
    const source = await ManualSource.create({ id: 'any', config: { events: { any: z.unknown() } } });
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    for (const data of [new Date(), 1n, { at: Number.NaN }, new Map(), loop, undefined, () => 1])
      await expect(source.push({ type: 'any', data })).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    const hostile = JSON.parse('{"__proto__":{"polluted":true}}') as unknown;
    void source.push({ type: 'any', data: hostile });
    const { value } = await source.generateEvents().next();
    expect(JSON.stringify(value?.data)).toBe('{"__proto__":{"polluted":true}}');
  });

  it('gives each receipt an id of its own, in order, unless the host names it', async () => {
    const [one, other] = [await create(), await create()];
    const ids: string[] = [];
    for (const source of [one, other]) {
      void source.push(placed('1'));
      void source.push({ ...placed('2'), id: 'order-2', time: '2026-01-01T00:00:00Z', subject: 'orders/2' });
      void source.push(placed('3'));
      for await (const event of source.generateEvents({ limit: 3 })) ids.push(event.id);
      expect(source.sequence).toBe(3);
    }
    expect(ids.map((id) => id.replace(/^[0-9a-f]{16}/, 'boot'))).toEqual([
      'boot-1',
      'order-2',
      'boot-3',
      'boot-1',
      'order-2',
      'boot-3',
    ]);
    expect(new Set(ids).size).toBe(5);
  });

  it('hands out in the order of the pushes, whichever is checked first', async () => {
    const { schema, waiting } = slowSchema();
    const source = await ManualSource.create({ id: 'slow', config: { events: { slow: schema, quick: z.number() } } });
    void source.push({ type: 'slow', data: { order: 'a' } });
    void source.push({ type: 'slow', data: { order: 'b' } });
    void source.push({ type: 'quick', data: 3 });
    await expect.poll(() => waiting.length).toBe(2);
    waiting[1]?.();
    waiting[0]?.();
    const found: unknown[] = [];
    for await (const event of source.generateEvents({ limit: 3 })) found.push(event.data);
    expect(found).toEqual([{ order: 'a' }, { order: 'b' }, 3]);
  });

  it('AG5: refuses what there is no room for, and what too many are being checked for', async () => {
    const source = await create({ maxEvents: 2 });
    const results = [1, 2, 3].map((number) => source.push(placed(`${number}`)));
    await expect(results[2]).rejects.toMatchObject({ name: 'RetryableError', code: 'QUEUE_FULL' });
    const { schema, waiting } = slowSchema();
    const slow = await ManualSource.create({ id: 'slow', config: { events: { slow: schema }, maxWaiting: 2 } });
    const pushes = [1, 2, 3].map((number) => slow.push({ type: 'slow', data: { order: `${number}` } }));
    await expect.poll(() => waiting.length).toBe(3);
    for (const check of waiting) check();
    await expect(pushes[2]).rejects.toMatchObject({ name: 'RetryableError', code: 'QUEUE_FULL' });
    for await (const event of slow.generateEvents({ limit: 2 })) expect(event.type).toBe('slow');
  });

  it('AG5: waits for room when asked to, and a slow consumer costs no memory', async () => {
    const source = await create({ maxEvents: 10, whenFull: 'wait', maxWaiting: 10 });
    let settled = 0;
    let refused = 0;
    for (let number = 0; number < 50_000; number += 1) {
      source.push(placed(`${number}`)).then(
        () => {
          settled += 1;
        },
        () => {
          refused += 1;
        },
      );
      if (number % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect({ settled, refused }).toEqual({ settled: 0, refused: 50_000 - 20 });
    const found: SourceEvent[] = [];
    for await (const event of source.generateEvents({ limit: 20 })) found.push(event);
    await expect.poll(() => settled).toBe(20);
    expect(found.map(({ data }) => (data as { order: string }).order)).toEqual(
      Array.from({ length: 20 }, (_, number) => `${number}`),
    );
  });

  it('AG1: withdraws what is no longer wanted, and refuses what the end of the source finds waiting', async () => {
    const source = await create();
    const stop = new AbortController();
    const withdrawn = source.push(placed('1'), { signal: stop.signal });
    stop.abort(new Error('gone'));
    await expect(withdrawn).rejects.toThrow('gone');
    const waiting = source.push(placed('2'));
    await source.close();
    await expect(waiting).rejects.toMatchObject({ name: 'RetryableError', code: 'SOURCE_CLOSED' });
    await expect(source.push(placed('3'))).rejects.toMatchObject({ code: 'SOURCE_CLOSED' });
  });

  it('refuses a configuration without types, with reserved ones, and with what is no schema', async () => {
    const given = async (config: unknown) =>
      ManualSource.create({ id: 'wrong', config: config as { events: typeof events } }).catch(
        (error: unknown) => error,
      );
    for (const config of [{}, { events: {} }, { events: { 'headwater.gap': z.string() } }, { events: { a: 'string' } }])
      expect(await given(config)).toBeInstanceOf(ConfigError);
    expect(await given({ events, maxEvent: 3 })).toMatchObject({
      problems: [{ code: 'UNKNOWN_KEY', fix: 'did you mean "maxEvents"?' }],
    });
  });

  it('goes through a pipeline: acknowledged when stored and saved', async () => {
    const factory = new EventSourceFactory({ sources: builtinSources, cursorStore: new MemoryCursorStore() });
    const source = await factory.create('manual', { id: 'orders', config: { events } });
    const stored: string[] = [];
    const running = ingest({
      source,
      sink: async (batch) => void stored.push(...batch.events.map(({ type }) => type)),
    });
    await source.push(placed('1'));
    expect(stored).toEqual(['order.placed']);
    await source.push({ type: 'order.cancelled', data: { order: '1' } });
    await source.close();
    await running;
    expect(stored).toEqual(['order.placed', 'order.cancelled']);
  });
});
