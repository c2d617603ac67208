import type { SourceBatch } from '../../core/read-options.js';
import { readAhead } from '../../toolkit/read-ahead.js';
import { retry } from '../../toolkit/retry.js';
import type { ChangesConfig } from './config.js';
import type { ChangesCursor, MongodbCursor } from './cursor.js';
import type { MongodbEvent, MongodbFields } from './events.js';
import type { ModeContext } from './mode.js';
import { groupOfAll } from './survey.js';
import { type BsonDocument, keyText, toDocument, toValue } from './values.js';

type Batch = SourceBatch<MongodbEvent, MongodbCursor>;
type Start = NonNullable<ChangesCursor['start']>;

/**
 * The documents that are there, in the order of their `_id`, before the changes since `start.at`. What is changed
 * meanwhile comes again as a change, so the last that comes of a document is how it is.
 *
 * @returns the position from which the stream goes on
 */
export async function* readSnapshot(
  mode: ModeContext,
  config: ChangesConfig,
  from: ChangesCursor,
): AsyncGenerator<Batch, ChangesCursor, undefined> {
  const collection = config.collection as string;
  const start = from.start as Start;
  const { at } = start;
  const { t, i } = toValue(mode.client.exact.read(at)) as { t: number; i: number };
  const scan = `${t}.${i}`;
  for await (const documents of readAhead(pages(mode, config, start))) {
    mode.onReading();
    const positionAt = (count: number): ChangesCursor => {
      const document = documents[count - 1];
      const after = document === undefined ? start.after : mode.client.exact.write(document['_id']);
      return { mode: 'changes', start: { at, ...(after !== undefined && { after }) } };
    };
    const events = documents.map((document) => mode.make(toFields(document, collection, scan)));
    yield { events, cursor: positionAt(documents.length), cursorAt: positionAt };
  }
  const cursor: ChangesCursor = { mode: 'changes', start: { at, isRead: true } };
  yield { events: [], cursor };
  return cursor;
}

async function* pages(
  { client, context, clock, onRetry, sourceId }: ModeContext,
  { collection = '', filter, pageSize }: ChangesConfig,
  start: Start,
): AsyncGenerator<readonly BsonDocument[], void, undefined> {
  const { signal } = context;
  const retried = <Result>(action: () => Promise<Result>): Promise<Result> =>
    retry(action, { signal, clock, retryUnknown: false, onRetry });
  // A key that is compared as another type than the rest would never be found.
  await retried(() => groupOfAll(client, signal, { sourceId, collection, field: '_id' }));
  let after = start.after === undefined ? undefined : { id: client.exact.read(start.after) };
  for (;;) {
    const behind: BsonDocument[] = after === undefined ? [] : [{ _id: { $gt: after.id } }];
    const all = filter === undefined ? behind : [filter, ...behind];
    const query = { filter: all.length === 0 ? {} : { $and: all }, sort: { _id: 1 as const }, limit: pageSize };
    const documents = await retried(() => client.find(signal, collection, query));
    if (documents.length > 0) yield documents;
    if (documents.length < pageSize) return;
    after = { id: documents.at(-1)?.['_id'] };
  }
}

function toFields(document: BsonDocument, collection: string, scan: string): MongodbFields {
  const subject = keyText(document['_id']);
  return {
    type: 'db.document.inserted',
    // A document that is read again by a later scan may be another one.
    id: `${collection}:${subject}@${scan}`,
    subject,
    data: { collection, key: toValue(document['_id']), document: toDocument(document) },
  };
}
