import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { FileCursorStore, ingest, type SourceEvent } from '../../src/index.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import { WebhookSource } from '../../src/sources/webhook/index.js';
import { linesOfJsonl } from './judge.js';
import { type Stored, storedInSqlite } from './log-judge.js';
import { BATCH, type Scenario } from './scenario.js';
import { accessOf } from './services.js';
import { sampleHeap } from './steady.js';
import { type AnySource, intoDatabase } from './store-scenarios.js';
import type { WebhookAccess } from './webhook-sender.js';

/** Small, so that segments come and go. */
const SEGMENT_BYTES = 64 * 1024;
const LOOK_MS = 200;
/** After so long it will not come any more: the judge says what is missing. */
const PATIENCE_MS = 60_000;

/** Holds what was accepted, while nothing is being sent. */
export function restFile(directory: string): string {
  return join(directory, 'rest.json');
}

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

async function closeWhenAllIsStored(
  directory: string,
  stored: Stored,
  source: AnySource,
  done: AbortSignal,
): Promise<void> {
  let restsSince: number | undefined;
  while (!done.aborted) {
    await setTimeout(LOOK_MS);
    // Before the first iteration there may be no table to look into.
    if (!existsSync(restFile(directory)) || source.getStatus().state === 'idle') continue;
    const accepted = JSON.parse(readFileSync(restFile(directory), 'utf8')) as string[];
    const found = new Set(await stored(directory));
    restsSince ??= performance.now();
    const isTooLate = performance.now() - restsSince > PATIENCE_MS;
    if (isTooLate || accepted.every((id) => found.has(id))) return source.close();
  }
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
