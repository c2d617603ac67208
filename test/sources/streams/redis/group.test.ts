import { EventSourceFactory, GapError, ingest, NotFoundError, SkippableError } from 'headwater';
import { builtinSources } from 'headwater/sources';
import { type RedisConfigInput, RedisSource } from 'headwater/sources/streams/redis';
import { expect, it } from 'vitest';
import { describeWith } from '../../../services/needs.js';
import { isRedisThere } from '../../../services/redis.js';
import { collect, eventually, range } from '../support.js';
import { addNumbers, numbersOf, withRedis } from './support.js';

type Given = Partial<Extract<RedisConfigInput, { mode: 'group' }>>;

const open = (stream: string, given: Given = {}, id = 'reader', onGap?: 'emit'): Promise<RedisSource> =>
  RedisSource.create({ id, config: { mode: 'group', streams: [stream], group: 'g', ...given }, onGap });

describeWith('Redis', await isRedisThere(), 'a consumer group of Redis', () => {
  it('RD1: own pending entries come first, then those of the dead, then what is new', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await redis.xGroupCreate(stream, 'g', '0', { MKSTREAM: true });
      await addNumbers(redis, stream, 1, 2);
      await redis.xReadGroup('g', 'dead', { key: stream, id: '>' }, { COUNT: 2 });
      await addNumbers(redis, stream, 3, 4);
      await redis.xReadGroup('g', 'reader', { key: stream, id: '>' }, { COUNT: 2 });
      await addNumbers(redis, stream, 5, 6);
      await new Promise((resolve) => setTimeout(resolve, 60));
      const source = await open(stream, { claimIdleMs: 50 });
      expect(numbersOf(await collect(source.generateEvents()))).toEqual([3, 4, 1, 2, 5, 6]);
      expect((await redis.xPending(stream, 'g')).pending).toBe(0);
      await source.close();
    });
  });

  it('RD1: what was read and not acknowledged comes again, whoever stopped where', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 10);
      const first = await open(stream, { batchSize: 4 });
      expect(numbersOf(await collect(first.generateEvents(), 6))).toEqual(range(1, 6));
      const events = await collect(first.generateEvents());
      // The sixth was in hand when the loop was left.
      expect(numbersOf(events)).toEqual(range(6, 10));
      expect(events[0]?.data).toMatchObject({ deliveries: 2 });
      expect((await redis.xPending(stream, 'g')).pending).toBe(0);
      await first.close();
    });
  });

  it('RD2: pending entries that were removed are a gap, and are acknowledged; never empty events', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await redis.xGroupCreate(stream, 'g', '0', { MKSTREAM: true });
      const ids = await addNumbers(redis, stream, 1, 3);
      await redis.xReadGroup('g', 'reader', { key: stream, id: '>' });
      await redis.xDel(stream, ids[1] as string);
      await expect(collect((await open(stream)).generateEvents())).rejects.toThrow(GapError);
      const source = await open(stream, {}, 'reader', 'emit');
      const events = await collect(source.generateEvents());
      expect(numbersOf(events)).toEqual([1, 3]);
      expect(events.filter(({ type }) => type === 'headwater.gap').map(({ data }) => data)).toMatchObject([
        { reason: 'retention', from: `${stream}:${ids[1]}`, count: 1 },
      ]);
      expect((await redis.xPending(stream, 'g')).pending).toBe(0);
      await source.close();
    });
  });

  it('RD2: entries of the dead that were removed are a gap too', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await redis.xGroupCreate(stream, 'g', '0', { MKSTREAM: true });
      const ids = await addNumbers(redis, stream, 1, 2);
      await redis.xReadGroup('g', 'dead', { key: stream, id: '>' });
      await redis.xDel(stream, ids[0] as string);
      await new Promise((resolve) => setTimeout(resolve, 60));
      const source = await open(stream, { claimIdleMs: 50 }, 'reader', 'emit');
      const events = await collect(source.generateEvents());
      expect(numbersOf(events)).toEqual([2]);
      expect(events.map(({ type }) => type)).toContain('headwater.gap');
      await source.close();
    });
  });

  it('entries that were trimmed before the group was given them are a gap', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 3);
      const source = await open(stream, {}, 'reader', 'emit');
      expect(numbersOf(await collect(source.generateEvents()))).toEqual([1, 2, 3]);
      await addNumbers(redis, stream, 4, 9);
      await redis.xTrim(stream, 'MAXLEN', 2);
      const events = await collect((await open(stream, {}, 'reader', 'emit')).generateEvents());
      expect(events[0]).toMatchObject({ type: 'headwater.gap', data: { reason: 'retention', count: 4 } });
      expect(numbersOf(events)).toEqual([8, 9]);
      await source.close();
    });
  });

  it('RD3: nothing is acknowledged before the consumer has', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 3);
      const source = await open(stream);
      const events = source.generateEvents();
      await events.next();
      expect((await redis.xPending(stream, 'g')).pending).toBe(3);
      await events.next();
      await eventually(async () => (await redis.xPending(stream, 'g')).pending === 2, 'the first is acknowledged');
      await events.return();
      expect((await redis.xPending(stream, 'g')).pending).toBe(2);
      await source.close();
    });
  });

  it('RD3: the group begins with the oldest entry, the consumer is named after the source', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 2);
      const source = await open(stream, {}, 'mailer-7');
      expect(numbersOf(await collect(source.generateEvents()))).toEqual([1, 2]);
      expect((await redis.xInfoConsumers(stream, 'g')).map(({ name }) => name)).toEqual(['mailer-7']);
      await source.close();
    });
  });

  it('RD3: what was delivered too often goes to the stream of the dead, and the rest flows on', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 5);
      const seen: number[] = [];
      // A consumer that dies of the third, again and again.
      for (let life = 0; life < 6; life += 1) {
        const source = await open(stream, { maxDeliveries: 3 });
        for await (const event of source.generateEvents()) {
          const [n] = numbersOf([event]);
          if (n === 3) break;
          seen.push(n as number);
        }
        await source.close();
      }
      expect(seen).toEqual([1, 2, 4, 5]);
      const [dead] = (await redis.xRange(`${stream}:dead`, '-', '+')) ?? [];
      expect(dead?.message).toMatchObject({ n: '3', 'headwater-stream': stream, 'headwater-deliveries': '3' });
      expect((await redis.xPending(stream, 'g')).pending).toBe(0);
    });
  });

  it('RD3: what fails for good in the pipeline goes to the stream of the dead as it was, and is acknowledged; the rest flows on', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 7);
      await redis.xAdd(stream, '*', { n: '8', bytes: Buffer.from([0xff, 0x00]) as unknown as string });
      const source = await open(stream, { deadLetterStream: key('aside') });
      const stored: number[] = [];
      const report = await ingest({
        source,
        deadLetters: 'upstream',
        sink: async ({ events }) => {
          const numbers = numbersOf(events as never);
          if (numbers.some((n) => n === 3 || n === 8))
            throw new SkippableError('no place for postgres://u:hunter2@h/db');
          stored.push(...numbers);
        },
      });
      expect(report).toMatchObject({ status: 'partial', deadLettered: 2, written: 6 });
      expect(stored).toEqual([1, 2, 4, 5, 6, 7]);
      const aside = (await redis.xRange(key('aside'), '-', '+')) ?? [];
      expect(aside.map(({ message }) => message['n'])).toEqual(['3', '8']);
      expect(aside[0]?.message).toMatchObject({ 'headwater-stream': stream, 'headwater-attempts': expect.any(String) });
      expect(aside[0]?.message['headwater-error']).toMatch(/^no place for/);
      expect(JSON.stringify(aside)).not.toContain('hunter2');
      expect((await redis.xPending(stream, 'g')).pending).toBe(0);
      await source.close();
    });
  });

  it('a slow consumer is not robbed of what it has, and waits for nothing it has already', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 4);
      const slow = await open(stream, { claimIdleMs: 150 }, 'slow');
      const events = slow.generateEvents();
      await events.next();
      const other = await open(stream, { claimIdleMs: 150 }, 'other');
      const stop = new AbortController();
      const stolen: number[] = [];
      const reading = (async () => {
        for await (const event of other.generateEvents({ follow: true, signal: stop.signal }))
          stolen.push(...numbersOf([event]));
      })().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(stolen).toEqual([]);
      const rest = await collect(events);
      expect(numbersOf(rest)).toEqual([2, 3, 4]);
      stop.abort();
      await reading;
      await Promise.all([slow.close(), other.close()]);
    });
  });

  it('several streams, a payload field, and what cannot be decoded', async () => {
    await withRedis(async (redis, key) => {
      const [one, two] = [key('one'), key('two')];
      await redis.xAdd(one, '1700000000000-1', { body: '{"a":1}', kind: 'x' });
      await redis.xAdd(two, '5-1', { body: '{', kind: 'y' });
      const factory = new EventSourceFactory({ sources: builtinSources });
      const source = await factory.create('redis', {
        id: 'r',
        config: { mode: 'group', streams: [one, two], group: 'g', payload: 'body' },
      });
      const events = await collect(source.generateEvents());
      expect(events).toMatchObject([
        {
          type: 'redis.message',
          id: `${one}:1700000000000-1`,
          time: '2023-11-14T22:13:20.000Z',
          data: { value: { a: 1 }, fields: { kind: 'x' } },
        },
        { type: 'redis.message.invalid', id: `${two}:5-1`, data: { base64: 'ew==', entry: '5-1' } },
      ]);
      await source.close();
    });
  });

  it('a group that is not there and is not to be made; a key of another type', async () => {
    await withRedis(async (redis, key) => {
      const source = await open(key('s'), { createGroup: false });
      await expect(collect(source.generateEvents())).rejects.toThrow(NotFoundError);
      expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'REDIS_NO_GROUP' }] });
      await redis.set(key('text'), 'x');
      const other = await open(key('text'));
      await expect(collect(other.generateEvents())).rejects.toMatchObject({ code: 'REDIS_WRONG_TYPE' });
      expect(await other.validate()).toMatchObject({ ok: false, problems: [{ code: 'REDIS_WRONG_TYPE' }] });
    });
  });
});
