import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Kysely, Transaction } from 'kysely';
import { CursorConflictError, type EventSource, ingest, type SourceEvent } from '../../src/index.js';
import { FilesystemSource } from '../../src/sources/filesystem/index.js';
import { GitSource } from '../../src/sources/git/index.js';
import { type DialectName, dialectNames, openDatabase, type Tables } from './databases.js';
import { BATCH, type Scenario } from './scenario.js';
import { keyOfFileEvent } from './tree.js';

export type AnySource = EventSource<SourceEvent, unknown, unknown>;

interface IntoOptions {
  /** What is stored of an event. */
  readonly keyOf: (event: SourceEvent) => string;
  readonly follow?: boolean;
  readonly batch?: number;
}

/** Into the host's own table, the cursor in the transaction that stores the rows. */
export async function intoDatabase(
  dialect: DialectName,
  directory: string,
  source: AnySource,
  { keyOf, follow = false, batch: maxEvents = BATCH }: IntoOptions,
): Promise<void> {
  const { KyselyCursorStore } = await import('../../src/cursors/kysely/index.js');
  const database = await openDatabase(dialect, directory);
  try {
    await ingest<SourceEvent, unknown, SourceEvent, Transaction<Tables>>({
      source,
      cursorStore: new KyselyCursorStore(database),
      cursor: 'in-sink',
      batch: { maxEvents },
      follow,
      sink: (batch) =>
        database.transaction().execute(async (transaction) => {
          await insert(transaction, batch.events.map(keyOf));
          await batch.saveCursor(transaction);
        }),
    });
  } finally {
    await database.destroy();
  }
}

async function insert(database: Kysely<Tables>, keys: readonly string[]): Promise<void> {
  await database
    .insertInto('received')
    .values(keys.map((what) => ({ what })))
    .execute();
}

function keyOf(event: SourceEvent): string {
  return event.type.startsWith('git.') ? `${event.type} ${event.id}` : keyOfFileEvent(event);
}

async function git(dialect: DialectName, directory: string): Promise<void> {
  const config = { dir: join(directory, 'repository') };
  await intoDatabase(dialect, directory, await GitSource.create({ id: 'torture', config }), { keyOf });
}

async function files(dialect: DialectName, directory: string): Promise<void> {
  const config = { dir: join(directory, 'tree') };
  await intoDatabase(dialect, directory, await FilesystemSource.create({ id: 'torture', config }), { keyOf });
}

/** One of several on the same cursor: it comes to its end, or it is told that another one was faster. */
async function writer(dialect: DialectName, directory: string): Promise<void> {
  try {
    await git(dialect, directory);
  } catch (error) {
    if (!CursorConflictError.isInstance(error)) throw error;
    appendFileSync(join(directory, 'told.txt'), `${process.pid}\n`);
  }
}

export const storeScenarios: Readonly<Record<string, Scenario>> = Object.fromEntries(
  dialectNames.flatMap((dialect): [string, Scenario][] => [
    [`git-${dialect}`, (directory) => git(dialect, directory)],
    [`files-${dialect}`, (directory) => files(dialect, directory)],
    [`writers-${dialect}`, (directory) => writer(dialect, directory)],
  ]),
);
