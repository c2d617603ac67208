import { writeSync } from 'node:fs';
import { systemClock } from '../../../../src/core/clock.js';
import { Spool } from '../../../../src/toolkit/spool/spool.js';
import { live, SMALL } from '../life.js';

// Lives the short life of a spool in a directory, and kills itself at the fault point of the given number; with -1 it
// names them all instead. What is told on standard output was promised.
const [directory = '', last = '-1'] = process.argv.slice(2);
let count = 0;

Object.assign(globalThis, {
  [Symbol.for('headwater.faultPoint')]: (name: string): void => {
    if (last === '-1') writeSync(1, `point ${name}\n`);
    if (count === Number(last)) process.kill(process.pid, 'SIGKILL');
    count += 1;
  },
});

const spool = await Spool.open({ directory, clock: systemClock, ...SMALL });
await live(spool, {
  appended: (key, sequence) => void writeSync(1, `appended ${key} ${sequence}\n`),
  releasing: (sequence) => void writeSync(1, `releasing ${sequence}\n`),
});
