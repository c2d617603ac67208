import { ConfigError } from '../core/errors.js';
import type { SourceEvent } from '../core/event.js';
import { definitionOf, EventSource } from '../core/event-source.js';
import type { ReadContext, SourceBatch } from '../core/read-options.js';
import type { ValidationResult } from '../core/source-definition.js';
import { runtimeOf, type Upstream } from '../core/source-runtime.js';
import type { SourceStatus } from '../core/status.js';
import { BatchCache } from './batch-cache.js';

export interface CacheOptions {
  /** For so long after it was caught up the source is not asked for more, in milliseconds. */
  ttlMs: number;
  /** Events that are kept at most; the oldest are forgotten first. Default 10,000. */
  maxEvents?: number | undefined;
  /** Bytes of events (as JSON) that are kept at most. Default 64 MiB. */
  maxBytes?: number | undefined;
}

type Batch = SourceBatch<SourceEvent, unknown>;

const MAX_EVENTS = 10_000;
const MAX_BYTES = 64 * 1_048_576;

/**
 * A source that remembers what it has read: whoever reads the same again (another projection, a preview, a run after a
 * `break`) is answered from memory, and upstream is asked only for what is new, not more often than every `ttlMs`.
 *
 * ```ts
 * import { cacheSource } from 'headwater/cache';
 *
 * const history = cacheSource(await GitSource.create({ id: 'history', config }), { ttlMs: 60_000 });
 * for await (const event of history.generateEvents()) index(event);
 * history.setCursor(undefined);
 * for await (const event of history.generateEvents()) count(event);       // without a request
 * ```
 *
 * It stands in for the source in everything: same id, same cursors. Use it alone; closing it closes the source.
 *
 * @throws ConfigError 'CACHE_POSITION' for a source that keeps state, is acknowledged upstream, or receives
 */
export function cacheSource<Event extends SourceEvent, Cursor, Config>(
  source: EventSource<Event, Cursor, Config>,
  options: CacheOptions,
): EventSource<Event, Cursor, Config> {
  const { kind, position } = source.capabilities;
  if (kind !== 'pull' || position !== 'cursor') {
    const message = `source "${source.id}" cannot be cached: its cursor alone does not say where it goes on`;
    throw new ConfigError([{ severity: 'error', code: 'CACHE_POSITION', message }], { sourceId: source.id });
  }
  const definition = definitionOf(source);
  // What a class is known by is its definition: cursors are checked and migrated by it.
  const Cached =
    definition === undefined
      ? CachedSource<Event, Cursor, Config>
      : class extends CachedSource<Event, Cursor, Config> {
          static readonly definition = definition;
        };
  return new Cached(source, options);
}

class CachedSource<Event extends SourceEvent, Cursor, Config> extends EventSource<Event, Cursor, Config> {
  readonly type: string;
  readonly #source: EventSource<Event, Cursor, Config>;
  readonly #cache: BatchCache;
  readonly #ttlMs: number;
  /** When there was nothing more upstream. */
  #caughtUpAt = Number.NEGATIVE_INFINITY;

  constructor(source: EventSource<Event, Cursor, Config>, { ttlMs, maxEvents, maxBytes }: CacheOptions) {
    const { id, config } = source;
    const { clock, logger, cursor } = runtimeOf(source);
    // Whether a gap ends the run was decided by the source's own option.
    super({ id, config, clock, logger, cursor: cursor as Cursor, onGap: runtimeOf(source).onGap });
    this.type = source.type;
    this.#source = source;
    this.#ttlMs = ttlMs;
    this.#cache = new BatchCache(maxEvents ?? MAX_EVENTS, maxBytes ?? MAX_BYTES);
  }

  validate(options?: { signal?: AbortSignal | undefined }): Promise<ValidationResult> {
    return this.#source.validate(options);
  }

  override origin(): string | Promise<string> {
    return this.#source.origin();
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#source.close();
  }

  /** @internal */
  protected override open(context: ReadContext<Cursor>): Upstream {
    return { kind: 'batches', iterator: this.#read(context as ReadContext<unknown>) };
  }

  /** Not reached: `open` reads batches. */
  protected async *read(): AsyncGenerator<Event, void, undefined> {}

  override getStatus(): SourceStatus {
    const own = super.getStatus();
    const asked = this.#source.getStatus();
    return own.state === 'reading' && asked.state !== 'idle' ? asked : own;
  }

  async *#read(context: ReadContext<unknown>): AsyncGenerator<Batch, void, undefined> {
    let cursor = context.cursor;
    for (let kept = this.#cache.after(cursor); kept !== undefined; kept = this.#cache.after(cursor)) {
      yield kept;
      cursor = kept.cursor;
    }
    const isFresh = this.clock.now() - this.#caughtUpAt < this.#ttlMs && this.#cache.endsAt(cursor);
    if (isFresh && !context.follow) return;
    for await (const batch of this.#ask({ ...context, cursor })) {
      this.#cache.add(cursor, batch);
      cursor = batch.cursor ?? cursor;
      yield batch;
    }
    this.#cache.endAt(cursor);
    this.#caughtUpAt = this.clock.now();
  }

  /** What the source has after a cursor, as it reads it. */
  async *#ask(context: ReadContext<unknown>): AsyncGenerator<Batch, void, undefined> {
    const asked = runtimeOf(this.#source);
    const { made } = runtimeOf(this);
    const upstream = asked.open(context);
    for await (const item of {
      [Symbol.asyncIterator]: () => upstream.iterator as AsyncIterator<Batch | SourceEvent>,
    }) {
      // Gaps are counted where they were made, and looked for where they are handed out.
      made.gaps += asked.made.gaps;
      asked.made.gaps = 0;
      yield upstream.kind === 'batches'
        ? (item as Batch)
        : { events: [item as SourceEvent], cursor: asked.made.takeCursor(item as SourceEvent) };
    }
  }
}
