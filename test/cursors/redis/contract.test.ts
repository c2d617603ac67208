import { it } from 'vitest';
import { RedisCursorStore } from '../../../src/cursors/redis/index.js';
import { FakeClock, testCursorStore } from '../../../src/testing/index.js';
import { describeWith } from '../../services/needs.js';
import { isRedisThere, openRedis, ownPrefix } from '../../services/redis.js';

describeWith('Redis on 127.0.0.1:6379', await isRedisThere(), 'the contract of cursor stores, Redis', () => {
  const create = async () => {
    const { prefix, clear } = ownPrefix();
    const clients = [await openRedis()];
    const clock = new FakeClock();
    const [first] = clients as [(typeof clients)[number]];
    return {
      store: new RedisCursorStore(first, { prefix, clock }),
      reopen: async () => {
        const client = await openRedis();
        clients.push(client);
        return new RedisCursorStore(client, { prefix, clock });
      },
      advance: (milliseconds: number) => clock.advance(milliseconds),
      close: async () => {
        for (const client of clients) client.destroy();
        await clear();
      },
    };
  };
  for (const { name, skipped, run } of testCursorStore({ create })) it.skipIf(skipped !== undefined)(name, run);
});
