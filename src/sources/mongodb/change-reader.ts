import { orAborted } from '../../toolkit/or-aborted.js';
import { type Change, joinParts } from './change.js';
import type { ChangeStream, ChangeStreamOptions, Db, Document, MongodbClient, ResumeToken } from './client.js';
import type { ChangesConfig } from './config.js';
import type { ChangesCursor } from './cursor.js';
import { isHistoryLost, toReadFailure } from './failure.js';
import { matchOf } from './match.js';

/** What was there when it was asked: nothing for a while is an answer too, with a position. */
export type ChangeStep =
  | { readonly kind: 'changes'; readonly changes: readonly Change[]; readonly cursor: ChangesCursor }
  /** What came after this position cannot be had any more. */
  | { readonly kind: 'lost'; readonly cursor: ChangesCursor };

interface ReaderOptions {
  readonly sourceId: string;
  readonly signal: AbortSignal;
  readonly from: ChangesCursor;
  readonly maxEvents: number;
}

/** One change stream after another, each from where the one before had come to. */
export class ChangeReader {
  readonly #client: MongodbClient;
  readonly #config: ChangesConfig;
  readonly #options: ReaderOptions;
  #cursor: ChangesCursor;
  #stream: ChangeStream<Document, Document> | undefined;
  /** Parts of a change whose last has not come yet. */
  #parts: Change[] = [];

  constructor(client: MongodbClient, config: ChangesConfig, options: ReaderOptions) {
    this.#client = client;
    this.#config = config;
    this.#options = options;
    this.#cursor = options.from;
  }

  /** @throws what the database answered, as one of our errors; after it, it may be asked again */
  async next(): Promise<ChangeStep> {
    const { signal, sourceId } = this.#options;
    try {
      return await orAborted(this.#next(), signal);
    } catch (error) {
      signal.throwIfAborted();
      await this.close();
      if (isHistoryLost(error)) return { kind: 'lost', cursor: this.#cursor };
      throw toReadFailure(error, sourceId);
    }
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#parts = [];
    await stream?.close().catch(() => {});
  }

  async #next(): Promise<ChangeStep> {
    const { signal, maxEvents } = this.#options;
    this.#stream ??= await this.#client.run(signal, async (database) => this.#open(database));
    const stream = this.#stream;
    const changes: Change[] = [];
    do {
      const change = (await stream.tryNext()) as Change | null;
      if (change === null) break;
      const whole = this.#whole(change);
      if (whole !== undefined) changes.push(whole);
      if (whole?.operationType === 'invalidate') return this.#ended(changes);
    } while (stream.bufferedCount() > 0 && changes.length < maxEvents);
    // With every answer, also an empty one: the token of a quiet stream would grow too old otherwise.
    const token = changes.at(-1)?._id ?? (this.#parts.length === 0 ? stream.resumeToken : undefined);
    if (token != null) this.#moveTo(this.#client.exact.write(token));
    return { kind: 'changes', changes, cursor: this.#cursor };
  }

  /** While nothing came behind an invalidate event, its token stays one that only `startAfter` takes. */
  #moveTo(token: string): void {
    if (token !== this.#cursor.token) this.#cursor = { mode: 'changes', token };
  }

  /** The collection was dropped or renamed: the stream is over, and another one goes on behind it. */
  async #ended(changes: readonly Change[]): Promise<ChangeStep> {
    const token = this.#client.exact.write((changes.at(-1) as Change)._id);
    this.#cursor = { mode: 'changes', token, isInvalidated: true };
    await this.close();
    return { kind: 'changes', changes, cursor: this.#cursor };
  }

  #whole(change: Change): Change | undefined {
    if (change.splitEvent === undefined) return change;
    this.#parts.push(change);
    if (change.splitEvent.fragment < change.splitEvent.of) return undefined;
    const whole = joinParts(this.#parts);
    this.#parts = [];
    return whole;
  }

  #open(database: Db): ChangeStream<Document, Document> {
    const config = this.#config;
    const { fullDocument, fullDocumentBeforeChange: before, pageSize, maxAwaitTimeMs } = config;
    const options: ChangeStreamOptions = {
      ...this.#client.reading,
      fullDocument,
      ...(before !== 'off' && { fullDocumentBeforeChange: before }),
      batchSize: pageSize,
      maxAwaitTimeMS: maxAwaitTimeMs,
      ...this.#position(),
    };
    const pipeline: Document[] = matchOf(config.filter);
    if (config.splitLargeEvents) pipeline.push({ $changeStreamSplitLargeEvent: {} });
    const { collection } = config;
    return collection === undefined
      ? database.watch(pipeline, options)
      : database.collection(collection).watch(pipeline, options);
  }

  /**
   * Behind an invalidate event only `startAfter` goes on.
   * @see https://www.mongodb.com/docs/manual/changeStreams/#resume-a-change-stream
   */
  #position(): Pick<ChangeStreamOptions, 'resumeAfter' | 'startAfter' | 'startAtOperationTime'> {
    const { token, isInvalidated, start } = this.#cursor;
    const { exact } = this.#client;
    if (token === undefined) {
      return {
        startAtOperationTime: exact.read(start?.at ?? '') as NonNullable<ChangeStreamOptions['startAtOperationTime']>,
      };
    }
    const value = exact.read(token) as ResumeToken;
    return isInvalidated === true ? { startAfter: value } : { resumeAfter: value };
  }
}
