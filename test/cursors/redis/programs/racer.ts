import { writeSync } from 'node:fs';
import { CursorConflictError } from '../../../../src/core/errors.js';
import { RedisCursorStore } from '../../../../src/cursors/redis/index.js';

// Counts up in one cursor, with a key of state for each save, against others that do the same, until it has won so often
// or is killed. Every save that was accepted is told on standard output.
const [url = '', prefix = '', writer = '', wins = '0', killedAfter = '-1'] = process.argv.slice(2);
let points = 0;
Object.assign(globalThis, {
  [Symbol.for('headwater.faultPoint')]: (): void => {
    if (points === Number(killedAfter)) process.kill(process.pid, 'SIGKILL');
    points += 1;
  },
});

const store = await RedisCursorStore.connect(url, { prefix, history: 3 });
const common = { sourceId: 'contested', sourceType: 'test', origin: 'o', cursorVersion: 1, writer };
for (let won = 0; won < Number(wins); ) {
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
await store.close();
