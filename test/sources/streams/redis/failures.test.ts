import { AuthenticationError, ConfigError, ConnectionError, PermissionError, systemClock } from 'headwater';
import { RedisSource } from 'headwater/sources/streams/redis';
import { describe, expect, it } from 'vitest';
import type { RedisClient } from '../../../../src/sources/streams/redis/client.js';
import { SideConnection } from '../../../../src/sources/streams/redis/side-connection.js';
import { freePort } from '../../../services/daemon.js';
import { describeWith } from '../../../services/needs.js';
import { isRedisThere, openRedis } from '../../../services/redis.js';
import { collect, eventually, range } from '../support.js';
import { addNumbers, numbersOf, withOwnRedis } from './support.js';

const config = { mode: 'group', streams: ['s'], group: 'g', reconnect: { minDelayMs: 20 } } as const;

describeWith('Redis', await isRedisThere(), 'a Redis that fails', () => {
  it('is not there: tried again, then told with the address to look at', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const source = await RedisSource.create({
      id: 'r',
      config: { ...config, url, reconnect: { retries: 2, minDelayMs: 5 } },
    });
    const error = await collect(source.generateEvents()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toContain('see that it runs');
    expect(source.getStats().retries).toBe(2);
    expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'REDIS_CONNECTION' }] });
  });

  it('lets nobody in without the password, and does not allow what the user may not do', async () => {
    await withOwnRedis(
      async ({ url }) => {
        for (const credentials of [undefined, { password: 'wrong' }]) {
          const source = await RedisSource.create({ id: 'r', config: { ...config, url }, credentials });
          const error = await collect(source.generateEvents()).catch((reason: unknown) => reason);
          expect(error).toBeInstanceOf(AuthenticationError);
          expect(String(error)).not.toContain('wrong"');
        }
        const limited = { user: 'limited', password: 'p' };
        const source = await RedisSource.create({ id: 'r', config: { ...config, url }, credentials: limited });
        await expect(collect(source.generateEvents())).rejects.toThrow(PermissionError);
        expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'REDIS_NOT_ALLOWED' }] });
      },
      '--requirepass',
      'right',
      '--user',
      'limited',
      'on',
      '>p',
      '~other',
      '+@all',
    );
  });

  it('is restarted while it is read: everything that is acknowledged stays so, and nothing is lost', async () => {
    await withOwnRedis(async (own) => {
      let redis = await openRedis(own.url);
      await addNumbers(redis, 's', 1, 20);
      const source = await RedisSource.create({ id: 'r', config: { ...config, url: own.url, batchSize: 3 } });
      const seen: number[] = [];
      const stop = new AbortController();
      const reading = (async () => {
        for await (const event of source.generateEvents({ follow: true, signal: stop.signal })) {
          seen.push(...numbersOf([event]));
          if (seen.length === 10) {
            redis.destroy();
            await own.stop();
            setTimeout(() => void own.start(), 200);
          }
        }
      })().catch((error: unknown) => error);
      await eventually(() => new Set(seen).size === 20, 'all are read');
      redis = await openRedis(own.url);
      await addNumbers(redis, 's', 21, 22);
      await eventually(
        async () => (await redis.xPending('s', 'g')).pending <= 1 && seen.includes(22),
        'all is acknowledged',
      );
      stop.abort('enough');
      expect(await reading).toBe('enough');
      expect([...new Set(seen)].sort((one, other) => one - other)).toEqual(range(1, 22));
      redis.destroy();
      await source.close();
    });
  });

  it('a configuration that cannot be is refused', async () => {
    const bad = [
      { mode: 'group', streams: [], group: 'g' },
      { mode: 'channels' },
      { mode: 'stream', streams: ['s'], url: 'redis://user:secret@host' },
      { mode: 'queue' },
    ];
    for (const each of bad) {
      await expect(RedisSource.create({ id: 'r', config: each as never })).rejects.toThrow(ConfigError);
    }
  });
});

describe('an acknowledgement that fails when the iteration ends', () => {
  const lost = new ConnectionError('the connection was lost');
  const client = { lost: new AbortController().signal, close() {} } as unknown as RedisClient;
  const open = async () => client;
  const policy = { retries: 10, minDelayMs: 60_000, maxDelayMs: 60_000 };

  async function settled(answers: readonly (Error | string)[], endsAfterMs?: number) {
    const ending = new AbortController();
    const end = () => ending.abort(new DOMException('the iteration ended', 'AbortError'));
    if (endsAfterMs === undefined) end();
    else setTimeout(end, endsAfterMs);
    const side = new SideConnection({ open, policy, clock: systemClock, signal: ending.signal });
    let asked = 0;
    const answer = await side
      .run(async () => {
        const next = answers[asked++];
        if (next instanceof Error) throw next;
        return next;
      })
      .catch((error: unknown) => error);
    await side.close();
    return { answer, asked };
  }

  it('is tried once more, at once, whether the end comes before it or while it waits', async () => {
    expect(await settled([lost, 'done'])).toEqual({ answer: 'done', asked: 2 });
    expect(await settled([lost, 'done'], 10)).toEqual({ answer: 'done', asked: 2 });
  });

  it('is told as what it is when it fails again, not as an abort', async () => {
    expect(await settled([lost, lost, 'done'], 10)).toEqual({ answer: lost, asked: 2 });
    const refused = new PermissionError('not allowed');
    expect(await settled([refused, 'done'])).toEqual({ answer: refused, asked: 1 });
  });
});
