// Reads a query into a file, the cursor after it; `once`: up to now, else for as long as it lives.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileCursorStore, ingest } from '../../../../../src/index.js';
import { JsonlSink } from '../../../../../src/sinks/jsonl/index.js';
import { PrometheusSource } from '../../../../../src/sources/metrics/prometheus/index.js';

const [directory = '', mode] = process.argv.slice(2);
const { url, query, since, stepMs } = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as {
  url: string;
  query: string;
  since: string;
  stepMs: number;
};
const source = await PrometheusSource.create({
  id: 'real',
  config: { mode: 'range', url, queries: [{ name: 'q', query }], since, stepMs, lagMs: 4_000, pollIntervalMs: 150 },
});
const sink = new JsonlSink(join(directory, 'events.jsonl'));
const cursorStore = new FileCursorStore(join(directory, 'cursors'));
await ingest({ source, sink, cursorStore, follow: mode !== 'once' });
await sink.close();
