import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Line, type LineOptions, readLines } from 'headwater/toolkit';

/** Reads a file and prints how many lines it has, the last one, and the bytes by which this process grew meanwhile. */
const [path = '', tooLong] = process.argv.slice(2);
const before = process.memoryUsage.rss();
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
let rounds = 0;
let count = 0;
let most = before;
let last: Line | undefined;
for await (const lines of readLines(path, { tooLong: tooLong as LineOptions['tooLong'] })) {
  count += lines.length;
  last = lines.at(-1);
  rounds += 1;
  // How long garbage may lie about is for each version of Node to say.
  if (rounds % 16 === 0) collect();
  most = Math.max(most, process.memoryUsage.rss());
}
process.stdout.write(JSON.stringify([count, last, most - before]));
