import { writeSync } from 'node:fs';
import { JsonlSink } from '../../../src/sinks/jsonl/index.js';

// Writes batches of three numbers, and kills itself at the fault point of the given number. Every batch that was
// accepted is told on standard output.
const [path = '', last = '0'] = process.argv.slice(2);
let count = 0;

Object.assign(globalThis, {
  [Symbol.for('headwater.faultPoint')]: (): void => {
    if (count === Number(last)) process.kill(process.pid, 'SIGKILL');
    count += 1;
  },
});

const sink = new JsonlSink(path);
for (let batch = 0; batch < 10; batch += 1) {
  await sink.write({ events: [3 * batch, 3 * batch + 1, 3 * batch + 2] });
  writeSync(1, `accepted ${batch}\n`);
}
