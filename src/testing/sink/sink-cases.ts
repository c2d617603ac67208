import assert from 'node:assert/strict';
import type { SourceEvent } from '../../core/event.js';
import type { SinkBatch } from '../../pipeline/sink.js';
import type { Statement } from '../contract-case.js';

/** A sink with nothing in it. */
export interface OpenedSink {
  readonly sink: {
    write(batch: SinkBatch<SourceEvent, unknown, never>): void | Promise<void>;
    close?(): Promise<void>;
  };
  /** What it keeps, oldest first where it has an order. */
  stored(): Promise<readonly SourceEvent[]>;
  /** Called when the case is over. */
  close?(): Promise<void>;
}

/** What not every sink promises. */
export type SinkPromise = 'order' | 'atomic' | 'unique' | 'transactions' | 'abortable' | 'closes';

export interface SinkCase extends Statement<OpenedSink> {
  readonly needs?: SinkPromise | undefined;
}

const HOSTILE: readonly unknown[] = [
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  { nul: '\u0000', lone: '\ud800', emoji: '😀', quotes: '"\'`\\', lines: '\n\r\u2028', percent: '%s ? $1 :x' },
  { large: '9223372036854775807', small: 5e-324, zero: 0, text: '', nothing: null, list: [[], {}, [null]] },
  Array.from({ length: 90 }).reduce<unknown>((inner) => [inner], 'deep'),
  'x'.repeat(300_000),
  null,
];

export const sinkCases: readonly SinkCase[] = [
  {
    name: 'every event is kept once `write` resolves, exactly as it was',
    async check({ sink, stored }) {
      const events = HOSTILE.map((data, index) => eventOf(`hostile-${index}`, data));
      events.push({
        ...eventOf('envelope', 1),
        time: '2026-01-02T03:04:05.678901Z',
        subject: 'ä/ö',
        dataschema: 'urn:x:1',
        datacontenttype: 'application/json',
      });
      await sink.write(batchOf(events));
      assert.deepEqual(byId(await stored()), byId(events), 'what is kept differs from what was written');
      assert.equal(({} as { polluted?: unknown }).polluted, undefined, 'a prototype was polluted');
    },
  },
  {
    name: 'batches are kept one after another, in their order',
    needs: 'order',
    async check({ sink, stored }) {
      for (const from of [1, 4, 7]) await sink.write(batchOf(numbered(from, from + 2)));
      assert.deepEqual(
        (await stored()).map(({ id }) => id),
        numbered(1, 9).map(({ id }) => id),
      );
    },
  },
  {
    name: 'a batch of 2,000 events is kept whole, and an empty one is nothing',
    async check({ sink, stored }) {
      await sink.write(batchOf([]));
      await sink.write(batchOf(numbered(1, 2_000)));
      assert.equal((await stored()).length, 2_000);
    },
  },
  {
    name: 'batches that are written at once are all kept',
    async check({ sink, stored }) {
      await Promise.all(
        Array.from({ length: 8 }, (_, index) => sink.write(batchOf(numbered(index * 10 + 1, index * 10 + 10)))),
      );
      assert.deepEqual(byId(await stored()), byId(numbered(1, 80)));
    },
  },
  {
    name: 'what comes again is there once, also within a batch; another source or another case is another event',
    needs: 'unique',
    async check({ sink, stored }) {
      const [first] = numbered(1, 1) as [SourceEvent];
      const others = [
        { ...first, source: '/other' },
        { ...first, sourceid: 'other' },
        { ...first, id: first.id.toUpperCase() },
        { ...first, id: `${first.id} ` },
      ];
      await sink.write(batchOf([first, ...others, first]));
      await sink.write(batchOf([...others, first]));
      assert.equal((await stored()).length, 5);
    },
  },
  {
    name: 'a batch that fails leaves nothing of it behind',
    needs: 'atomic',
    async check({ sink, stored }) {
      await sink.write(batchOf(numbered(1, 3)));
      const poisoned = [...numbered(4, 5), eventOf('poison', 1n), ...numbered(6, 7)];
      await assert.rejects(async () => sink.write(batchOf(poisoned)), 'data that has no JSON form was accepted');
      assert.equal((await stored()).length, 3, 'part of a batch that failed was kept');
      await sink.write(batchOf(numbered(4, 7)));
      assert.equal((await stored()).length, 7, 'the sink takes nothing more after a batch that failed');
    },
  },
  {
    name: 'with `savesCursor` it calls `saveCursor` within its transaction: when that fails nothing is kept',
    needs: 'transactions',
    async check({ sink, stored }) {
      const refuse = (): Promise<void> => Promise.reject(new Error('the cursor was refused'));
      const refused = { ...batchOf(numbered(1, 3)), savesCursor: true, saveCursor: refuse };
      await assert.rejects(async () => sink.write(refused), /the cursor was refused/);
      assert.deepEqual(await stored(), [], 'events were kept without their cursor');
      let saves = 0;
      const accept = async (transaction: unknown): Promise<void> => {
        assert.ok(transaction, 'saveCursor was called without the transaction');
        saves += 1;
      };
      await sink.write({ ...batchOf(numbered(1, 3)), savesCursor: true, saveCursor: accept });
      assert.equal(saves, 1, 'saveCursor has to be called once');
      assert.equal((await stored()).length, 3);
    },
  },
  {
    name: 'a run that was given up writes nothing more',
    needs: 'abortable',
    async check({ sink, stored }) {
      const signal = AbortSignal.abort(new Error('given up'));
      await assert.rejects(async () => sink.write({ ...batchOf(numbered(1, 2)), signal }), /given up/);
      assert.deepEqual(await stored(), []);
    },
  },
  {
    name: '`close` may be called again, and nothing is taken after it',
    needs: 'closes',
    async check({ sink, stored }) {
      await sink.write(batchOf(numbered(1, 2)));
      await sink.close?.();
      await sink.close?.();
      await assert.rejects(async () => sink.write(batchOf(numbered(3, 4))), 'a closed sink took a batch');
      assert.equal((await stored()).length, 2);
    },
  },
];

function eventOf(id: string, data: unknown): SourceEvent {
  return {
    specversion: '1.0',
    id,
    source: '/contract',
    type: 'contract.event',
    sourceid: 'contract',
    sourcetype: 'contract',
    data,
  };
}

function numbered(from: number, to: number): SourceEvent[] {
  return Array.from({ length: to - from + 1 }, (_, index) => eventOf(`event-${from + index}`, { n: from + index }));
}

function batchOf(events: readonly SourceEvent[]): SinkBatch<SourceEvent, unknown, never> {
  return {
    events,
    cursor: undefined,
    sourceId: 'contract',
    attempt: 1,
    signal: new AbortController().signal,
    savesCursor: false,
    saveCursor: () => Promise.reject(new Error('saveCursor was called although the run does not ask for it')),
  };
}

function byId(events: readonly SourceEvent[]): SourceEvent[] {
  return [...events].sort((one, other) => (one.id < other.id ? -1 : 1));
}
