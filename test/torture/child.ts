import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarios } from './scenarios.js';

/** Where to die: at the n-th time this fault point is reached. */
interface Fault {
  point: string;
  occurrence: number;
}

const [name = '', directory = '', faultText = ''] = process.argv.slice(2);
const scenario = scenarios[name];
if (scenario === undefined) throw new Error(`no scenario named ${name}`);

const fault = faultText === '' || faultText === 'record' ? undefined : (JSON.parse(faultText) as Fault);
let reached = 0;

Object.assign(globalThis, {
  [Symbol.for('headwater.faultPoint')]: (point: string): void => {
    if (faultText === 'record') appendFileSync(join(directory, 'points.txt'), `${point}\n`);
    if (point !== fault?.point) return;
    reached += 1;
    if (reached === fault.occurrence) process.kill(process.pid, 'SIGKILL');
  },
});

await scenario(directory);
