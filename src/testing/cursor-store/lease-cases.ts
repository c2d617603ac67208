import assert from 'node:assert/strict';
import type { CursorStore, Lease } from '../../core/cursor-store.js';
import {
  type OpenedCursorStore,
  pass,
  rejectionOf,
  SOURCE_ID,
  type StoreCase,
  secondView,
  writeOf,
} from './store-case.js';

const LONG = { ttlMs: 60_000, holder: 'first' };
const SHORT = { ttlMs: 100, holder: 'first' };
const OTHER = { ttlMs: 60_000, holder: 'second' };

export const leaseCases: readonly StoreCase[] = [
  leaseCase('a lease has one holder; the second is told who it is and until when', async (take, opened) => {
    const lease = await take(opened.store, LONG);
    const refused = await rejectionOf(take(await secondView(opened), OTHER));
    assert.equal(refused.code, 'LEASE_HELD');
    assert.match(refused.message, /first/);
    assert.ok(refused.message.includes(lease.expiresAt.toISOString()), refused.message);
    const other = await opened.store.lease?.('another source', OTHER);
    assert.equal(other?.token, 1);
  }),
  leaseCase('a lease that was released may be taken at once, with a larger token', async (take, opened) => {
    const first = await take(opened.store, LONG);
    await first.release();
    await first.release();
    const second = await take(await secondView(opened), OTHER);
    assert.ok(second.token > first.token);
    await first.release();
    await rejectionOf(take(opened.store, LONG));
  }),
  leaseCase('`await using` releases a lease', async (take, opened) => {
    const lease = await take(opened.store, LONG);
    await lease[Symbol.asyncDispose]();
    await take(opened.store, OTHER);
  }),
  leaseCase('tokens go on growing over release, expiry and delete', async (take, opened) => {
    const tokens: number[] = [];
    for (const options of [SHORT, SHORT, OTHER]) {
      const lease = await take(opened.store, options);
      tokens.push(lease.token);
      if (options === SHORT) await pass(opened, SHORT.ttlMs);
      else await lease.release();
      await opened.store.delete(SOURCE_ID);
    }
    tokens.push((await take(opened.store, LONG)).token);
    assert.deepEqual(
      tokens,
      [...new Set(tokens)].sort((left, right) => left - right),
    );
  }),
  leaseCase('CU3: a paused holder of an old lease cannot overwrite what the next one saved', async (take, opened) => {
    const paused = await take(opened.store, SHORT);
    await opened.store.save(writeOf('of the first'), { expectedRevision: 0, fence: paused.token });
    await pass(opened, SHORT.ttlMs);
    const second = await secondView(opened);
    const next = await take(second, OTHER);
    const refused = await rejectionOf(opened.store.save(writeOf('late'), { expectedRevision: 1, fence: paused.token }));
    assert.deepEqual([refused.code, refused.expected, refused.found], ['FENCED', paused.token, next.token]);
    await second.save(writeOf('of the second'), { expectedRevision: 1, fence: next.token });
    assert.equal((await opened.store.load(SOURCE_ID))?.cursor, 'of the second');
  }),
  leaseCase('the holder of an expired lease may save and renew as long as nobody took it', async (take, opened) => {
    const lease = await take(opened.store, SHORT);
    await pass(opened, SHORT.ttlMs);
    await opened.store.save(writeOf('x'), { expectedRevision: 0, fence: lease.token });
    await lease.renew();
    assert.equal((await rejectionOf(take(await secondView(opened), OTHER))).code, 'LEASE_HELD');
  }),
  leaseCase('renew keeps the token and moves the expiry; a holder that lost it is refused', async (take, opened) => {
    const lease = await take(opened.store, SHORT);
    const { token, expiresAt } = lease;
    await pass(opened, SHORT.ttlMs / 2);
    await lease.renew();
    assert.equal(lease.token, token);
    assert.ok(lease.expiresAt > expiresAt);
    await pass(opened, SHORT.ttlMs);
    await take(await secondView(opened), OTHER);
    assert.equal((await rejectionOf(lease.renew())).code, 'FENCED');
  }),
  leaseCase('of many who take an expired lease at once, one gets it', async (take, opened) => {
    await take(opened.store, SHORT);
    await pass(opened, SHORT.ttlMs);
    const views = [opened.store, await secondView(opened), await secondView(opened), opened.store];
    const results = await Promise.allSettled(views.map((view) => take(view, OTHER)));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  }),
  leaseCase('a lease is not a record, and leaves record and state alone', async (take, opened) => {
    const lease = await take(opened.store, LONG);
    assert.equal(await opened.store.load(SOURCE_ID), undefined);
    assert.deepEqual(await opened.store.list(), []);
    const saved = await opened.store.save(writeOf('x', { state: { set: { a: 1 } } }), { expectedRevision: 0 });
    await lease.renew();
    await lease.release();
    assert.deepEqual(await opened.store.load(SOURCE_ID), saved);
    for await (const entry of opened.store.loadState(SOURCE_ID)) assert.deepEqual(entry, ['a', 1]);
  }),
];

type Take = (store: CursorStore<unknown>, options: { ttlMs: number; holder: string }) => Promise<Lease>;

function leaseCase(name: string, check: (take: Take, opened: OpenedCursorStore) => Promise<void>): StoreCase {
  const take: Take = async (store, options) => {
    assert.ok(store.lease, 'the store has no lease');
    return store.lease(SOURCE_ID, options);
  };
  return { name, needs: 'leases', check: (opened) => check(take, opened) };
}
