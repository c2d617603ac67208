import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { RedisCursorStore } from '../../../src/cursors/redis/index.js';
import { FakeClock } from '../../../src/testing/fake-clock.js';
import { describeWith } from '../../services/needs.js';
import { isRedisThere, ownPrefix, REDIS_URL } from '../../services/redis.js';
import { Program } from '../../support/program.js';
import { onFaultPoint } from '../scratch.js';

const common = { sourceId: 'contested', sourceType: 'test', origin: 'o', cursorVersion: 1, writer: 'w' };

describeWith('Redis on 127.0.0.1:6379', await isRedisThere(), 'RedisCursorStore, used by several processes', () => {
  let program: Program;
  beforeAll(async () => {
    program = await Program.build(new URL('./programs/racer.ts', import.meta.url));
  });
  afterAll(() => program.dispose());

  async function opened(clock?: FakeClock) {
    const { prefix, clear } = ownPrefix();
    const options = { prefix, ...(clock && { clock }) };
    const stores = await Promise.all([1, 2].map(() => RedisCursorStore.connect(REDIS_URL, options)));
    onTestFinished(async () => {
      for (const store of stores) await store.close();
      await clear();
    });
    return { prefix, stores: stores as [RedisCursorStore, RedisCursorStore] };
  }

  async function stateOf(store: RedisCursorStore): Promise<Record<string, unknown>> {
    const state: Record<string, unknown> = {};
    for await (const [key, value] of store.loadState('contested')) state[key] = value;
    return state;
  }

  it('CU3: two that race for one cursor lose no accepted save, of record or state', async () => {
    const { prefix, stores } = await opened();
    const racers = await Promise.all(
      ['red', 'blue'].map(async (name) => ({ name, ...(await program.run(REDIS_URL, prefix, name, 100)) })),
    );
    expect(racers.map(({ errors }) => errors)).toEqual(['', '']);
    const revisions = racers.flatMap(({ lines }) => lines.map(Number)).sort((left, right) => left - right);
    expect(revisions).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(await stores[0].load('contested')).toMatchObject({ revision: 200, cursor: { count: 200 } });
    const saves = racers.flatMap(({ lines, name }) => lines.map((line) => [`save/${line}`, name] as const));
    expect(await stateOf(stores[0])).toEqual(Object.fromEntries(saves));
  });

  it('CU1: one that is killed before or after a save leaves the old or the new record, with its state', async () => {
    for (let point = 0; point < 12; point += 1) {
      const { prefix, stores } = await opened();
      const { signal, lines } = await program.run(REDIS_URL, prefix, 'killed', 20, point);
      expect(signal).toBe('SIGKILL');
      const [store] = stores;
      const revision = (await store.load('contested'))?.revision ?? 0;
      expect([lines.length, lines.length + 1], `killed at point ${point}`).toContain(revision);
      const saves = Array.from({ length: revision }, (_, index) => [`save/${index + 1}`, 'killed']);
      expect(await stateOf(store)).toEqual(Object.fromEntries(saves));
      expect(await store.list()).toHaveLength(revision === 0 ? 0 : 1);
      expect(await store.save({ ...common, cursor: 'on' }, { expectedRevision: revision })).toMatchObject({
        revision: revision + 1,
      });
    }
  });

  it('CU3: one that slept before its save, while others saved or deleted, gets a conflict and leaves nothing', async () => {
    const { stores } = await opened();
    const [slow, fast] = stores;
    await fast.save({ ...common, cursor: 1 }, { expectedRevision: 0 });
    const wake = sleepOnce();
    const late = slow
      .save({ ...common, cursor: 'late', state: { set: { late: true } } }, { expectedRevision: 1 })
      .catch((error: unknown) => error);
    await wake.asleep;
    await fast.delete('contested');
    await fast.save({ ...common, cursor: 'on time' }, { expectedRevision: 0 });
    await fast.save({ ...common, cursor: 'again' }, { expectedRevision: 1 });
    wake.up();
    expect(await late).toMatchObject({ code: 'CURSOR_CONFLICT', expected: 1, found: 2 });
    expect(await fast.load('contested')).toMatchObject({ revision: 2, cursor: 'again' });
    expect(await stateOf(fast)).toEqual({});
  });

  it('CU3: one that slept before its save, while another lease was granted, is fenced', async () => {
    const clock = new FakeClock(0);
    const { stores } = await opened(clock);
    const [slow, fast] = stores;
    const { token } = await slow.lease('contested', { ttlMs: 1_000, holder: 'slow' });
    await slow.save({ ...common, cursor: 1 }, { expectedRevision: 0, fence: token });
    const wake = sleepOnce();
    const late = slow
      .save({ ...common, cursor: 'late' }, { expectedRevision: 1, fence: token })
      .catch((error: unknown) => error);
    await wake.asleep;
    await clock.advance(1_000);
    const next = await fast.lease('contested', { ttlMs: 1_000, holder: 'fast' });
    wake.up();
    expect(await late).toMatchObject({ code: 'FENCED', expected: token, found: next.token });
    expect(await fast.load('contested')).toMatchObject({ revision: 1, cursor: 1 });
  });
});

/** The first save from now on sleeps before it asks Redis. */
function sleepOnce(): { readonly asleep: Promise<void>; up(): void } {
  let up = (): void => {};
  let sleeps = (): void => {};
  const asleep = new Promise<void>((resolve) => {
    sleeps = resolve;
  });
  const awake = new Promise<void>((resolve) => {
    up = resolve;
  });
  let isFirst = true;
  onFaultPoint((name) => {
    if (name !== 'cursor-redis.save.before' || !isFirst) return undefined;
    isFirst = false;
    sleeps();
    return awake;
  });
  return { asleep, up: () => up() };
}
