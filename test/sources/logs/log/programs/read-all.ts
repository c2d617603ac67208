import { LogSource } from 'headwater/sources/logs/log';

/** Reads a directory and prints how many lines it has, the last one, and the bytes by which this process grew meanwhile. */
const [dir = '', config = '{}'] = process.argv.slice(2);
const source = await LogSource.create({ id: 'logs', config: { dir, files: '*.log', ...JSON.parse(config) } });
const before = process.memoryUsage.rss();
let count = 0;
let last = '';
let most = before;
for await (const event of source.generateEvents()) {
  if (event.type !== 'log.line') throw new Error(event.type);
  count += 1;
  last = event.data.line;
  if (count % 100 === 0) most = Math.max(most, process.memoryUsage.rss());
}
process.stdout.write(JSON.stringify([count, last, most - before]));
