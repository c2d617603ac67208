import { type DeadLetter, ingest, type SinkBatch, type SourceEvent } from 'headwater';
import { KyselyCursorStore } from 'headwater/cursors/kysely';
import { type EventsTable, KyselyDeadLetterStore, KyselyRunStore, KyselySink } from 'headwater/sinks/kysely';
import { RecordingLogger } from 'headwater/testing';
import type { Kysely, Transaction } from 'kysely';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { databaseServices } from '../../services/databases.js';
import { describeWith } from '../../services/needs.js';
import { pages } from '../../support/test-sources.js';

interface Tables {
  headwater_events: EventsTable;
}

for (const service of databaseServices) {
  const isThere = await service.isThere();
  describeWith(service.name, isThere, `stores over Kysely, ${service.name}`, () => {
    let db: Kysely<Tables>;

    beforeEach(async () => {
      const { database, drop } = await service.create<Tables>();
      db = database;
      return drop;
    });

    const rows = () => db.selectFrom('headwater_events').selectAll().orderBy('id').execute();

    it('an event is a row, whatever it holds', async () => {
      const sink = new KyselySink(db);
      const hostile = JSON.parse(
        '{"__proto__":{"x":1},"nul":"\\u0000","quote":"\\"\'\\\\","emoji":"😀","half":"\\ud800","big":"9223372036854775807"}',
      ) as object;
      const long = event('long', 'x'.repeat(3_000_000));
      await sink.write(
        batch([event('a', hostile, { time: '2026-01-01T00:00:00Z', subject: 'ä' }), long, event('null', null)]),
      );
      const [first, second, third] = await rows();
      expect(first).toMatchObject({
        id: 'a',
        type: 'test',
        sourceid: 's',
        source: '/s',
        sourcetype: 't',
        time: '2026-01-01T00:00:00Z',
        subject: 'ä',
        dataschema: null,
      });
      expect(first?.data).toBe(JSON.stringify(hostile));
      expect(second?.data).toBe(JSON.stringify(long.data));
      expect(third?.data).toBe('null');
    });

    it('an event that comes again is there once: the last, or the first, as told', async () => {
      await new KyselySink(db).write(batch([event('a', 1), event('b', 1), event('a', 2)]));
      await new KyselySink(db).write(batch([event('b', 2), { ...event('b', 3), source: '/other' }]));
      expect((await rows()).map(({ id, source, data }) => [id, source, data]).sort()).toEqual([
        ['a', '/s', '2'],
        ['b', '/other', '3'],
        ['b', '/s', '2'],
      ]);
      const other = new KyselySink(db, { table: 'kept', whenThere: 'keep' });
      await other.write(batch([event('a', 1)]));
      await other.write(batch([event('a', 2), event('B', 1), event('b', 1), event('b ', 1)]));
      const kept = await db
        .selectFrom('headwater_kept' as 'headwater_events')
        .select(['id', 'data'])
        .execute();
      expect(kept.map(({ id, data }) => `${id}=${data}`).sort()).toEqual(['B=1', 'a=1', 'b =1', 'b=1']);
    });

    it('5,000 events in a batch are one transaction', async () => {
      const sink = new KyselySink(db);
      await sink.write(batch(Array.from({ length: 5_000 }, (_, index) => event(`${index}`, index))));
      expect(await rows()).toHaveLength(5_000);
      const poison = { ...event('poison', 1), data: 1n };
      await expect(sink.write(batch([event('x', 1), poison]))).rejects.toMatchObject({
        name: 'SkippableError',
        code: 'NOT_JSON',
      });
      expect(await rows()).toHaveLength(5_000);
    });

    it('with cursor: in-sink events and cursor are stored together, or neither', async () => {
      const cursorStore = new KyselyCursorStore(db);
      const sink = new KyselySink(db);
      const report = await ingest({ source: pages(10, 4), sink, cursorStore, cursor: 'in-sink' });
      expect(report).toMatchObject({ status: 'completed', written: 10, cursorAfter: { n: 10 } });
      expect(await rows()).toHaveLength(10);
      expect((await cursorStore.load('test'))?.cursor).toEqual({ n: 10 });
      const refused = ingest({
        source: pages(20, 4),
        sink: async (given: SinkBatch<SourceEvent, unknown, Transaction<Tables>>) => {
          await sink.write({
            ...given,
            saveCursor: async (transaction) => {
              await given.saveCursor(transaction);
              throw new Error('behind the cursor');
            },
          });
        },
        cursorStore,
        cursor: 'in-sink',
        retry: { retries: 0 },
      });
      await expect(refused).rejects.toThrow(/behind the cursor/);
      expect(await rows()).toHaveLength(10);
      expect((await cursorStore.load('test'))?.cursor).toEqual({ n: 10 });
    });

    it('dead letters are kept in the transaction of the sink, and come no second time', async () => {
      const deadLetters = new KyselyDeadLetterStore(db);
      const options = {
        source: pages(8, 4),
        sink: new KyselySink(db),
        cursorStore: new KyselyCursorStore(db),
        cursor: 'in-sink' as const,
        deadLetters,
      };
      const transform = (each: SourceEvent): SourceEvent => {
        if ((each.data as { n: number }).n % 4 === 2) throw new Error('does not fit');
        return each;
      };
      const report = await ingest({ ...options, transform });
      expect(report).toMatchObject({ status: 'partial', written: 6, deadLettered: 2 });
      const letters = await all(deadLetters.list());
      expect(letters.map(({ event: { data } }) => data)).toMatchObject([{ n: 2 }, { n: 6 }]);
      expect(letters[0]?.error.message).toContain('does not fit');
      await deadLetters.remove(letters.slice(0, 1));
      expect(await all(deadLetters.list('test'))).toHaveLength(1);
      expect(await all(deadLetters.list('another'))).toEqual([]);
    });

    it('dead letters are listed in the order of their time, however many there are', async () => {
      const deadLetters = new KyselyDeadLetterStore(db);
      const letters = Array.from({ length: 1_201 }, (_, index) => letter(index));
      await deadLetters.add([...letters].reverse());
      await deadLetters.add(letters.slice(0, 3));
      expect((await all(deadLetters.list())).map(({ event: { id } }) => id)).toEqual(
        letters.map(({ event: { id } }) => id),
      );
    });

    it('the progress of a run can be read while it goes on, and after it', async () => {
      const runs = new KyselyRunStore(db, { everyMs: 0 });
      const seen: unknown[] = [];
      const cursorStore = new KyselyCursorStore(db);
      const report = await runs.track((onProgress) =>
        ingest({
          source: pages(12, 4),
          cursorStore,
          batch: { maxEvents: 4 },
          sink: async () => {
            await new Promise((resolve) => setTimeout(resolve, 30));
            const [run] = await runs.list({ sourceId: 'test', status: 'running' });
            seen.push(run?.written);
          },
          onProgress,
        }),
      );
      expect(seen.at(-1)).toBeGreaterThan(0);
      expect(await runs.get(report.runId)).toMatchObject({ status: 'completed', written: 12, sourceId: 'test' });
      const failing = runs.track((onProgress) =>
        ingest({
          source: pages(20, 4),
          cursorStore,
          sink: () => Promise.reject(new Error('token=hunter22hunter22')),
          retry: { retries: 0 },
          onProgress,
        }),
      );
      await expect(failing).rejects.toThrow();
      expect(await runs.list({ status: 'failed' })).toMatchObject([
        { error: { name: 'SinkError', code: 'SINK' }, written: 0 },
      ]);
      expect(await runs.list()).toHaveLength(2);
      expect(await runs.list({ limit: 1 })).toHaveLength(1);
    });

    it('a run that was left by a crash is found and marked', async () => {
      const runs = new KyselyRunStore(db);
      const { report } = await new Promise<{ report: Parameters<typeof runs.record>[0] }>((resolve, reject) => {
        ingest({ source: pages(2, 1), sink: () => {}, onProgress: (progress) => resolve({ report: progress }) }).catch(
          reject,
        );
      });
      await runs.record({ ...report, runId: 'left', status: 'running' });
      await runs.record({ ...report, runId: 'going on', status: 'running' });
      expect(await runs.markInterrupted({ except: ['going on'] })).toMatchObject([
        { runId: 'left', status: 'interrupted' },
      ]);
      expect(await runs.get('left')).toMatchObject({ status: 'interrupted', finishedAt: expect.any(String) });
      expect(await runs.get('going on')).toMatchObject({ status: 'running' });
      expect(await runs.get('unknown')).toBeUndefined();
    });

    it('a store of runs that fails does not disturb the run, and says so', async () => {
      const logger = new RecordingLogger();
      const runs = new KyselyRunStore(db, { logger, everyMs: 0 });
      runs.record = () => Promise.reject(new Error('no room'));
      const report = await runs.track((onProgress) => ingest({ source: pages(4, 2), sink: () => {}, onProgress }));
      expect(report.status).toBe('completed');
      expect(logger.lines.at(-1)).toMatchObject({ level: 'warn', object: { error: 'no room' } });
    });

    it('a sink that was closed takes no more', async () => {
      const sink = new KyselySink(db);
      await sink.close();
      await sink.close();
      await expect(sink.write(batch([event('a', 1)]))).rejects.toMatchObject({
        name: 'SinkError',
        code: 'SINK_CLOSED',
      });
    });

    it('several that start at once make the tables once', async () => {
      await Promise.all(Array.from({ length: 6 }, async () => new KyselySink(db).prepare()));
      await Promise.all(Array.from({ length: 6 }, async () => new KyselyCursorStore(db).load('x')));
      expect(await rows()).toEqual([]);
    });
  });
}

it('names that are no plain names are refused', async () => {
  const sqlite = databaseServices[0];
  const opened = await sqlite?.create<Tables>();
  onTestFinished(async () => opened?.drop());
  const db = opened?.database as Kysely<Tables>;
  for (const tablePrefix of ['x"; drop table y; --', 'a b', '', '1']) {
    expect(() => new KyselySink(db, { tablePrefix })).toThrow(expect.objectContaining({ name: 'ConfigError' }));
  }
  expect(() => new KyselyCursorStore(db, { schema: 'a.b' })).toThrow(/plain name/);
});

function event(id: string, data: unknown, more: Partial<SourceEvent> = {}): SourceEvent {
  return { specversion: '1.0', id, source: '/s', type: 'test', sourceid: 's', sourcetype: 't', data, ...more };
}

function batch(events: readonly SourceEvent[]): SinkBatch<SourceEvent, unknown, Transaction<Tables>> {
  const signal = new AbortController().signal;
  const saveCursor = () => Promise.reject(new Error('not asked for'));
  return { events, cursor: undefined, sourceId: 's', attempt: 1, signal, savesCursor: false, saveCursor };
}

function letter(index: number): DeadLetter {
  const at = new Date(1.7e12 + Math.floor(index / 10)).toISOString();
  const error = { name: 'Error', message: 'x' };
  return { sourceId: 's', event: event(String(index).padStart(5, '0'), index), error, attempts: 1, at };
}

async function all(letters: AsyncIterable<DeadLetter>): Promise<DeadLetter[]> {
  const list: DeadLetter[] = [];
  for await (const each of letters) list.push(each);
  return list.sort((one, other) => (one.at + one.event.id < other.at + other.event.id ? -1 : 1));
}
