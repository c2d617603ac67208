import type { SourceBatch } from '../../core/read-options.js';
import { poll } from '../../toolkit/poll.js';
import { readAhead } from '../../toolkit/read-ahead.js';
import { retry } from '../../toolkit/retry.js';
import type { PollingConfig } from './config.js';
import { type MongodbCursor, type PollingCursor, parseCursor } from './cursor.js';
import type { MongodbEvent, MongodbFields } from './events.js';
import { configError } from './failure.js';
import type { ModeContext, MongodbBatches } from './mode.js';
import { mixedTypes, survey } from './survey.js';
import { type BsonDocument, groupOf, keyText, toDocument, toValue, valueAt } from './values.js';

type Batch = SourceBatch<MongodbEvent, MongodbCursor>;
type Filter = BsonDocument;

/** Mode `polling`: documents in the order of the cursor field and `_id`, page after page. */
export async function* readPolling(mode: ModeContext, config: PollingConfig): MongodbBatches {
  const { clock, context, onCaughtUp } = mode;
  const { signal, follow } = context;
  const reader = new PollingReader(mode, config);
  const options = { clock, signal, follow, intervalMs: config.pollIntervalMs, onCaughtUp };
  for await (const batch of poll(() => readAhead(reader.round()), options)) {
    mode.onReading();
    yield batch;
  }
}

class PollingReader {
  readonly #mode: ModeContext;
  readonly #config: PollingConfig;
  readonly #field: string;
  #cursor: PollingCursor;

  constructor(mode: ModeContext, config: PollingConfig) {
    this.#mode = mode;
    this.#config = config;
    this.#field = config.cursorField ?? '_id';
    const before = parseCursor(mode.context.cursor, 'polling', mode.sourceId);
    if (before !== undefined && before.field !== this.#field) {
      throw configError(
        mode.sourceId,
        'MONGODB_FIELD_CHANGED',
        `the cursor is a position in ${before.field}, and cursorField is ${this.#field} now`,
        'give the source another id, or start without a cursor to read everything again',
      );
    }
    this.#cursor = before ?? { mode: 'polling', field: this.#field };
  }

  /** What is new, once. */
  async *round(): AsyncGenerator<Batch, void, undefined> {
    const { client, context, sourceId, clock } = this.#mode;
    const found = await this.#retried(() =>
      survey(client, context.signal, this.#config, { sourceId, now: clock.now() }),
    );
    if (found === undefined) return;
    for (;;) {
      const documents = await this.#retried(() => this.#page(found.bound));
      if (documents.length === 0) return;
      for (const document of documents) this.#check(document, found.group);
      const cursor = this.#positionAt(documents, documents.length);
      this.#cursor = cursor;
      yield {
        events: documents.map((document) => this.#mode.make(toFields(document, this.#config))),
        cursor,
        cursorAt: (count) => this.#positionAt(documents, count),
      };
      if (documents.length < this.#config.pageSize) return;
    }
  }

  #page(bound: unknown): Promise<readonly BsonDocument[]> {
    const { client, context } = this.#mode;
    const { collection, pageSize: limit } = this.#config;
    const sort = this.#field === '_id' ? { _id: 1 as const } : { [this.#field]: 1 as const, _id: 1 as const };
    const query = { filter: this.#filter(bound), sort, limit, projection: projectionOf(this.#config) };
    return client.find(context.signal, collection, query);
  }

  #filter(bound: unknown): Filter {
    const { filter, missing } = this.#config;
    const field = this.#field;
    const all: Filter[] = filter === undefined ? [] : [filter];
    if (bound !== undefined) all.push({ [field]: { $lte: bound } });
    if (missing === 'skip' && field !== '_id') all.push({ [field]: { $ne: null } });
    all.push(...this.#behind());
    return all.length === 0 ? {} : { $and: all };
  }

  #behind(): Filter[] {
    const { after } = this.#cursor;
    if (after === undefined) return [];
    const { exact } = this.#mode.client;
    const [value, id] = [exact.read(after.value), exact.read(after.id)];
    if (this.#field === '_id') return [{ _id: { $gt: id } }];
    const isTied = { [this.#field]: { $eq: value }, _id: { $gt: id } };
    // The first alone would do; the range lets the server begin there in the index.
    return [{ $or: [{ [this.#field]: { $gt: value } }, isTied] }, { [this.#field]: { $gte: value } }];
  }

  /** @throws ConfigError when a value cannot be compared with the others */
  #check(document: BsonDocument, group: string): void {
    const value = valueAt(document, this.#field);
    const own = groupOf(value);
    if (own === group) return;
    throw mixedTypes(this.#mode.sourceId, this.#config.collection, this.#field, [group, own]);
  }

  #positionAt(documents: readonly BsonDocument[], count: number): PollingCursor {
    const document = documents[count - 1];
    if (document === undefined) return this.#cursor;
    const { exact } = this.#mode.client;
    const value = exact.write(valueAt(document, this.#field));
    return { mode: 'polling', field: this.#field, after: { value, id: exact.write(document['_id']) } };
  }

  #retried<Result>(action: () => Promise<Result>): Promise<Result> {
    const { clock, context, onRetry } = this.#mode;
    return retry(action, { signal: context.signal, clock, retryUnknown: false, onRetry });
  }
}

function projectionOf({ fields, cursorField, timeField, createdField }: PollingConfig) {
  if (fields === undefined) return undefined;
  const needed = [...fields, '_id', cursorField, timeField, createdField].filter((each) => each !== undefined);
  return Object.fromEntries(needed.map((each): [string, 1] => [each, 1]));
}

/** The same document in the same state makes the same id. */
function toFields(document: BsonDocument, config: PollingConfig): MongodbFields {
  const { collection, cursorField, createdField, timeField = cursorField } = config;
  const version = cursorField === undefined ? undefined : valueAt(document, cursorField);
  const isAppendOnly = config.appendOnly ?? cursorField === undefined;
  const isNew = isAppendOnly || (createdField !== undefined && isSame(valueAt(document, createdField), version));
  const subject = keyText(document['_id']);
  const time = timeField === undefined ? undefined : valueAt(document, timeField);
  return {
    type: isNew ? 'db.document.inserted' : 'db.document.updated',
    id: cursorField === undefined ? `${collection}:${subject}` : `${collection}:${subject}@${keyText(version)}`,
    subject,
    time: time instanceof Date && !Number.isNaN(time.getTime()) ? time.toISOString() : undefined,
    data: { collection, key: toValue(document['_id']), document: toDocument(document) },
  };
}

function isSame(one: unknown, other: unknown): boolean {
  return one !== undefined && keyText(one) === keyText(other);
}
