import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileCursorStore, ingest } from '../../src/index.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import { SlackSource } from '../../src/sources/slack/index.js';
import type { Scenario } from './scenario.js';
import { accessOf } from './services.js';
import { type AnySource, intoDatabase } from './store-scenarios.js';

/** What may be cut is cut into so many, so that a kill falls between almost any two events. */
const FEW_EVENTS = 3;

export interface SlackAccess {
  apiUrl: string;
  token: string;
}

/** How many events were given to the sink and are not yet covered by the cursor. */
export function eventsInFlight(directory: string): number {
  const file = inFlightFile(directory);
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

function inFlightFile(directory: string): string {
  return join(directory, 'in-flight.txt');
}

/** Pages are small, so that there are more than are held at once: the history is read in windows of time. */
async function openSource(directory: string): Promise<AnySource> {
  const { apiUrl, token } = accessOf(directory) as SlackAccess;
  const config = { apiUrl, pageSize: 3, threads: { windowDays: 2 }, reread: { windowDays: 1 } };
  const source = await SlackSource.create({ id: 'torture', credentials: { token }, config });
  return source as unknown as AnySource;
}

async function intoJsonl(directory: string, source: AnySource): Promise<void> {
  const jsonl = new JsonlSink(join(directory, 'events.jsonl'));
  const noteInFlight = (count: number): void => writeFileSync(inFlightFile(directory), String(count));
  noteInFlight(0);
  await ingest({
    source,
    sink: async (batch) => {
      noteInFlight(batch.events.length);
      await jsonl.write(batch);
    },
    cursorStore: new FileCursorStore(join(directory, 'cursors')),
    batch: { maxEvents: FEW_EVENTS },
    onProgress: () => noteInFlight(0),
  });
  await jsonl.close();
}

async function intoSqlite(directory: string, source: AnySource): Promise<void> {
  const keyOf = (event: object): string => JSON.stringify(event);
  await intoDatabase('sqlite', directory, source, { keyOf, batch: FEW_EVENTS });
}

/** Everything that there is to be read now. */
export const slackReaders = {
  'slack-jsonl': async (directory: string) => intoJsonl(directory, await openSource(directory)),
  'slack-sqlite': async (directory: string) => intoSqlite(directory, await openSource(directory)),
} satisfies Record<string, Scenario>;

export const slackScenarios: Readonly<Record<string, Scenario>> = Object.fromEntries(
  Object.entries(slackReaders).map(([name, read]): [string, Scenario] => [
    name,
    (directory) => {
      process.stdout.write('reading\n');
      return read(directory);
    },
  ]),
);
