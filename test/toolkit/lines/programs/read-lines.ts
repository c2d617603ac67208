import { type Line, type LineOptions, readLines } from 'headwater/toolkit';

/** Reads a file and prints how many lines it has, the last one, and the bytes by which this process grew meanwhile. */
const [path = '', tooLong] = process.argv.slice(2);
const before = process.memoryUsage.rss();
let count = 0;
let most = before;
let last: Line | undefined;
for await (const lines of readLines(path, { tooLong: tooLong as LineOptions['tooLong'] })) {
  count += lines.length;
  last = lines.at(-1);
  most = Math.max(most, process.memoryUsage.rss());
}
process.stdout.write(JSON.stringify([count, last, most - before]));
