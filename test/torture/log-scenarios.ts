import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FileCursorStore, ingest } from '../../src/index.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import { type LogEvent, LogSource } from '../../src/sources/logs/log/index.js';
import { followFile } from './live.js';
import { keyOfLogEvent } from './log-judge.js';
import { logFolder } from './log-writers.js';
import type { Scenario } from './scenario.js';
import { type AnySource, intoDatabase } from './store-scenarios.js';

/** The most that a kill may bring again. */
export const LINES_AT_ONCE = 100;

/** Reads a log, and goes on while it is written; ends after the event in hand when it is asked to. */
async function readLog(
  directory: string,
  file: string,
  store: (source: AnySource, follow: boolean) => Promise<void>,
): Promise<void> {
  const config = { dir: logFolder(directory), files: file, rescanIntervalMs: 2_000 };
  const source = await LogSource.create({ id: 'torture', config, onGap: 'emit' });
  process.once('SIGTERM', () => void source.close());
  process.stdout.write('reading\n');
  await store(source as unknown as AnySource, existsSync(followFile(directory)));
}

async function intoJsonl(directory: string, source: AnySource, follow: boolean): Promise<void> {
  const sink = new JsonlSink(join(directory, 'events.jsonl'));
  const cursorStore = new FileCursorStore(join(directory, 'cursors'));
  await ingest({ source, sink, cursorStore, batch: { maxEvents: LINES_AT_ONCE }, follow });
  await sink.close();
}

async function intoSqlite(directory: string, source: AnySource, follow: boolean): Promise<void> {
  const keyOf = (event: object): string => keyOfLogEvent(event as LogEvent);
  await intoDatabase('sqlite', directory, source, { follow, keyOf, batch: LINES_AT_ONCE });
}

/** One for each log and each kind of sink. */
export const logScenarios: Readonly<Record<string, Scenario>> = Object.fromEntries(
  Object.entries({ nginx: 'access.log', rsyslog: 'messages.log' }).flatMap(([name, file]): [string, Scenario][] => [
    [
      `${name}-jsonl`,
      (directory) => readLog(directory, file, (source, follow) => intoJsonl(directory, source, follow)),
    ],
    [
      `${name}-sqlite`,
      (directory) => readLog(directory, file, (source, follow) => intoSqlite(directory, source, follow)),
    ],
  ]),
);
