import { join } from 'node:path';
import { FileCursorStore, ingest, type SourceEvent } from '../../src/index.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import { WebhookSource } from '../../src/sources/webhook/index.js';
import { linesOfJsonl } from './judge.js';
import { type Stored, storedInSqlite } from './log-judge.js';
import { BATCH, type Scenario } from './scenario.js';
import { closeWhenAllIsStored } from './sent-while-read.js';
import { accessOf } from './services.js';
import { sampleHeap } from './steady.js';
import { type AnySource, intoDatabase } from './store-scenarios.js';
import type { WebhookAccess } from './webhook-sender.js';

/** Small, so that segments come and go. */
const SEGMENT_BYTES = 64 * 1024;

/** Which delivery an event is, or what it tells instead. */
export function keyOfDelivery(event: Pick<SourceEvent, 'type' | 'data'>): string {
  if (event.type === 'headwater.gap') return `gap ${(event.data as { reason: string }).reason}`;
  return (event.data as { body: { id: string } }).body.id;
}

/** What a sink holds, by delivery. */
export const deliveriesInJsonl: Stored = async (directory) =>
  (await linesOfJsonl(directory)).map((line) => keyOfDelivery(JSON.parse(line)));

/** Listens where the sender sends to, and ends when nothing is sent any more and all that was accepted is stored. */
async function receive(directory: string, stored: Stored, store: (source: AnySource) => Promise<void>): Promise<void> {
  const { port, secret } = accessOf(directory) as WebhookAccess;
  const source = await WebhookSource.create({
    id: 'torture',
    credentials: { load: secret },
    config: {
      endpoints: {
        load: { provider: 'generic', auth: { scheme: 'hmac', header: 'x-signature' }, id: { header: 'x-delivery' } },
      },
      server: { port },
      spool: { dir: join(directory, 'spool'), maxSegmentBytes: SEGMENT_BYTES },
    },
  });
  process.once('SIGTERM', () => void source.close());
  await source.listen();
  process.stdout.write('reading\n');
  const done = new AbortController();
  const looking = closeWhenAllIsStored(directory, stored, source as unknown as AnySource, done.signal);
  await store(source as unknown as AnySource);
  done.abort();
  await looking;
}

async function intoJsonl(directory: string): Promise<void> {
  const jsonl = new JsonlSink(join(directory, 'events.jsonl'));
  const cursorStore = new FileCursorStore(join(directory, 'cursors'));
  await receive(directory, deliveriesInJsonl, async (source) => {
    await ingest({ source, sink: jsonl, cursorStore, batch: { maxEvents: BATCH }, follow: true });
  });
  await jsonl.close();
}

async function intoSqlite(directory: string): Promise<void> {
  await receive(directory, storedInSqlite, (source) =>
    intoDatabase('sqlite', directory, source, { keyOf: keyOfDelivery, batch: BATCH, follow: true }),
  );
}

/** More than are remembered come within the first minute. */
const REMEMBERED = 5_000;

/** Takes what comes until it is asked to end. */
async function receiveSteadily(directory: string, spool?: { dir: string }): Promise<void> {
  const { port, secret } = accessOf(directory) as WebhookAccess;
  const source = await WebhookSource.create({
    id: 'steady',
    credentials: { load: secret },
    config: {
      endpoints: {
        load: { provider: 'generic', auth: { scheme: 'hmac', header: 'x-signature' }, id: { header: 'x-delivery' } },
      },
      server: { port },
      maxRemembered: REMEMBERED,
      ...(spool && { spool }),
    },
  });
  process.once('SIGTERM', () => void source.close());
  await source.listen();
  const stop = sampleHeap(directory, () => source.getStats().acknowledged);
  process.stdout.write('reading\n');
  const cursorStore = new FileCursorStore(join(directory, 'cursors'));
  await ingest({ source, sink: async () => {}, cursorStore, follow: true });
  stop();
}

export const webhookScenarios = {
  'webhook-steady': (directory) => receiveSteadily(directory),
  'webhook-steady-spool': (directory) => receiveSteadily(directory, { dir: join(directory, 'spool') }),
  'webhook-jsonl': intoJsonl,
  'webhook-sqlite': intoSqlite,
} satisfies Record<string, Scenario>;
