import { EventSourceFactory, ingest, MemoryCursorStore, SkippableError } from 'headwater';
import { builtinSources } from 'headwater/sources';
import type { KafkaEvent } from 'headwater/sources/streams/kafka';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isKafkaThere, MockKafka } from '../../../services/kafka.js';
import { describeWith } from '../../../services/needs.js';
import { collect, eventually, range } from '../support.js';
import { numbered, openSource, valuesOf } from './support.js';

describeWith('librdkafka with gcc', isKafkaThere(), 'a consumer group of Kafka', () => {
  let kafka: MockKafka;
  beforeAll(async () => {
    kafka = await MockKafka.start();
  });
  afterAll(() => kafka.stop());

  it.concurrent('KF1: commits the offset behind the last that is acknowledged without a hole, and nothing before', async () => {
    await kafka.topic('kf1', 1);
    await kafka.send('kf1', numbered(1, 6));
    const source = await openSource(kafka, 'kf1');
    const held = [];
    const batches = source.generateBatches({ maxEvents: 1, settlement: 'explicit', follow: true });
    for await (const batch of batches) {
      held.push(batch);
      if (held.length < 4) continue;
      expect(await kafka.committed('kf1', 'kf1')).toEqual({ 0: '-1' });
      await held[0]?.ack();
      await held[1]?.ack();
      await held[3]?.ack();
      await eventually(async () => (await kafka.committed('kf1', 'kf1'))[0] === '2', 'two are committed');
      break;
    }
    await source.close();
    const next = await openSource(kafka, 'kf1');
    expect(valuesOf(await collect(next.generateEvents()))).toEqual(range(3, 6));
    expect(await kafka.committed('kf1', 'kf1')).toEqual({ 0: '6' });
    await next.close();
  });

  it.concurrent('KF2: what is in flight when the group is divided anew is not committed by who lost it, and comes again', async () => {
    await kafka.topic('kf2', 2);
    await kafka.send('kf2', [...numbered(1, 5, 0), ...numbered(101, 105, 1)]);
    const seen: unknown[] = [];
    const first = await openSource(kafka, 'kf2');
    const stop = new AbortController();
    const iterator = first.generateEvents({ follow: true, signal: stop.signal });
    seen.push(...valuesOf([(await iterator.next()).value as KafkaEvent]));
    // The event is in hand while another consumer joins.
    const second = await openSource(kafka, 'kf2');
    const reading = (async () => {
      for await (const event of second.generateEvents({ follow: true, signal: stop.signal }))
        seen.push(...valuesOf([event]));
    })().catch(() => {});
    await eventually(() => second.getStatus().state === 'caught-up' && seen.length > 1, 'the other has joined', 40_000);
    const rest = (async () => {
      for await (const event of iterator) seen.push(...valuesOf([event]));
    })().catch(() => {});
    await eventually(() => new Set(seen).size === 10, 'all came', 40_000);
    stop.abort();
    await Promise.all([rest, reading]);
    await Promise.all([first.close(), second.close()]);
    expect(new Set(seen)).toEqual(new Set([...range(1, 5), ...range(101, 105)]));
  });

  it.concurrent('KF4: a consumer that is slower than the session lasts keeps its partitions', async () => {
    await kafka.topic('kf4', 1);
    await kafka.send('kf4', numbered(1, 3));
    const source = await openSource(kafka, 'kf4');
    const seen: KafkaEvent[] = [];
    for await (const event of source.generateEvents()) {
      seen.push(event);
      if (seen.length === 1) await new Promise((resolve) => setTimeout(resolve, 8_000));
    }
    expect(valuesOf(seen)).toEqual([1, 2, 3]);
    expect(source.getStats().retries).toBe(0);
    await source.close();
  });

  it.concurrent('KF4: a message that kills its consumer goes to the topic of the dead, takes no other with it, and the rest flows on', async () => {
    await kafka.topic('kf4p', 1);
    await kafka.topic('kf4p.dead', 1);
    await kafka.send('kf4p', numbered(1, 6), { isOne: true });
    const seen: unknown[] = [];
    for (let life = 0; life < 5; life += 1) {
      const source = await openSource(kafka, 'kf4p', { maxDeliveries: 2 });
      for await (const event of source.generateEvents()) {
        const [value] = valuesOf([event]);
        if (value === 3) break;
        seen.push(value);
      }
      await source.close();
      if (seen.includes(6)) break;
    }
    expect(seen.filter((value) => value !== 3)).toEqual(seen);
    expect([...new Set(seen)]).toEqual([1, 2, 4, 5, 6]);
    const dead = await openSource(kafka, 'kf4p.dead');
    expect(await collect(dead.generateEvents())).toMatchObject([
      {
        data: {
          value: 3,
          headers: { 'headwater-topic': 'kf4p', 'headwater-offset': '2', 'headwater-deliveries': '2' },
        },
      },
    ]);
    await dead.close();
  }, 120_000);

  it.concurrent('KF4: what fails for good in the pipeline goes to the topic of the dead as it was, and is committed', async () => {
    await kafka.topic('aside', 1);
    await kafka.topic('aside-dead', 1);
    const bytes = Buffer.from([0xff, 0x00]);
    await kafka.send('aside', [...numbered(1, 3), { key: 'k', value: bytes, headers: { h: 'v' } }, ...numbered(5, 6)]);
    const source = await openSource(kafka, 'aside', { deadLetterTopic: 'aside-dead' });
    const stored: unknown[] = [];
    const report = await ingest({
      source,
      deadLetters: 'upstream',
      sink: async ({ events }) => {
        const values = valuesOf(events as readonly KafkaEvent[]);
        const isBad = values.includes(2) || values.length < events.length;
        if (isBad) throw new SkippableError('poison');
        stored.push(...values);
      },
    });
    expect(report).toMatchObject({ status: 'partial', deadLettered: 2, written: 4 });
    expect(stored).toEqual([1, 3, 5, 6]);
    expect((await kafka.committed('aside', 'aside'))[0]).toBe('6');
    await source.close();
    const dead = await openSource(kafka, 'aside-dead', { format: 'base64' });
    const about = { 'headwater-topic': 'aside', 'headwater-error': 'poison' };
    expect(await collect(dead.generateEvents())).toMatchObject([
      { data: { headers: { ...about, 'headwater-offset': '1' } } },
      { data: { key: 'k', value: bytes.toString('base64'), headers: { ...about, h: 'v', 'headwater-offset': '3' } } },
    ]);
    await dead.close();
    const plain = await openSource(kafka, 'aside');
    await expect(ingest({ source: plain, sink: async () => {}, deadLetters: 'upstream' })).rejects.toMatchObject({
      problems: [{ code: 'NO_UPSTREAM_DEAD_LETTERS' }],
    });
    await plain.close();
  }, 120_000);

  it.concurrent('offsets as our own cursor, saved with what was stored: exactly once', async () => {
    await kafka.topic('external', 2);
    await kafka.send('external', [...numbered(1, 4, 0), ...numbered(101, 104, 1)]);
    const cursorStore = new MemoryCursorStore();
    const factory = new EventSourceFactory({ sources: builtinSources, cursorStore });
    const stored: unknown[] = [];
    const run = async (limit?: number): Promise<void> => {
      const config = {
        brokers: kafka.brokers,
        topics: ['external'],
        group: 'external',
        commit: 'external' as const,
        maxWaitMs: 100,
        idleMs: 1_500,
      };
      const source = await factory.create('kafka', { id: 'external', config });
      expect(source.capabilities.position).toBe('cursor');
      await ingest({
        source: source as never,
        cursorStore,
        batch: { maxEvents: 1 },
        ...(limit !== undefined && { limit }),
        sink: async ({ events }: { events: readonly KafkaEvent[] }) => void stored.push(...valuesOf(events)),
      });
      await source.close();
    };
    await run(3);
    await run();
    await kafka.send('external', numbered(5, 5, 0));
    await run();
    expect(stored.map(Number).sort((one, other) => one - other)).toEqual([...range(1, 5), ...range(101, 104)]);
    expect(await kafka.committed('external', 'external')).toEqual({ 0: '-1', 1: '-1' });
  }, 90_000);

  it.concurrent('keys, headers, tombstones, times, what cannot be decoded, and the lag', async () => {
    await kafka.topic('shape', 1);
    await kafka.send('shape', [
      { key: 'k', value: '{"a":1}', headers: { trace: 'abc', bytes: Buffer.from([255]) }, timestamp: '1700000000000' },
      { key: Buffer.from([255, 254]), value: null },
      { value: '{' },
    ]);
    const source = await openSource(kafka, 'shape');
    const events = await collect(source.generateEvents());
    expect(events).toMatchObject([
      {
        id: 'shape:0:0',
        subject: 'shape',
        time: '2023-11-14T22:13:20.000Z',
        data: { key: 'k', offset: '0', partition: 0, value: { a: 1 }, headers: { trace: 'abc', bytes: '/w==' } },
      },
      { type: 'kafka.message', data: { key: '//4=', value: null, tombstone: true } },
      { type: 'kafka.message.invalid', data: { key: null, base64: 'ew==' } },
    ]);
    expect(source.lag()).toEqual({ 'shape:0': '0' });
    await source.close();
  });

  it.concurrent('a pattern takes the topics that match, also those that come later', async () => {
    await kafka.topic('pattern-a', 1);
    await kafka.send('pattern-a', numbered(1, 1));
    const source = await openSource(kafka, 'pattern', { topics: [], pattern: '^pattern-', topicRefreshMs: 500 });
    const seen: unknown[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const event of source.generateEvents({ follow: true, signal: stop.signal }))
        seen.push(...valuesOf([event]));
    })().catch((error: unknown) => error);
    await eventually(() => seen.includes(1), 'the first topic is read', 30_000);
    await kafka.topic('pattern-b', 1);
    await kafka.send('pattern-b', numbered(2, 2));
    await eventually(() => seen.includes(2), 'the second topic is read', 40_000);
    stop.abort('enough');
    expect(await reading).toBe('enough');
    await source.close();
  }, 90_000);
});
