import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FileCursorStore, ingest, type SourceEvent } from '../../src/index.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import { WebhookSource } from '../../src/sources/webhook/index.js';
import { BATCH, type Scenario } from './scenario.js';
import { accessOf } from './services.js';
import { type AnySource, intoDatabase } from './store-scenarios.js';
import type { WebhookAccess } from './webhook-sender.js';

/** Small, so that segments come and go. */
const SEGMENT_BYTES = 64 * 1024;
/** When everything is sent and nothing was stored for so long, everything has been read. */
const QUIET_MS = 2_000;
const LOOK_MS = 100;

/** Is there while nothing is being sent. */
export function restFile(directory: string): string {
  return join(directory, 'rest');
}

/** Which delivery an event is, or what it tells instead. */
export function keyOfDelivery(event: Pick<SourceEvent, 'type' | 'data'>): string {
  if (event.type === 'headwater.gap') return `gap ${(event.data as { reason: string }).reason}`;
  return (event.data as { body: { id: string } }).body.id;
}

/** Listens where the sender sends to, and ends when everything is sent and read. */
async function receive(
  directory: string,
  store: (source: AnySource, noted: () => void) => Promise<void>,
): Promise<void> {
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
  let last = performance.now();
  const looking = setInterval(() => {
    if (existsSync(restFile(directory)) && performance.now() - last > QUIET_MS) void source.close();
  }, LOOK_MS);
  await store(source as unknown as AnySource, () => {
    last = performance.now();
  });
  clearInterval(looking);
}

async function intoJsonl(directory: string): Promise<void> {
  const jsonl = new JsonlSink(join(directory, 'events.jsonl'));
  const cursorStore = new FileCursorStore(join(directory, 'cursors'));
  await receive(directory, async (source, onProgress) => {
    await ingest({ source, sink: jsonl, cursorStore, batch: { maxEvents: BATCH }, follow: true, onProgress });
  });
  await jsonl.close();
}

async function intoSqlite(directory: string): Promise<void> {
  await receive(directory, (source, onProgress) =>
    intoDatabase('sqlite', directory, source, { keyOf: keyOfDelivery, batch: BATCH, follow: true, onProgress }),
  );
}

export const webhookScenarios = {
  'webhook-jsonl': intoJsonl,
  'webhook-sqlite': intoSqlite,
} satisfies Record<string, Scenario>;
