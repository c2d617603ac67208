import type { CursorStore } from '../../src/core/cursor-store.js';

/**
 * A short life of a cursor that passes every fault point of the file store: state that is begun, appended to and
 * compacted, records that are pruned, a lease, a delete and a new beginning.
 */
export const STEPS = 7;

export const SOURCE_ID = 'crashing';

/** More than a journal may grow before it is compacted. */
const MUCH = 'x'.repeat(80_000);

interface Expected {
  revision: number;
  state: Record<string, string>;
}

/** What has to be there after each step; 0: before the first. */
export const AFTER: readonly Expected[] = [
  { revision: 0, state: {} },
  { revision: 1, state: { kept: MUCH, changed: '1' } },
  { revision: 2, state: { kept: MUCH, changed: '2', much: `${MUCH}${MUCH}` } },
  { revision: 3, state: { kept: MUCH, changed: '3', much: '3' } },
  { revision: 3, state: { kept: MUCH, changed: '3', much: '3' } },
  { revision: 4, state: { kept: MUCH, much: '3' } },
  { revision: 0, state: {} },
  { revision: 1, state: { again: 'yes' } },
];

/** Takes one step from where the one before it ended. */
export async function runStep(store: CursorStore, step: number): Promise<void> {
  if (step === 1) await save(store, 0, { set: { kept: MUCH, changed: '1' } });
  if (step === 2) await save(store, 1, { set: { changed: '2', much: `${MUCH}${MUCH}` } });
  if (step === 3) await save(store, 2, { set: { changed: '3', much: '3' } });
  if (step === 4) await store.lease?.(SOURCE_ID, { ttlMs: 60_000, holder: 'the killed' });
  if (step === 5) await save(store, 3, { delete: ['changed'] });
  if (step === 6) await store.delete(SOURCE_ID);
  if (step === 7) await save(store, 0, { set: { again: 'yes' } });
}

async function save(
  store: CursorStore,
  expectedRevision: number,
  state: { set?: object; delete?: string[] },
): Promise<void> {
  const common = { sourceId: SOURCE_ID, sourceType: 'test', origin: 'o', cursorVersion: 1, writer: 'w' };
  const cursor = { revision: expectedRevision + 1 };
  await store.save({ ...common, cursor, state: state as Record<string, never> }, { expectedRevision });
}
