import { poll } from '../../../toolkit/poll.js';
import type { SnapshotConfig } from '../config.js';
import { parseCursor } from '../cursor.js';
import type { DatabaseValue } from '../engine/values.js';
import type { DatabaseFields } from '../events.js';
import type { DatabaseBatches, ModeContext } from '../mode.js';
import type { Relation } from '../relation.js';
import { type DatabaseRow, keysOf, keyText } from '../rows.js';
import type { Difference } from './differences.js';
import { Scan, type ScanStep } from './scan.js';

/** Mode `snapshot`: everything is read at each look, and compared with what is remembered of each row. */
export async function* readSnapshots(mode: ModeContext, config: SnapshotConfig): DatabaseBatches {
  const { context, clock, sourceId } = mode;
  let cursor = parseCursor(context.cursor, 'snapshot', sourceId);
  const round = async function* (): AsyncGenerator<ScanStep, void, undefined> {
    mode.onReading();
    // What was passed by a look that was broken off may have changed since.
    const looks = cursor?.at === undefined ? 1 : 2;
    for (let look = 0; look < looks; look += 1) {
      const scan = new Scan(mode, config, cursor);
      yield* scan.steps();
      cursor = scan.cursor;
    }
  };
  const options = {
    clock,
    signal: context.signal,
    follow: context.follow,
    intervalMs: config.pollIntervalMs,
    onCaughtUp: mode.onCaughtUp,
  };
  for await (const { relation, differences, cursor: behind } of poll(round, options)) {
    yield { events: differences.map((each) => mode.make(toFields(each, relation, behind.scan))), cursor: behind };
  }
}

/** A row that goes from one state to another and back makes three ids: each look has its number. */
function toFields(difference: Difference, { name: table, key }: Relation, scan: number): DatabaseFields {
  if (difference.kind === 'deleted') {
    const gone = rowOfKey(key, difference.key);
    const subject = keyText(key, gone);
    return { type: 'db.row.deleted', id: `${table}:${subject}@${scan}`, subject, data: { table, key: gone } };
  }
  const { row, kind } = difference;
  const subject = keyText(key, row);
  return {
    type: `db.row.${kind}`,
    id: `${table}:${subject}@${scan}`,
    subject,
    data: { table, key: keysOf(key)(row), row },
  };
}

function rowOfKey(columns: Relation['key'], key: Extract<Difference, { kind: 'deleted' }>['key']): DatabaseRow {
  const values = columns.length === 1 ? [key] : (key as readonly DatabaseValue[]);
  return Object.fromEntries(columns.map(({ name }, at) => [name, values[at] as DatabaseValue]));
}
