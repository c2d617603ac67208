import type { SourceBatch } from '../../../core/read-options.js';
import { poll } from '../../../toolkit/poll.js';
import { readAhead } from '../../../toolkit/read-ahead.js';
import type { KeysetConfig } from '../config.js';
import { type DatabaseCursor, parseCursor } from '../cursor.js';
import { isInstant } from '../engine/values.js';
import type { DatabaseEvent, DatabaseFields } from '../events.js';
import { type DatabaseBatches, type ModeContext, SERVER_CHANGED } from '../mode.js';
import type { Keyset } from '../relation.js';
import { type DatabaseRow, keysOf, keyText, plain } from '../rows.js';
import { Listener } from './listener.js';
import { type KeysetMemory, KeysetReader, type KeysetStep } from './reader.js';

/** Mode `keyset`: rows in the order of the cursor column and the key, page after page. */
export async function* readKeyset(mode: ModeContext, config: KeysetConfig, memory: KeysetMemory): DatabaseBatches {
  const { sourceId, client, context, clock, logger, onRetry } = mode;
  const { signal, follow } = context;
  const cursor = parseCursor(context.cursor, 'keyset', sourceId);
  const reader = new KeysetReader({ sourceId, client, config, clock, logger, signal, cursor, memory, onRetry });
  const listener = follow ? await Listener.open(mode, config) : undefined;
  if (listener !== undefined) context.defer(() => listener.close());
  const options = {
    clock: listener?.wakes(clock) ?? clock,
    signal,
    follow,
    intervalMs: config.pollIntervalMs,
    onCaughtUp: mode.onCaughtUp,
  };
  let toFields: RowToFields | undefined;
  let known: Keyset | undefined;
  // A driver that does not give way has nothing on its way meanwhile.
  const isEmbedded = client.engine.name === 'sqlite';
  const round = () => (isEmbedded ? reader.round() : readAhead(reader.round()));
  for await (const step of poll(round, options)) {
    mode.onReading();
    if (step.keyset !== known || toFields === undefined) {
      known = step.keyset;
      toFields = fieldsOf(step.keyset, config);
    }
    yield toBatch(mode, step, toFields);
  }
}

function toBatch(
  mode: ModeContext,
  { rows, cursor, cursorAt, lost }: KeysetStep,
  toFields: RowToFields,
): SourceBatch<DatabaseEvent, DatabaseCursor> {
  if (lost !== undefined) return { events: [mode.gap('history-rewritten', SERVER_CHANGED, lost)], cursor };
  const events: DatabaseEvent[] = [];
  for (const row of rows) events.push(mode.make(toFields(row)));
  return { events, cursor, cursorAt };
}

type RowToFields = (row: DatabaseRow) => DatabaseFields;

/** The same row in the same state makes the same id: its key, and where it goes by. */
function fieldsOf({ name: table, key, cursor }: Keyset, config: KeysetConfig): RowToFields {
  const { createdColumn, timeColumn = config.cursorColumn } = config;
  const isVersioned = cursor !== undefined && !key.includes(cursor);
  const isAppendOnly = config.appendOnly ?? !isVersioned;
  const column = cursor?.name ?? '';
  const keyOf = keysOf(key);
  return (row) => {
    const subject = keyText(key, row);
    const version = isVersioned ? row[column] : undefined;
    const isNew = isAppendOnly || (createdColumn !== undefined && row[createdColumn] === row[column]);
    const time = timeColumn === undefined ? undefined : row[timeColumn];
    return {
      type: isNew ? 'db.row.inserted' : 'db.row.updated',
      id: isVersioned ? `${table}:${subject}@${plain(version ?? null)}` : `${table}:${subject}`,
      subject,
      time: isInstant(time) ? time : undefined,
      data: { table, key: keyOf(row), row },
    };
  };
}
