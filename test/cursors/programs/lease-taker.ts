import { writeSync } from 'node:fs';
import { CursorConflictError } from '../../../src/core/errors.js';
import { FileCursorStore } from '../../../src/cursors/file/index.js';

// Takes and releases one lease, against others that do the same, until it had it so often. Tells every token.
const [directory = '', holder = '', times = '0'] = process.argv.slice(2);
const store = new FileCursorStore(directory);

for (let had = 0; had < Number(times); ) {
  try {
    const lease = await store.lease('contested', { ttlMs: 60_000, holder });
    writeSync(1, `${lease.token}\n`);
    await lease.release();
    had += 1;
  } catch (error) {
    if (!CursorConflictError.isInstance(error)) throw error;
  }
}
