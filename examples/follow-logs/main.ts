import { EventSourceFactory, FileCursorStore } from 'headwater';
import { builtinSources } from 'headwater/sources';

/**
 * Follows log files and prints their lines; started again, it goes on where it was, whatever was rotated meanwhile.
 *
 * npm run example:follow-logs -- '/var/log/*.log' [--from-end]
 */
const [files = '*.log', ...options] = process.argv.slice(2);
const factory = new EventSourceFactory({
  sources: builtinSources,
  cursorStore: new FileCursorStore('.headwater/follow-logs'),
});
const source = await factory.create('log', {
  id: 'follow-logs',
  config: { files, format: 'auto', start: options.includes('--from-end') ? 'end' : 'beginning' },
  onGap: 'emit',
});
process.once('SIGINT', () => void source.close());

for await (const event of source.generateEvents({ follow: true })) {
  if (event.type === 'log.line') console.log(`${event.data.file}: ${event.data.level ?? ''} ${event.data.line}`);
  else console.error(`${event.type}: ${JSON.stringify(event.data)}`);
}
