import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { ConfigError, ConnectionError, GapError, NotFoundError, PermissionError } from 'headwater';
import { type KafkaConfigInput, KafkaSource } from 'headwater/sources/streams/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Liveness } from '../../../../src/sources/streams/kafka/liveness.js';
import { Session } from '../../../../src/sources/streams/kafka/session.js';
import { freePort } from '../../../services/daemon.js';
import { isKafkaThere, MockKafka } from '../../../services/kafka.js';
import { MemoryKafka } from '../../../services/memory-kafka.js';
import { describeWith } from '../../../services/needs.js';
import { collect, eventually, range } from '../support.js';
import { numbered, openSource, valuesOf } from './support.js';

describeWith('librdkafka with gcc', isKafkaThere(), 'a Kafka that fails', () => {
  let kafka: MockKafka;
  beforeAll(async () => {
    kafka = await MockKafka.start();
  });
  afterAll(() => kafka.stop());

  it.concurrent('KF3: what the retention removed is a gap; by default the run ends there', async () => {
    await kafka.topic('kf3', 1);
    await kafka.send('kf3', numbered(1, 2));
    const first = await openSource(kafka, 'kf3');
    expect(valuesOf(await collect(first.generateEvents()))).toEqual([1, 2]);
    await first.close();
    // The mock keeps about five megabytes.
    const value = JSON.stringify('x'.repeat(400_000));
    for (let n = 0; n < 30; n += 1) await kafka.send('kf3', [{ value, partition: 0 }]);
    const failing = await openSource(kafka, 'kf3');
    await expect(collect(failing.generateEvents())).rejects.toThrow(GapError);
    expect(await kafka.committed('kf3', 'kf3')).toEqual({ 0: '2' });
    await failing.close();
    const source = await openSource(kafka, 'kf3', { onGap: 'emit' });
    const events = await collect(source.generateEvents());
    const oldest = Number(events[1]?.id.split(':')[2]);
    expect(events[0]).toMatchObject({
      type: 'headwater.gap',
      data: { reason: 'retention', from: 'kf3:0:2', to: `kf3:0:${oldest}`, count: oldest - 2 },
    });
    expect(events.length - 1).toBe(32 - oldest);
    await source.close();
  }, 90_000);

  it.concurrent('a broker that is down, slow, and answers with errors costs nothing', async () => {
    const own = await MockKafka.start();
    await own.topic('faults', 1);
    await own.send('faults', numbered(1, 10));
    const source = await openSource(own, 'faults');
    const seen: unknown[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const event of source.generateEvents({ follow: true, signal: stop.signal }))
        seen.push(...valuesOf([event]));
    })().catch((error: unknown) => error);
    await eventually(() => new Set(seen).size === 10, 'the first ten came', 30_000);
    await own.down(1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await own.up(1);
    await own.latency(1, 50);
    // NOT_LEADER_FOR_PARTITION to a fetch, REQUEST_TIMED_OUT to a commit.
    await own.fail(1, 6, 2);
    await own.fail(8, 7, 1);
    await own.send('faults', numbered(11, 20));
    await eventually(() => new Set(seen).size === 20, 'the others came', 60_000);
    expect(new Set(seen)).toEqual(new Set(range(1, 20)));
    stop.abort('enough');
    expect(await reading).toBe('enough');
    await source.close();
    await own.stop();
  }, 120_000);

  it.concurrent('a commit that fails again and again is tried for as long as `reconnect` says', async () => {
    const own = await MockKafka.start();
    await own.topic('commits', 1);
    await own.send('commits', numbered(1, 10));
    const source = await openSource(own, 'commits', { reconnect: { retries: 5, minDelayMs: 10, maxDelayMs: 50 } });
    // REQUEST_TIMED_OUT, more often than the client tries by itself.
    await own.fail(8, 7, 9);
    const stop = new AbortController();
    const reading = collect(source.generateEvents({ follow: true, signal: stop.signal })).catch((error) => error);
    const admin = own.kafka().admin();
    await admin.connect();
    const committed = async () => {
      const [topic] = await admin.fetchOffsets({ groupId: source.config.group, topics: ['commits'] });
      return topic?.partitions[0]?.offset;
    };
    await eventually(async () => (await committed()) === '10', 'everything is committed', 30_000);
    stop.abort('enough');
    expect(await reading).toBe('enough');
    await source.close();
    await admin.disconnect();
    await own.stop();
  }, 60_000);

  it.concurrent('who leaves a group while it is being joined is not in it any more when it is', async () => {
    const own = await MockKafka.start();
    await own.topic('left', 2);
    await own.send('left', [...numbered(1, 3, 0), ...numbered(4, 6, 1)]);
    // REBALANCE_IN_PROGRESS to JoinGroup: the client waits, and joins again.
    await own.fail(11, 27, 3);
    const hasty = await openSource(own, 'left');
    const stop = new AbortController();
    const reading = collect(hasty.generateEvents({ follow: true, signal: stop.signal })).catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, 300));
    stop.abort('enough');
    expect(await reading).toBe('enough');
    await hasty.close();
    const source = await openSource(own, 'left');
    const seen = new Set<unknown>();
    for await (const event of source.generateEvents({ follow: true })) {
      for (const value of valuesOf([event])) seen.add(value);
      if (seen.size === 6) break;
    }
    await source.close();
    await own.stop();
  }, 60_000);

  it.concurrent('topics that are not there, what is not allowed', async () => {
    const missing = await openSource(kafka, 'nothing-there');
    await expect(collect(missing.generateEvents())).rejects.toThrow(NotFoundError);
    expect(await missing.validate()).toMatchObject({ ok: false, problems: [{ code: 'KAFKA_NO_TOPIC' }] });
    const own = await MockKafka.start();
    await own.topic('closed', 1);
    // GROUP_AUTHORIZATION_FAILED to JoinGroup.
    await own.fail(11, 30, 1);
    const source = await openSource(own, 'closed');
    await expect(collect(source.generateEvents())).rejects.toThrow(PermissionError);
    await own.stop();
  }, 60_000);

  it.concurrent('nobody listens', async () => {
    const brokers = [`127.0.0.1:${await freePort()}`];
    const config = { brokers, topics: ['t'], group: 'g', reconnect: { retries: 1, minDelayMs: 5 } };
    const source = await KafkaSource.create({ id: 'k', config });
    const error = await collect(source.generateEvents()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toContain('see that it runs');
    expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'KAFKA_CONNECTION' }] });
    await source.close();
  }, 60_000);
});

describe('a Kafka that does not answer', () => {
  it('is given up after twice the time that joining may take, and tried again', async () => {
    const held = new Set<Socket>();
    const hole = createServer((socket) => held.add(socket)).listen(0, '127.0.0.1');
    await once(hole, 'listening');
    const config = {
      brokers: [`127.0.0.1:${(hole.address() as AddressInfo).port}`],
      topics: ['t'],
      group: 'g',
      heartbeatMs: 100,
      sessionTimeoutMs: 300,
      rebalanceTimeoutMs: 200,
      reconnect: { retries: 1, minDelayMs: 5 },
    };
    const source = await KafkaSource.create({ id: 'k', config });
    await expect(collect(source.generateEvents())).rejects.toMatchObject({ code: 'KAFKA_SILENT' });
    expect(source.getStats().retries).toBe(1);
    await source.close();
    for (const socket of held) socket.destroy();
    hole.close();
  }, 60_000);

  it('nothing is heard of any more: told once, and not while something is heard', async () => {
    const liveness = new Liveness(80, 'k');
    const told: string[] = [];
    liveness.watch(({ code }) => told.push(String(code)));
    for (let beat = 0; beat < 10; beat += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      liveness.heard();
    }
    expect(told).toEqual([]);
    await eventually(() => told.length > 0, 'it is told');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(told).toEqual(['KAFKA_SILENT']);
    liveness.watch(() => told.push('again'));
    liveness.stop();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(told).toHaveLength(1);
  });
});

describe('another client of Kafka', () => {
  it('a batch that comes when reading has failed is held: given back it would be asked for again and again', async () => {
    const session = new Session({} as never, {} as never, () => undefined);
    session.failed(new ConnectionError('lost'));
    const lost = new AbortController();
    const answer = session.batch({ topic: 't', partition: 0, messages: [], highWatermark: '0' }, lost.signal);
    expect(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 20, 'held'))])).toBe('held');
    lost.abort();
    expect(await answer).toBe(false);
  });

  it('KF5: it is asked for what is committed; holes of transactions and compaction are no loss', async () => {
    const client = new MemoryKafka([0, 1, 4, 5, 9]);
    const source = await KafkaSource.create({
      id: 'k',
      config: { client: client.factory, topics: ['t'], group: 'g', idleMs: 50 },
    });
    const events = await collect(source.generateEvents());
    expect(client.options?.isolation).toBe('read-committed');
    expect(events.map(({ type }) => type)).toEqual(Array.from({ length: 5 }, () => 'kafka.message'));
    expect(client.commits.at(-1)).toMatchObject({ topic: 't', partition: 0, offset: '10' });
    await source.close();
  });

  it('KF2: what is acknowledged after the partition went to another is not committed', async () => {
    const client = new MemoryKafka([0, 1, 2]);
    const source = await KafkaSource.create({ id: 'k', config: { client: client.factory, topics: ['t'], group: 'g' } });
    const events = source.generateEvents({ follow: true });
    await events.next();
    await events.next();
    await eventually(() => client.commits.length === 1, 'the first is committed');
    client.reassign();
    const again = await events.next();
    await events.next();
    expect(client.commits.every(({ offset }) => offset === '1')).toBe(true);
    expect(again.done).toBe(false);
    await events.return();
    await source.close();
  });
});

describe('a configuration of Kafka', () => {
  it('that cannot be is refused, with what to do', async () => {
    const good = { brokers: ['kafka:9092'], topics: ['t'], group: 'g' };
    const bad: [object, string][] = [
      [{ brokers: [] }, 'give brokers, or a client'],
      [{ topics: [] }, 'give topics, or a pattern'],
      [{ pattern: 'x' }, 'give topics, or a pattern'],
      [{ topics: [], pattern: '(' }, 'expected a regular expression'],
      [{ maxDeliveries: 3, commit: 'external' }, "commit has to be 'acknowledged'"],
      [{ heartbeatMs: 20_000 }, 'at most half of sessionTimeoutMs'],
      [{ brokers: ['kafka://kafka:9092'] }, "expected 'host:port'"],
    ];
    for (const [change, message] of bad) {
      const config = { ...good, ...change } as KafkaConfigInput;
      const error = await KafkaSource.create({ id: 'k', config }).catch((reason: unknown) => reason);
      expect(error, message).toBeInstanceOf(ConfigError);
      expect((error as Error).message).toContain(message);
    }
  });
});
