import { writeSync } from 'node:fs';
import { CursorConflictError } from '../../../src/core/errors.js';
import { FileCursorStore } from '../../../src/cursors/file/index.js';

// Counts up in one cursor, against others that do the same, until it has won so often. Every save that was accepted is
// told on standard output.
const [directory = '', writer = '', wins = '0'] = process.argv.slice(2);
const store = new FileCursorStore(directory, { history: 3 });
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
