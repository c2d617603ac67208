import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LogSource } from 'headwater/sources/logs/log';

/** Reads a directory and prints how many lines it has, the last one, and the bytes by which this process grew meanwhile. */
const [dir = '', config = '{}'] = process.argv.slice(2);
const source = await LogSource.create({ id: 'logs', config: { dir, files: '*.log', ...JSON.parse(config) } });
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const before = process.memoryUsage.rss();
let count = 0;
let last = '';
let most = before;
for await (const event of source.generateEvents()) {
  if (event.type !== 'log.line') throw new Error(event.type);
  count += 1;
  last = event.data.line;
  if (count % 100 !== 0) continue;
  // How long garbage may lie about is for each version of Node to say.
  collect();
  most = Math.max(most, process.memoryUsage.rss());
}
process.stdout.write(JSON.stringify([count, last, most - before]));
