import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileCursorStore, ingest } from '../../src/index.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import type { Scenario } from './scenario.js';
import { type AnySource, intoDatabase } from './store-scenarios.js';

interface ServedSource {
  /** Opens the source on the server that the parent has started for this directory. */
  open(directory: string): Promise<AnySource>;
  /** What may be cut is cut into so many events, so that a kill falls between almost any two batches. */
  batch: number;
}

/** How many events were given to the sink and are not yet covered by the cursor. */
export function eventsInFlight(directory: string): number {
  const file = inFlightFile(directory);
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

/** Everything that there is to be read now, into two kinds of sinks: `<name>-jsonl` and `<name>-sqlite`. */
export function readersOf<Name extends string>(
  name: Name,
  { open, batch }: ServedSource,
): Record<`${Name}-jsonl` | `${Name}-sqlite`, Scenario> {
  const readers: Record<string, Scenario> = {
    [`${name}-jsonl`]: async (directory) => intoJsonl(directory, await open(directory), batch),
    [`${name}-sqlite`]: async (directory) => intoSqlite(directory, await open(directory), batch),
  };
  return readers as Record<`${Name}-jsonl` | `${Name}-sqlite`, Scenario>;
}

/** The same for a child, which says when it reads: random kills are counted from then on. */
export function announced(readers: Readonly<Record<string, Scenario>>): Record<string, Scenario> {
  return Object.fromEntries(
    Object.entries(readers).map(([name, read]): [string, Scenario] => [
      name,
      (directory) => {
        process.stdout.write('reading\n');
        return read(directory);
      },
    ]),
  );
}

async function intoJsonl(directory: string, source: AnySource, maxEvents: number): Promise<void> {
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
    batch: { maxEvents },
    onProgress: () => noteInFlight(0),
  });
  await jsonl.close();
}

async function intoSqlite(directory: string, source: AnySource, batch: number): Promise<void> {
  const keyOf = (event: object): string => JSON.stringify(event);
  await intoDatabase('sqlite', directory, source, { keyOf, batch });
}

function inFlightFile(directory: string): string {
  return join(directory, 'in-flight.txt');
}
