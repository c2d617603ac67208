import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { turns } from '../support/observing.js';
import { Counting } from '../support/registered-source.js';
import { BatchSource, never, ReadSource, ReceivingSource } from '../support/test-sources.js';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => {
  unhandled.push(reason);
};

beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});

afterEach(() => {
  process.off('unhandledRejection', note);
});

/** Things that go wrong where nobody waits: each must be handled within, or be told at the next opportunity. */
const scenes: [string, () => Promise<unknown>][] = [
  [
    'a source that fails after the iteration was returned',
    async () => {
      const events = new ReadSource(async function* (self, { signal }) {
        yield self.item(1);
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('interrupted'))));
      }).generateEvents();
      await events.next();
      const pending = events.next();
      await turns(2);
      await events.return().catch(() => {});
      await pending;
    },
  ],
  [
    'a page read ahead that fails after a break',
    async () => {
      const source = new BatchSource(async function* (self) {
        yield { events: self.items(1, 3), cursor: { n: 3 } };
        await turns(3);
        throw new Error('second page');
      });
      for await (const _ of source.generateBatches({ maxEvents: 10 })) break;
    },
  ],
  [
    'an autosave that fails while nobody asks',
    async () => {
      class Failing extends MemoryCursorStore {
        override async save(): Promise<never> {
          throw new Error('no');
        }
      }
      const factory = new EventSourceFactory({
        sources: { counting: Counting },
        cursorStore: new Failing(),
        autosave: { everyMs: 1, everyEvents: 1 },
      });
      const source = await factory.create('counting', { id: 'a', config: { last: 9 } });
      const events = source.generateEvents();
      await events.next();
      await events.next();
      await new Promise((resolve) => setTimeout(resolve, 10));
      await events.return().catch(() => {});
    },
  ],
  [
    'a settle that fails while nobody asks',
    async () => {
      const source = new BatchSource(async function* (self) {
        yield { events: self.items(1, 2), settle: () => Promise.reject(new Error('settle')) };
        await never();
      });
      source.closeGraceMs = 10;
      const events = source.generateEvents();
      await events.next();
      await events.next();
      const pending = events.next();
      await pending.catch(() => {});
    },
  ],
  [
    'late settlement after the end that fails',
    async () => {
      const batches = new BatchSource(async function* (self) {
        yield { events: self.items(1, 2), settle: () => Promise.reject(new Error('settle')) };
      }).generateBatches({ settlement: 'explicit' });
      const { value } = await batches.next();
      await batches.next();
      await value?.ack();
    },
  ],
  [
    'pushes that nobody waits for: refused, dropped, withdrawn, closed',
    async () => {
      for (const whenFull of ['refuse', 'wait', 'drop-newest', 'drop-oldest'] as const) {
        const source = new ReceivingSource({ maxEvents: 2, maxWaiting: 1, whenFull });
        const controller = new AbortController();
        for (let n = 0; n < 9; n += 1) void source.receive(n, { signal: controller.signal });
        controller.abort(new Error('gone'));
        void source.receive(10);
        await source.close();
      }
    },
  ],
  [
    'a cleanup that fails after the grace period',
    async () => {
      const source = new ReadSource(async function* (self, { defer }) {
        defer(() => Promise.reject(new Error('cleanup')));
        yield self.item(1);
        await never();
      });
      source.closeGraceMs = 1;
      const events = source.generateEvents();
      await events.next();
      const pending = events.next();
      await turns(2);
      await source.close();
      await pending.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 10));
    },
  ],
  [
    'a lazy source that fails to load, asked for twice',
    async () => {
      const factory = new EventSourceFactory({
        sources: {
          lazy: async (): Promise<typeof Counting> => {
            throw new Error('load');
          },
        },
      });
      const options = { id: 'a', config: { last: 1 } };
      await Promise.allSettled([factory.create('lazy', options), factory.create('lazy', options)]);
    },
  ],
];

it.each(scenes)('AG7: no rejection is left unhandled by %s', async (_, scene) => {
  await scene();
  await turns(30);
  expect(unhandled).toEqual([]);
});

it('AG7: the suite itself ends at a rejection that nobody handles', () => {
  expect(process.execArgv).toContain('--unhandled-rejections=strict');
});
