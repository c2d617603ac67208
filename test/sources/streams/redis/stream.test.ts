import { GapError } from 'headwater';
import { type RedisConfigInput, type RedisCursor, RedisSource } from 'headwater/sources/streams/redis';
import { expect, it } from 'vitest';
import { describeWith } from '../../../services/needs.js';
import { isRedisThere } from '../../../services/redis.js';
import { collect, range } from '../support.js';
import { addNumbers, numbersOf, withRedis } from './support.js';

type Given = Partial<Extract<RedisConfigInput, { mode: 'stream' }>>;

const open = (stream: string, cursor?: RedisCursor, given: Given = {}, onGap?: 'emit'): Promise<RedisSource> =>
  RedisSource.create({ id: 'reader', config: { mode: 'stream', streams: [stream], ...given }, cursor, onGap });

describeWith('Redis', await isRedisThere(), 'a plain stream of Redis', () => {
  it('is read by id, the position in our own cursor', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 7);
      const source = await open(stream, undefined, { batchSize: 3 });
      expect(numbersOf(await collect(source.generateEvents(), 5))).toEqual(range(1, 5));
      const next = await open(stream, source.getCursor(), { batchSize: 3 });
      expect(numbersOf(await collect(next.generateEvents()))).toEqual(range(5, 7));
      expect(await collect((await open(stream, next.getCursor())).generateEvents())).toEqual([]);
    });
  });

  it('begins with what comes from now on, and remembers it when nothing comes', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 3);
      const source = await open(stream, undefined, { start: '$' });
      expect(await collect(source.generateEvents())).toEqual([]);
      await addNumbers(redis, stream, 4, 5);
      const next = await open(stream, source.getCursor(), { start: '$' });
      expect(numbersOf(await collect(next.generateEvents()))).toEqual([4, 5]);
    });
  });

  it('what was trimmed before it was read is a gap, with the number; what was read before is none', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 3);
      const source = await open(stream);
      await collect(source.generateEvents());
      // All of it was read: nothing is lost.
      await redis.xTrim(stream, 'MAXLEN', 0);
      await addNumbers(redis, stream, 4, 4);
      const second = await open(stream, source.getCursor());
      expect(numbersOf(await collect(second.generateEvents()))).toEqual([4]);
      await addNumbers(redis, stream, 5, 9);
      await redis.xTrim(stream, 'MAXLEN', 2);
      await expect(collect((await open(stream, second.getCursor())).generateEvents())).rejects.toThrow(GapError);
      const third = await open(stream, second.getCursor(), {}, 'emit');
      const events = await collect(third.generateEvents());
      expect(events[0]).toMatchObject({ type: 'headwater.gap', data: { reason: 'retention', count: 3 } });
      expect(numbersOf(events)).toEqual([8, 9]);
      expect(await collect((await open(stream, third.getCursor())).generateEvents())).toEqual([]);
    });
  });

  it('entries that were deleted one by one are no gap once everything was read', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      const ids = await addNumbers(redis, stream, 1, 5);
      await redis.xDel(stream, ids[2] as string);
      const source = await open(stream);
      expect(numbersOf(await collect(source.generateEvents()))).toEqual([1, 2, 4, 5]);
      await redis.xTrim(stream, 'MAXLEN', 0);
      await addNumbers(redis, stream, 6, 6);
      const next = await open(stream, source.getCursor());
      expect(numbersOf(await collect(next.generateEvents()))).toEqual([6]);
    });
  });

  it('a stream that was made anew is told, and read from its beginning', async () => {
    await withRedis(async (redis, key) => {
      const stream = key('s');
      await addNumbers(redis, stream, 1, 3);
      const source = await open(stream);
      await collect(source.generateEvents());
      await redis.del(stream);
      await redis.xAdd(stream, '1-1', { n: '1' });
      const next = await open(stream, source.getCursor(), {}, 'emit');
      const events = await collect(next.generateEvents());
      expect(events[0]).toMatchObject({ type: 'headwater.gap', data: { reason: 'history-rewritten' } });
      expect(numbersOf(events)).toEqual([1]);
    });
  });
});
