import { writeSync } from 'node:fs';
import { FileCursorStore } from '../../../src/cursors/file/index.js';
import { runStep, STEPS } from '../crash-steps.js';

// Takes the steps in a directory, one after the other, and kills itself at the fault point of the given number; with -1
// it names them all instead. What is told on standard output was promised.
const [directory = '', last = '-1'] = process.argv.slice(2);
let count = 0;

Object.assign(globalThis, {
  [Symbol.for('headwater.faultPoint')]: (name: string): void => {
    if (last === '-1') writeSync(1, `point ${name}\n`);
    if (count === Number(last)) process.kill(process.pid, 'SIGKILL');
    count += 1;
  },
});

const store = new FileCursorStore(directory, { history: 1 });
for (let step = 1; step <= STEPS; step += 1) {
  await runStep(store, step);
  writeSync(1, `done ${step}\n`);
}
