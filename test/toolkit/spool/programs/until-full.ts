import { execFileSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { systemClock } from '../../../../src/core/clock.js';
import { HeadwaterError } from '../../../../src/core/errors.js';
import { Spool } from '../../../../src/toolkit/spool/spool.js';

// Appends to a spool until the system lets no file grow any further, and tells what was promised.
const [directory = ''] = process.argv.slice(2);
process.on('SIGXFSZ', () => {});
execFileSync('prlimit', [`--pid=${process.pid}`, '--fsize=40000']);

const spool = await Spool.open({ directory, clock: systemClock });
try {
  for (let number = 0; ; number += 1) {
    await spool.append({ key: `${number}`, value: `${number}`.padEnd(2_500) });
    writeSync(1, `kept ${number}\n`);
  }
} catch (error) {
  if (!HeadwaterError.isInstance(error)) throw error;
  writeSync(1, `${error.code}\n`);
}
process.exit();
