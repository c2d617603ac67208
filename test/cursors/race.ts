import { writeSync } from 'node:fs';
import { CursorConflictError } from '../../src/core/errors.js';
import type { CursorStore } from '../../src/index.js';

/**
 * Counts up in one cursor, with a key of state for each save, against others that do the same, until it has won so often.
 * Every save that was accepted is told on standard output.
 */
export async function race(store: CursorStore<never>, writer: string, wins: number): Promise<void> {
  const common = { sourceId: 'contested', sourceType: 'test', origin: 'o', cursorVersion: 1, writer };
  for (let won = 0; won < wins; ) {
    const record = await store.load('contested');
    const count = ((record?.cursor as { count?: number } | undefined)?.count ?? 0) + 1;
    const state = { set: { [`save/${count}`]: writer } };
    try {
      const saved = await store.save(
        { ...common, cursor: { count }, state },
        { expectedRevision: record?.revision ?? 0 },
      );
      writeSync(1, `${saved.revision}\n`);
      won += 1;
    } catch (error) {
      if (!CursorConflictError.isInstance(error)) throw error;
    }
  }
}
