import { createClient, createCluster } from 'redis';
import { expect, it, onTestFinished } from 'vitest';
import { RedisCursorStore } from '../../../src/cursors/redis/index.js';
import { freePort } from '../../services/daemon.js';
import { describeWith, hasProgram } from '../../services/needs.js';
import { isRedisThere, OwnRedis, openRedis, ownPrefix, REDIS_URL } from '../../services/redis.js';
import { scratchDirectory } from '../scratch.js';

const write = (cursor: unknown, set?: Record<string, unknown>) => {
  const head = { sourceId: 's', sourceType: 't', origin: 'o', cursorVersion: 1, writer: 'w', cursor };
  return set === undefined ? head : { ...head, state: { set } };
};

async function ownRedis(...given: readonly string[]): Promise<OwnRedis> {
  const redis = await OwnRedis.start(scratchDirectory(), ...given);
  onTestFinished(() => redis.stop());
  return redis;
}

async function clientOf(redis: OwnRedis) {
  const client = await openRedis(redis.url);
  onTestFinished(() => client.destroy());
  return client;
}

async function stateOf(store: RedisCursorStore): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {};
  for await (const [key, value] of store.loadState('s')) state[key] = value;
  return state;
}

describeWith('redis-server', hasProgram('redis-server', '--version'), 'RedisCursorStore, with a Redis that', () => {
  it('dies says so, and goes on when it is back, with everything it had said was saved', async () => {
    const redis = await ownRedis();
    const store = new RedisCursorStore(await clientOf(redis), { timeoutMs: 500 });
    await store.save(write(1, { key: 'a' }), { expectedRevision: 0 });
    await redis.stop('SIGKILL');
    await expect(store.save(write(2), { expectedRevision: 1 })).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'REDIS_CONNECTION',
      sourceId: 's',
    });
    await redis.start();
    await expect.poll(() => store.load('s').catch(() => undefined), { timeout: 20_000 }).toBeDefined();
    const { revision } = (await store.load('s')) ?? { revision: 0 };
    // What was not answered may have been kept by the client, and saved when it was back.
    expect([1, 2]).toContain(revision);
    expect(await store.save(write(3), { expectedRevision: revision })).toMatchObject({ revision: revision + 1 });
    expect(await stateOf(store)).toEqual({ key: 'a' });
  });

  it('was never there, or refuses, is an error of connect, which shows no password', async () => {
    const url = `redis://user:hunter2@127.0.0.1:${await freePort()}`;
    const error = await RedisCursorStore.connect(url, { timeoutMs: 1_000 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'REDIS_CONNECTION' });
    const guarded = await ownRedis('--requirepass', 'other');
    const refused = await RedisCursorStore.connect(guarded.url.replace('//', '//default:hunter2@')).catch(
      (reason: unknown) => reason,
    );
    expect(refused).toMatchObject({ name: 'PermissionError', code: 'REDIS_REFUSED' });
    for (const one of [error, refused]) expect(JSON.stringify(one) + String(one)).not.toContain('hunter2');
    const store = await RedisCursorStore.connect(guarded.url.replace('//', '//default:other@'));
    expect(await store.load('s')).toBeUndefined();
    await store.close();
    await store.close();
  });

  it('is gone while a client of the store’s own is asked says so at once, and again when asked again', async () => {
    const redis = await ownRedis();
    const store = await RedisCursorStore.connect(redis.url);
    onTestFinished(() => store.close());
    await store.save(write(1), { expectedRevision: 0 });
    await redis.stop();
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(store.load('s')).rejects.toMatchObject({ name: 'ConnectionError', code: 'REDIS_CONNECTION' });
    await redis.start();
    await expect.poll(() => store.load('s').catch(() => undefined), { timeout: 20_000 }).toMatchObject({ cursor: 1 });
  });

  it('does not answer is not waited for for ever', async () => {
    const redis = await ownRedis();
    const [client, other] = [await clientOf(redis), await clientOf(redis)];
    const store = new RedisCursorStore(client, { timeoutMs: 100 });
    await other.sendCommand(['CLIENT', 'PAUSE', '20000', 'ALL']);
    await expect(store.load('s')).rejects.toMatchObject({ name: 'ConnectionError', code: 'REDIS_CONNECTION' });
  });

  it('has no memory left saves nothing, not even a part, and says so', async () => {
    const redis = await ownRedis('--maxmemory-policy', 'noeviction');
    const client = await clientOf(redis);
    const store = new RedisCursorStore(client);
    await store.save(write(1, { kept: 1, gone: 1 }), { expectedRevision: 0 });
    await client.configSet('maxmemory', '1');
    const full = store.save({ ...write(2), state: { set: { kept: 2 }, delete: ['gone'] } }, { expectedRevision: 1 });
    await expect(full).rejects.toMatchObject({ name: 'RetryableError', code: 'REDIS_FULL' });
    await expect(store.save({ ...write(1), sourceId: 'new' }, { expectedRevision: 0 })).rejects.toMatchObject({
      code: 'REDIS_FULL',
    });
    expect(await store.load('s')).toMatchObject({ revision: 1, cursor: 1 });
    expect(await stateOf(store)).toEqual({ kept: 1, gone: 1 });
    expect(await store.list()).toHaveLength(1);
    await client.configSet('maxmemory', '0');
    expect(await store.save(write(2), { expectedRevision: 1 })).toMatchObject({ revision: 2 });
  });

  it('is a replica that may not be written is worth another try', async () => {
    const primary = await ownRedis();
    const replica = await ownRedis('--replicaof', `127.0.0.1 ${primary.port}`);
    const store = new RedisCursorStore(await clientOf(replica));
    const save = (): Promise<unknown> => store.save(write(1), { expectedRevision: 0 });
    await expect(save()).rejects.toMatchObject({ name: 'RetryableError', code: 'REDIS_BUSY' });
    await expect(store.lease('s', { ttlMs: 1_000, holder: 'x' })).rejects.toMatchObject({ code: 'REDIS_BUSY' });
  });

  it('has forgotten its scripts is given them again', async () => {
    const redis = await ownRedis();
    const client = await clientOf(redis);
    const store = new RedisCursorStore(client);
    await store.save(write(1), { expectedRevision: 0 });
    await client.scriptFlush();
    expect(await store.save(write(2), { expectedRevision: 1 })).toMatchObject({ revision: 2 });
  });

  it('is a cluster keeps all of a source on one node', async () => {
    const redis = await ownRedis('--cluster-enabled', 'yes', '--cluster-port', `${await freePort()}`);
    const client = await clientOf(redis);
    await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
    await expect.poll(() => client.sendCommand(['CLUSTER', 'INFO']), { timeout: 30_000 }).toContain('cluster_state:ok');
    const cluster = createCluster({ rootNodes: [{ url: redis.url }] });
    cluster.on('error', () => {});
    await cluster.connect();
    onTestFinished(() => cluster.destroy());
    const store = new RedisCursorStore(cluster);
    for (const sourceId of ['s', 'other', '{}', 'a{b}c']) {
      await store.save({ ...write(1, { key: 1 }), sourceId }, { expectedRevision: 0 });
      await store.save({ ...write(2), sourceId }, { expectedRevision: 1 });
      await (await store.lease(sourceId, { ttlMs: 1_000, holder: 'x' })).release();
    }
    expect((await store.list()).map(({ sourceId, cursor }) => [sourceId, cursor])).toHaveLength(4);
    expect(await store.history('s')).toMatchObject([{ revision: 1 }]);
    expect(await stateOf(store)).toEqual({ key: 1 });
    await store.delete('s');
    expect(await store.load('s')).toBeUndefined();
  });
});

describeWith('Redis on 127.0.0.1:6379', await isRedisThere(), 'RedisCursorStore', () => {
  async function store() {
    const { prefix, clear } = ownPrefix();
    onTestFinished(clear);
    const client = createClient({ url: REDIS_URL });
    await client.connect();
    onTestFinished(() => client.destroy());
    return { store: new RedisCursorStore(client, { prefix, history: 2 }), client, prefix };
  }

  it('CU2: refuses what somebody has changed by hand, and says what to do', async () => {
    const { store: cursors, client, prefix } = await store();
    await cursors.save(write(1), { expectedRevision: 0 });
    const [key = ''] = await client.keys(`${prefix}{*}`);
    await client.hSet(key, 'record', '{"torn');
    await expect(cursors.load('s')).rejects.toMatchObject({ name: 'CursorError', code: 'CURSOR_CORRUPT' });
    await client.unlink(key);
    await client.set(key, 'something else');
    await expect(cursors.load('s')).rejects.toMatchObject({ name: 'CursorError', code: 'CURSOR_CORRUPT' });
  });

  it('keeps the last records, and nothing under other names than its own', async () => {
    const { store: cursors, client, prefix } = await store();
    for (let revision = 0; revision < 5; revision += 1)
      await cursors.save(write(revision + 1, { key: revision }), { expectedRevision: revision });
    expect((await cursors.history('s')).map(({ cursor }) => cursor)).toEqual([4, 3]);
    const names = (await client.keys(`${prefix}*`)).sort();
    expect(names).toHaveLength(4);
    expect(await client.lLen(names.find((name) => name.endsWith(':history')) ?? '')).toBe(3);
  });

  it('writes of the state only what changed', async () => {
    const { store: cursors, client } = await store();
    const set = Object.fromEntries(Array.from({ length: 20_000 }, (_, number) => [`key-${number}`, 'x'.repeat(100)]));
    await cursors.save(write(1, set), { expectedRevision: 0 });
    const read = async (): Promise<number> =>
      Number(/total_net_input_bytes:(\d+)/.exec(await client.info('stats'))?.[1]);
    const before = await read();
    await cursors.save(write(2, { 'key-7': 'changed' }), { expectedRevision: 1 });
    // Other tests use the same Redis; the state as a whole has 2 MB.
    expect((await read()) - before).toBeLessThan(1_000_000);
    expect(Object.keys(await stateOf(cursors))).toHaveLength(20_000);
  });

  it('refuses a prefix with braces, and a change that no command can hold, before it writes anything', async () => {
    const { store: cursors } = await store();
    expect(() => new RedisCursorStore({} as never, { prefix: '{mine}' })).toThrow(/braces/);
    const many = Array.from({ length: 400_001 }, (_, number) => `${number}`);
    const save = cursors.save({ ...write(1), state: { delete: many } }, { expectedRevision: 0 });
    await expect(save).rejects.toMatchObject({ name: 'CursorError', code: 'CURSOR_STATE_TOO_LARGE' });
    expect(await cursors.list()).toEqual([]);
  });
});
