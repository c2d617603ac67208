import { RedisSource } from 'headwater/sources/streams/redis';
import { expect, it } from 'vitest';
import { describeWith } from '../../../services/needs.js';
import { isRedisThere, openRedis } from '../../../services/redis.js';
import { collect, eventually } from '../support.js';
import { withOwnRedis, withRedis } from './support.js';

const values = (events: readonly { data: unknown }[]): unknown[] =>
  events.map(({ data }) => (data as { value?: unknown }).value);

describeWith('Redis', await isRedisThere(), 'lists of Redis', () => {
  const open = (list: string, id = 'worker'): Promise<RedisSource> =>
    RedisSource.create({ id, config: { mode: 'list', list, batchSize: 3 } });

  it('elements are worked on until they are acknowledged: a process that dies loses none', async () => {
    await withRedis(async (redis, key) => {
      const list = key('l');
      await redis.rPush(list, ['1', '2', '2', '3', '4', 'no json']);
      const source = await open(list);
      expect(values(await collect(source.generateEvents(), 3))).toEqual([1, 2, 2]);
      await source.close();
      const processing = `${list}:processing:worker`;
      expect(await redis.lRange(processing, 0, -1)).toEqual(['2']);
      const next = await open(list);
      const events = await collect(next.generateEvents());
      expect(values(events)).toEqual([2, 3, 4, undefined]);
      expect(events[0]?.data).toMatchObject({ redelivered: true });
      expect(events[3]).toMatchObject({ type: 'redis.message.invalid' });
      expect(await redis.lRange(processing, 0, -1)).toEqual([]);
      expect(await redis.lRange(list, 0, -1)).toEqual([]);
      await next.close();
    });
  });

  it('waits for elements', async () => {
    await withRedis(async (redis, key) => {
      const source = await open(key('l'));
      const events = source.generateEvents({ follow: true });
      const next = events.next();
      await eventually(() => source.getStatus().state === 'caught-up', 'it waits');
      await redis.rPush(key('l'), '{"a":1}');
      expect((await next).value).toMatchObject({ data: { value: { a: 1 } } });
      await events.return();
      await source.close();
    });
  });
});

describeWith('Redis', await isRedisThere(), 'channels of Redis', () => {
  it('RD4: published messages, at most once, as the source says of itself', async () => {
    await withRedis(async (redis, key) => {
      const source = await RedisSource.create({
        id: 'c',
        config: { mode: 'channels', channels: [key('a')], patterns: [key('b.*')] },
      });
      expect(source.capabilities).toMatchObject({ kind: 'push', delivery: 'at-most-once', position: 'none' });
      const reading = collect(source.generateEvents(), 3);
      await eventually(() => source.getStatus().state === 'caught-up', 'it listens');
      await redis.publish(key('a'), '{"n":1}');
      await redis.publish(key('b.x'), '2');
      await redis.publish(key('a'), '{');
      expect(await reading).toMatchObject([
        { type: 'redis.message', subject: key('a'), data: { channel: key('a'), value: { n: 1 } } },
        { data: { channel: key('b.x'), pattern: key('b.*'), value: 2 } },
        { type: 'redis.message.invalid', data: { name: key('a'), base64: 'ew==' } },
      ]);
      await source.close();
    });
  });

  it('RD4: a full queue drops the newest, counts them, and says so', async () => {
    await withRedis(async (redis, key) => {
      const config = { mode: 'channels', channels: [key('a')], queueEvents: 3 } as const;
      const source = await RedisSource.create({ id: 'c', config });
      const events = source.generateEvents();
      const first = events.next();
      await eventually(() => source.getStatus().state === 'caught-up', 'it listens');
      for (let n = 1; n <= 10; n += 1) await redis.publish(key('a'), `${n}`);
      expect((await first).value).toMatchObject({ data: { value: 1 } });
      await eventually(() => (source.getStats().dropped['overflow'] ?? 0) === 7, 'seven are dropped');
      expect((await events.next()).value).toMatchObject({ data: { value: 2 } });
      expect((await events.next()).value).toMatchObject({ data: { value: 3 } });
      expect((await events.next()).value).toMatchObject({
        type: 'headwater.gap',
        data: { reason: 'overflow', count: 7 },
      });
      await events.return();
      await source.close();
    });
  });

  it('RD4: each reconnection is a gap, and so is a pause between two iterations', async () => {
    await withOwnRedis(async (own) => {
      const config = { mode: 'channels', url: own.url, channels: ['a'], reconnect: { minDelayMs: 20 } } as const;
      const source = await RedisSource.create({ id: 'c', config });
      try {
        const events = source.generateEvents();
        const first = events.next();
        await eventually(() => source.getStatus().state === 'caught-up', 'it listens');
        await own.stop();
        await eventually(() => source.getStatus().state === 'reconnecting', 'it notices');
        await own.start();
        expect((await first).value).toMatchObject({ type: 'headwater.gap', data: { reason: 'disconnected' } });
        const second = events.next();
        await eventually(() => source.getStatus().state === 'caught-up', 'it listens again');
        const redis = await openRedis(own.url);
        await redis.publish('a', '5');
        expect((await second).value).toMatchObject({ data: { value: 5 } });
        redis.destroy();
        await events.return();
        const [gap, again] = await collect(source.generateEvents(), 2);
        expect(gap).toMatchObject({ type: 'headwater.gap', data: { reason: 'disconnected' } });
        expect(again).toMatchObject({ type: 'redis.message', data: { value: 5 } });
      } finally {
        await source.close();
      }
    });
  });

  it('what happens to keys', async () => {
    await withOwnRedis(async (own) => {
      const redis = await openRedis(own.url);
      const config = {
        mode: 'keyspace',
        url: own.url,
        keys: ['session:*'],
        events: ['set', 'expired', 'del'],
      } as const;
      const source = await RedisSource.create({ id: 'k', config });
      try {
        expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'REDIS_SILENT' }] });
        await redis.configSet('notify-keyspace-events', 'KA');
        expect(await source.validate()).toMatchObject({ ok: true });
        const reading = collect(source.generateEvents(), 3);
        await eventually(() => source.getStatus().state === 'caught-up', 'it listens');
        await redis.set('other', '1');
        await redis.set('session:1', 'x');
        await redis.del('session:1');
        await redis.set('session:2', 'x', { PX: 20 });
        expect((await reading).map(({ data }) => data)).toEqual([
          { key: 'session:1', event: 'set' },
          { key: 'session:1', event: 'del' },
          { key: 'session:2', event: 'set' },
        ]);
      } finally {
        redis.destroy();
        await source.close();
      }
    });
  });
});
