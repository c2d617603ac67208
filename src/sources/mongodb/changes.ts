import type { GapEvent } from '../../core/event.js';
import type { SourceBatch } from '../../core/read-options.js';
import { retry } from '../../toolkit/retry.js';
import { type Change, toFields } from './change.js';
import { ChangeReader, type ChangeStep } from './change-reader.js';
import type { ChangesConfig } from './config.js';
import { type ChangesCursor, type MongodbCursor, parseCursor } from './cursor.js';
import type { MongodbEvent } from './events.js';
import type { ModeContext, MongodbBatches } from './mode.js';
import { readSnapshot } from './snapshot.js';

type Batch = SourceBatch<MongodbEvent, MongodbCursor>;

/** Mode `changes`: every change after the cursor, by a change stream. */
export async function* readChanges(mode: ModeContext, config: ChangesConfig): MongodbBatches {
  let cursor = parseCursor(mode.context.cursor, 'changes', mode.sourceId);
  if (cursor === undefined) {
    cursor = await begin(mode, config);
    // From here on nothing is missed, also when nothing happens for long. What is there tells it with its first page.
    if (cursor.start?.isRead === true) yield { events: [], cursor };
  }
  for (;;) {
    if (cursor.start !== undefined && cursor.start.isRead !== true) cursor = yield* readSnapshot(mode, config, cursor);
    const lost: Lost | undefined = yield* readStream(mode, config, cursor);
    if (lost === undefined) return;
    cursor = await begin(mode, config);
    yield { events: [lostGap(mode, lost, cursor)], cursor };
  }
}

/** The position of now, with or without what is there. */
async function begin({ client, context, clock, onRetry }: ModeContext, config: ChangesConfig): Promise<ChangesCursor> {
  const options = { signal: context.signal, clock, retryUnknown: false, onRetry };
  const at = client.exact.write(await retry(() => client.operationTime(context.signal), options));
  return { mode: 'changes', start: config.snapshot === 'initial' ? { at } : { at, isRead: true } };
}

/** The server has no history any more of what comes after this. */
interface Lost {
  readonly after: ChangesCursor;
}

async function* readStream(
  mode: ModeContext,
  config: ChangesConfig,
  from: ChangesCursor,
): AsyncGenerator<Batch, Lost | undefined, undefined> {
  const { client, context, clock, onRetry } = mode;
  const { signal, follow, maxEvents } = context;
  const reader = new ChangeReader(client, config, { signal, from, maxEvents, sourceId: mode.sourceId });
  context.defer(() => reader.close());
  for (;;) {
    const next = (): Promise<ChangeStep> => reader.next();
    const step = await retry(next, { signal, clock, retryUnknown: false, onRetry });
    if (step.kind === 'lost') return { after: step.cursor };
    if (step.changes.length > 0) mode.onReading();
    yield toBatch(mode, config, step.changes, step.cursor);
    if (step.changes.length > 0) continue;
    if (!follow) return undefined;
    mode.onCaughtUp();
  }
}

function toBatch(mode: ModeContext, config: ChangesConfig, changes: readonly Change[], end: ChangesCursor): Batch {
  const events: MongodbEvent[] = [];
  /** The position behind each event. */
  const cursors: ChangesCursor[] = [];
  for (const change of changes) {
    const fields = toFields(change, config);
    if (fields === undefined) continue;
    events.push(mode.make(fields));
    cursors.push({ mode: 'changes', token: mode.client.exact.write(change._id) });
  }
  return { events, cursor: end, cursorAt: (count) => (count === events.length ? end : (cursors[count - 1] ?? end)) };
}

function lostGap({ gap }: ModeContext, { after }: Lost, cursor: ChangesCursor): GapEvent {
  const isReadAgain = cursor.start?.isRead !== true;
  const detail =
    'the server has no history any more of what came after this position (see the size of its oplog); ' +
    (isReadAgain ? 'what is there now is read again' : 'going on from now');
  return gap('retention', detail, { from: after.token ?? after.start?.at, to: cursor.start?.at });
}
