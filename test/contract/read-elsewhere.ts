import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import { builtinSources } from 'headwater/sources';

/** Reads all there is with a source of the type that is named, in this process, and prints it. */
const [type = '', options = ''] = process.argv.slice(2);
const factory = new EventSourceFactory({ sources: builtinSources, cursorStore: new MemoryCursorStore() });
const source = await factory.createFromSpec({ type, ...JSON.parse(options) });
const events: unknown[] = [];
for await (const event of source.generateEvents()) events.push(event);
process.stdout.write(JSON.stringify(events));
