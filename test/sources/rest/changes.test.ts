import fc from 'fast-check';
import { FakeClock, RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { canonical } from '../../../src/sources/rest/version.js';
import { RestApi, send } from '../../services/rest-api.js';
import { eventually } from '../../support/observing.js';
import { Host, startApi } from './support.js';

describe('RP5', () => {
  it('what is created, updated and deleted is told, each once', async () => {
    const api = await startApi();
    const host = new Host(api);
    api.items = [
      { id: 1, a: 1 },
      { id: 2, a: 1 },
    ];
    expect(await host.told()).toEqual(['created 1', 'created 2']);
    expect(await host.told()).toEqual([]);
    api.put({ id: 2, a: 2 });
    api.put({ id: 3, a: 1 });
    api.remove(1);
    expect(await host.told()).toEqual(['updated 2', 'created 3', 'deleted 1']);
    expect(await host.told()).toEqual([]);
  });

  it('A, B, A are three events, and so are an item, its end, and the same again', async () => {
    const api = await startApi();
    const host = new Host(api);
    const ids: string[] = [];
    for (const a of ['A', 'B', 'A']) {
      api.items = [{ id: 1, a }];
      ids.push(...(await host.read()).map(({ id }) => id));
    }
    for (const items of [[], [{ id: 1, a: 'A' }], [], [{ id: 1, a: 'A' }]]) {
      api.items = items;
      ids.push(...(await host.read()).map(({ id }) => id));
    }
    expect(ids).toHaveLength(7);
    expect(new Set(ids).size).toBe(7);
  });

  it('the order of keys, and fields that are left out, change nothing', async () => {
    const api = await startApi();
    const host = new Host(api, { detect: { by: 'content', exclude: ['views', 'stats.seen'] } });
    api.items = [{ id: 1, a: 1, b: { c: 1, d: 2 }, views: 1, stats: { seen: 1, kept: 1 } }];
    expect(await host.told()).toEqual(['created 1']);
    api.items = [{ views: 2, stats: { kept: 1, seen: 9 }, b: { d: 2, c: 1 }, a: 1, id: 1 }];
    expect(await host.told()).toEqual([]);
    api.items = [{ id: 1, a: 1, b: { c: 1, d: 3 }, stats: { kept: 1 } }];
    expect(await host.told()).toEqual(['updated 1']);
  });

  it('in one run over many passes it is the same: pages that are as they were hide nothing', async () => {
    const api = await startApi();
    api.paging = 'link';
    const clock = new FakeClock();
    for (let id = 1; id <= 9; id += 1) api.put({ id, a: 0 });
    const source = await new Host(api, { pagination: { by: 'link' } }, { clock }).source();
    const told: string[] = [];
    const reading = (async () => {
      for await (const { type, subject } of source.generateEvents({ follow: true }))
        told.push(`${type.split('.').at(-1)} ${subject}`);
    })();
    const pass = async (): Promise<string[]> => {
      const asked = api.requests.length;
      await eventually(() => source.getStatus().state === 'caught-up');
      if (told.length === 0 || asked > 0) await clock.advance(60_000);
      await eventually(() => api.requests.length > asked && source.getStatus().state === 'caught-up');
      return told.splice(0);
    };
    await eventually(() => told.length === 9);
    told.length = 0;
    expect(await pass()).toEqual([]);
    api.put({ id: 5, a: 1 });
    expect(await pass()).toEqual(['updated 5']);
    api.put({ id: 5, a: 0 });
    expect(await pass()).toEqual(['updated 5']);
    api.remove(9);
    expect(await pass()).toEqual(['deleted 9']);
    api.put({ id: 9, a: 0 });
    expect(await pass()).toEqual(['created 9']);
    api.items.reverse();
    expect(await pass()).toEqual([]);
    await source.close();
    await reading;
  });

  it('canonical JSON is the same for the same value, and another for any other', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const turned = JSON.parse(JSON.stringify(one), (_, value) =>
          typeof value === 'object' && value !== null && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).reverse())
            : value,
        );
        expect(canonical(turned)).toBe(canonical(one));
        expect(JSON.parse(canonical(one))).toEqual(JSON.parse(JSON.stringify(one)));
        if (canonical(one) === canonical(other))
          expect(JSON.parse(JSON.stringify(one))).toEqual(JSON.parse(JSON.stringify(other)));
      }),
    );
  });

  it('a page that fails deletes nothing, whichever it is', async () => {
    const api = await startApi();
    api.paging = 'link';
    for (let id = 1; id <= 9; id += 1) api.put({ id });
    const host = new Host(api, { pagination: { by: 'link' } });
    expect(await host.told()).toHaveLength(9);
    for (const after of [0, 1, 2]) {
      api.failForGood(after, (response) => send(response, 403, {}));
      await expect(host.read()).rejects.toThrow(/403/);
      api.heal();
      expect(await host.told()).toEqual([]);
    }
    api.remove(9);
    expect(await host.told()).toEqual(['deleted 9']);
  });

  it('the baseline may be what the next pass is compared with, and no events', async () => {
    const api = await startApi();
    api.paging = 'link';
    for (let id = 1; id <= 5; id += 1) api.put({ id });
    const host = new Host(api, { baseline: 'skip', pagination: { by: 'link' } });
    expect(await host.told()).toEqual([]);
    api.put({ id: 5, changed: true });
    api.put({ id: 6 });
    api.remove(1);
    expect(await host.told()).toEqual(['updated 5', 'created 6', 'deleted 1']);
  });

  it('where pages are counted, an item that moves between them is not deleted: it takes two passes', async () => {
    const api = await startApi();
    api.paging = 'page';
    for (let id = 1; id <= 9; id += 1) api.put({ id });
    const host = new Host(api, { pagination: { by: 'page' } });
    await host.read();
    // While the second page is asked for, one of the first is gone: the fourth is on the first then.
    api.fail(1, () => api.remove(1));
    expect(await host.told()).toEqual([]);
    // Now it is the first that a pass does not have, for the first time.
    expect(await host.told()).toEqual([]);
    expect(await host.told()).toEqual(['deleted 1']);
  });

  it('by a version it is the version that counts', async () => {
    const api = await startApi();
    const host = new Host(api, { detect: { by: 'version', version: '$.rev' } });
    api.items = [{ id: 1, rev: 1, a: 1 }];
    await host.read();
    api.items = [{ id: 1, rev: 1, a: 2 }];
    expect(await host.told()).toEqual([]);
    api.items = [{ id: 1, rev: 2, a: 2 }];
    expect(await host.told()).toEqual(['updated 1']);
  });

  it('whatever becomes of the items, and wherever a pass breaks off, the events tell it', async () => {
    const step = fc.record({
      items: fc.uniqueArray(
        fc.record({ id: fc.integer({ min: 1, max: 8 }), a: fc.integer({ min: 0, max: 2 }) }, { noNullPrototype: true }),
        {
          selector: ({ id }) => id,
          maxLength: 8,
        },
      ),
      failsAt: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const api = await RestApi.start();
        try {
          api.paging = 'link';
          const host = new Host(api, { pagination: { by: 'link' } });
          const view = new Map<string, unknown>();
          const ids = new Set<string>();
          const take = async (): Promise<void> => {
            const source = await host.source();
            try {
              for await (const event of source.generateEvents()) {
                if (event.type === 'rest.item.deleted') view.delete(event.data.key);
                else if (event.type !== 'headwater.gap') view.set(event.data.key, event.data.item);
                expect(ids.has(event.id)).toBe(false);
                ids.add(event.id);
              }
            } finally {
              await source.close();
            }
          };
          for (const { items, failsAt } of steps) {
            api.items = items;
            if (failsAt !== undefined) {
              api.failForGood(failsAt, (response) => send(response, 403, {}));
              await take().catch(() => {});
              api.heal();
            }
            await take();
            expect(new Map([...view].map(([key, item]) => [key, item]))).toEqual(
              new Map(items.map((item) => [`${item.id}`, item])),
            );
          }
        } finally {
          await api.close();
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('by watermark', () => {
  it('it is asked for what changed since, and what is as late as the last comes once', async () => {
    const api = await startApi();
    const detect = { by: 'watermark' as const, field: '$.updated', parameter: 'since' };
    const host = new Host(api, { detect });
    api.items = [
      { id: 1, updated: '2026-01-01T00:00:00Z' },
      { id: 2, updated: '2026-01-02T00:00:00Z' },
    ];
    expect(await host.told()).toEqual(['created 1', 'created 2']);
    api.put({ id: 3, updated: '2026-01-02T00:00:00Z' });
    expect(await host.told()).toEqual(['updated 3']);
    api.put({ id: 1, updated: '2026-01-03T00:00:00Z' });
    expect(await host.told()).toEqual(['updated 1']);
    expect(await host.told()).toEqual([]);
    expect(api.requests.map(({ url }) => url.searchParams.get('since'))).toEqual([
      null,
      '2026-01-02T00:00:00Z',
      '2026-01-02T00:00:00Z',
      '2026-01-03T00:00:00Z',
    ]);
  });

  it('what becomes visible late is found within the overlap', async () => {
    const api = await startApi();
    const detect = { by: 'watermark' as const, field: '$.updated', parameter: 'since', overlapMs: 60_000 };
    const host = new Host(api, { detect });
    api.items = [{ id: 1, updated: '2026-01-01T00:01:00.000Z' }];
    await host.read();
    api.put({ id: 2, updated: '2026-01-01T00:00:30.000Z' });
    api.put({ id: 3, updated: '2025-12-31T23:00:00.000Z' });
    expect(await host.told()).toEqual(['updated 2']);
    expect(await host.told()).toEqual([]);
  });
});

describe('RP6', () => {
  it('a body that is as it was is not sent again, and tells nothing', async () => {
    const api = await startApi();
    api.hasEtags = true;
    api.items = [{ id: 1 }];
    const host = new Host(api);
    await host.read();
    await host.read();
    await host.read();
    expect(api.requests.map(({ headers }) => headers['if-none-match'] !== undefined)).toEqual([false, true, true]);
    api.put({ id: 2 });
    expect(await host.told()).toEqual(['created 2']);
  });

  it('what was received and not acknowledged is asked for again', async () => {
    const api = await startApi();
    api.hasEtags = true;
    api.items = [{ id: 1 }, { id: 2 }];
    const host = new Host(api);
    const source = await host.source();
    for await (const _event of source.generateEvents()) break;
    await source.close();
    expect(await host.told()).toEqual(['created 1', 'created 2']);
  });
});

it('items that do not fit the schema are set aside, told once, and their neighbours come', async () => {
  const api = await startApi();
  const logger = new RecordingLogger();
  const schema = z.object({ id: z.number(), price: z.number() });
  const host = new Host(api, { schema }, { logger });
  api.items = [
    { id: 1, price: 5 },
    { id: 2, price: 'free' },
    { id: 3, price: 7 },
  ];
  const events = await host.read();
  expect(events.map(({ type }) => type)).toEqual(['rest.item.created', 'rest.item.invalid', 'rest.item.created']);
  expect(events[1]?.data).toMatchObject({ key: '2', problems: [{ path: 'price' }] });
  expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  expect(await host.told()).toEqual([]);
});
