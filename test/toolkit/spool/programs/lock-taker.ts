import { rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { HeadwaterError } from '../../../../src/core/errors.js';
import { DirectoryLock } from '../../../../src/toolkit/spool/directory-lock.js';

// Takes and releases the lock of a directory, against others that do the same, until it had it so often. With -1 it
// keeps it until it is killed.
const [directory = '', name = '', times = '0'] = process.argv.slice(2);

for (let had = 0; had < Math.abs(Number(times)); ) {
  try {
    const lock = await DirectoryLock.take(directory);
    writeFileSync(join(directory, 'held'), name, { flag: 'wx' });
    writeSync(1, `${name}\n`);
    if (times === '-1') await new Promise((resolve) => setTimeout(resolve, 600_000));
    rmSync(join(directory, 'held'));
    lock.release();
    had += 1;
  } catch (error) {
    if (!HeadwaterError.isInstance(error)) throw error;
  }
}
