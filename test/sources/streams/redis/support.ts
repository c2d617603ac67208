import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceEvent } from 'headwater';
import type { RedisEvent } from 'headwater/sources/streams/redis';
import { OwnRedis, openRedis, ownPrefix } from '../../../services/redis.js';

export type Redis = Awaited<ReturnType<typeof openRedis>>;

/** A Redis with keys of its own, gone when the test is over. */
export async function withRedis(body: (redis: Redis, key: (name: string) => string) => Promise<void>): Promise<void> {
  const redis = await openRedis();
  const { prefix, clear } = ownPrefix();
  try {
    await body(redis, (name) => `${prefix}${name}`);
  } finally {
    redis.destroy();
    await clear();
  }
}

/** A Redis of its own, to be stopped and started again. */
export async function withOwnRedis(body: (own: OwnRedis) => Promise<void>, ...given: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-redis-'));
  const own = await OwnRedis.start(folder, ...given);
  try {
    await body(own);
  } finally {
    await own.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Entries `n: from … to`. */
export async function addNumbers(redis: Redis, stream: string, from: number, to: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = from; n <= to; n += 1) ids.push(await redis.xAdd(stream, '*', { n: `${n}` }));
  return ids;
}

/** The numbers of entries. */
export function numbersOf(events: readonly SourceEvent[]): number[] {
  return (events as readonly RedisEvent[]).flatMap((event) =>
    event.type === 'redis.message' && 'fields' in event.data ? [Number(event.data.fields['n'])] : [],
  );
}
