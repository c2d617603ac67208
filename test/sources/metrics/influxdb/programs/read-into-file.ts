// Reads a query into a file, the cursor after it; `once`: up to now, else for as long as it lives.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileCursorStore, ingest } from '../../../../../src/index.js';
import { JsonlSink } from '../../../../../src/sinks/jsonl/index.js';
import { type InfluxdbConfigInput, InfluxdbSource } from '../../../../../src/sources/metrics/influxdb/index.js';

const [directory = '', mode] = process.argv.slice(2);
const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as InfluxdbConfigInput;
const source = await InfluxdbSource.create({ id: 'real', config });
const sink = new JsonlSink(join(directory, 'events.jsonl'));
const cursorStore = new FileCursorStore(join(directory, 'cursors'));
await ingest({ source, sink, cursorStore, follow: mode !== 'once' });
await sink.close();
