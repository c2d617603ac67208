import { BatchIterator } from './batch-iterator.js';
import { type Capabilities, DEFAULT_CAPABILITIES } from './capabilities.js';
import { type Clock, systemClock } from './clock.js';
import { checkCredentials } from './credentials.js';
import { ConfigError, FatalError } from './errors.js';
import { type DataOf, GAP_TYPE, type GapEvent, type GapReason, type SourceEvent } from './event.js';
import { EventIterator } from './event-iterator.js';
import type { IterationOptions } from './iteration.js';
import { type Logger, silentLogger } from './logger.js';
import { MadeEvents } from './made-events.js';
import type { BatchOptions, EventBatch, EventGenerator, ReadContext, ReadOptions } from './read-options.js';
import { SourceActivity } from './source-activity.js';
import type { SourceDefinition, SourceOptions, ValidationResult } from './source-definition.js';
import { acknowledgedCursor, RUNTIME, type SourceRuntime, type Upstream } from './source-runtime.js';
import { StateLedger } from './state-ledger.js';
import type { SourceStats, SourceStatus } from './status.js';

/** What a source is made of besides its type, id and data. */
export interface EventFields<Type extends string, Data> {
  type: Type;
  /** Upstream identity, plus version or revision where the thing changes; never random, an index, or the time of receipt. */
  id: string;
  data: Data;
  /** URI reference of the origin. Default: `/<type>/<id>` of the source. */
  source?: string | undefined;
  subject?: string | undefined;
  /** RFC 3339, when it happened upstream. */
  time?: string | undefined;
  datacontenttype?: string | undefined;
  dataschema?: string | undefined;
}

/**
 * Something that yields events: `for await (const event of source.generateEvents())`.
 *
 * An author writes `read(context)`: the events after `context.cursor`, each made by `this.event(fields, cursor)` with
 * the cursor that follows it. The base class owns everything else: acknowledgement (asking for the next event
 * acknowledges the one in hand), the frontier, abort, limits, status, statistics, one iteration at a time.
 *
 * Order of calls: `create` (a static of each class), then any number of iterations one after another, then `close`.
 * `validate`, `getCursor`, `getStats` and `getStatus` may be called at any time.
 */
export abstract class EventSource<Event extends SourceEvent = SourceEvent, Cursor = unknown, Config = unknown>
  implements AsyncDisposable
{
  readonly id: string;
  abstract readonly type: string;
  readonly config: Config;
  readonly capabilities: Capabilities;
  protected readonly logger: Logger;
  protected readonly clock: Clock;
  /** How long `return()` and a new iteration wait, in milliseconds, for a source to let go of what it opened. */
  protected readonly closeGraceMs: number = 5_000;
  /** @internal */
  readonly [RUNTIME]: SourceRuntime;
  #uri: string | undefined;

  /** @throws ConfigError when `credentials` holds an undefined secret or a reference that nobody resolved. */
  constructor(options: SourceOptions<Config, unknown, Cursor>) {
    checkCredentials(options.id, options.credentials);
    this.id = options.id;
    this.config = options.config;
    this.logger = options.logger ?? silentLogger;
    this.clock = options.clock ?? systemClock;
    this.capabilities = definitionOf(this)?.capabilities ?? DEFAULT_CAPABILITIES;
    this[RUNTIME] = this.#createRuntime(options);
  }

  /**
   * The events, oldest first. Asking for the next acknowledges the one in hand; `break` or a throw does not, and that
   * event comes again. Abort rejects with `signal.reason`. A second iteration at the same time rejects at its first
   * `next()` with code ITERATION_RUNNING. Not overridden by authors.
   */
  generateEvents(options: ReadOptions = {}): EventGenerator<Event> {
    const iterationOptions: IterationOptions = { ...options, maxEvents: 1 };
    return new EventIterator(this[RUNTIME], iterationOptions) as unknown as EventGenerator<Event>;
  }

  /** The events in batches, as the source read them unless limits are given. See `BatchOptions`. */
  generateBatches(options: BatchOptions = {}): AsyncGenerator<EventBatch<Event, Cursor>, void, undefined> {
    const iterationOptions = { ...options, maxEvents: options.maxEvents ?? Number.MAX_SAFE_INTEGER };
    const iterator = new BatchIterator(this[RUNTIME], iterationOptions, options);
    return iterator as unknown as AsyncGenerator<EventBatch<Event, Cursor>, void, undefined>;
  }

  /** Reach, authentication, permission, existence. Emits nothing, changes nothing. */
  abstract validate(options?: { signal?: AbortSignal | undefined }): Promise<ValidationResult>;

  /** `validate()`, throwing a ConfigError with the problems it found. */
  async assertValid(options?: { signal?: AbortSignal | undefined }): Promise<void> {
    const { ok, problems } = await this.validate(options);
    if (ok) return;
    const errors = problems.filter(({ severity }) => severity === 'error');
    throw new ConfigError(errors.length > 0 ? errors : problems, { code: errors[0]?.code, sourceId: this.id });
  }

  /** Whether a later run brings only what is new. */
  supportsIncremental(): boolean {
    return this.capabilities.position !== 'none';
  }

  /** The acknowledged frontier, never beyond it. Do not change what it returns. */
  getCursor(): Cursor | undefined {
    return acknowledgedCursor(this[RUNTIME]) as Cursor | undefined;
  }

  /**
   * The host rewinds or restores.
   * @throws FatalError (ITERATION_RUNNING) while an iteration runs.
   */
  setCursor(cursor: Cursor | undefined): void {
    const runtime = this[RUNTIME];
    if (runtime.iteration !== undefined && runtime.iteration.ending === undefined) {
      throw new FatalError(`the cursor of source "${this.id}" cannot be set while it is being iterated`, {
        code: 'ITERATION_RUNNING',
        sourceId: this.id,
      });
    }
    void runtime.iteration?.finish();
    runtime.cursor = cursor;
  }

  getStats(): SourceStats {
    return this[RUNTIME].activity.stats();
  }

  getStatus(): SourceStatus {
    return this[RUNTIME].activity.status;
  }

  /**
   * Stops intake at once, never waits for the consumer; the iteration ends after the event in hand. Resolves when what
   * was acknowledged so far is saved, where it is being saved. Idempotent.
   */
  async close(): Promise<void> {
    const runtime = this[RUNTIME];
    runtime.closed = true;
    const { iteration } = runtime;
    iteration?.stop({ kind: 'closed' });
    runtime.activity.status = { state: 'closed' };
    await iteration?.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What an author writes: the events after `context.cursor`, each with the cursor that follows it. Nothing after a `yield` means anything. */
  protected abstract read(context: ReadContext<Cursor>): AsyncIterable<Event>;

  /** Completes an envelope (specversion, source, sourceid, sourcetype) and remembers the cursor that follows the event. */
  protected event<const Type extends Event['type']>(
    fields: EventFields<Type, DataOf<Event, Type>>,
    cursor?: Cursor,
  ): SourceEvent<Type, DataOf<Event, Type>> {
    const event = this.#envelope(fields);
    if (fields.datacontenttype !== undefined) event.datacontenttype = fields.datacontenttype;
    if (fields.dataschema !== undefined) event.dataschema = fields.dataschema;
    if (fields.type === GAP_TYPE) this.#noteGap();
    if (cursor !== undefined) this[RUNTIME].made.remember(event, cursor);
    return event;
  }

  /**
   * Tells that events can no longer be had. With `onGap: 'throw'` the run ends here with a GapError and the cursor
   * stays before it; with 'emit' the event is delivered like any other.
   */
  protected gap(
    reason: GapReason,
    detail: string,
    range: { from?: unknown; to?: unknown; count?: number | undefined } = {},
    cursor?: Cursor,
  ): GapEvent {
    const data: Mutable<GapEvent['data']> = { reason, detail };
    if (range.from !== undefined) data.from = range.from;
    if (range.to !== undefined) data.to = range.to;
    if (range.count !== undefined) data.count = range.count;
    const hasRange = range.from !== undefined || range.to !== undefined;
    const what = hasRange ? `${JSON.stringify(range.from) ?? ''}:${JSON.stringify(range.to) ?? ''}` : detail;
    const event: GapEvent = {
      specversion: '1.0',
      id: `gap:${reason}:${what}`,
      source: this.#defaultUri(),
      type: GAP_TYPE,
      sourceid: this.id,
      sourcetype: this.type,
      data,
    };
    this.#noteGap();
    if (cursor !== undefined) this[RUNTIME].made.remember(event, cursor);
    return event;
  }

  /** What the cursor belongs to upstream. Default: the id. */
  origin(): string | Promise<string> {
    return this.id;
  }

  /** Adds to the statistics. */
  protected count(counter: 'bytes' | 'requests' | 'retries', by = 1): void {
    this[RUNTIME].activity.count(counter, by);
  }

  /**
   * Adds to `getStats().dropped`, by reason: what the configuration leaves out (filtered, sampled), and what was lost
   * before it became an event. A loss is told by a gap as well.
   */
  protected countDropped(reason: string, by = 1): void {
    this[RUNTIME].activity.drop(reason, by);
  }

  /** Says what the source is doing: caught up, waiting for a rate limit, reconnecting. */
  protected setStatus(status: SourceStatus): void {
    this[RUNTIME].activity.status = status;
  }

  /** @internal What an iteration reads from. */
  protected open(context: ReadContext<Cursor>): Upstream {
    return { kind: 'events', iterator: this.read(context)[Symbol.asyncIterator]() };
  }

  /** Written out with and without time and subject: adding one to an object that is there costs as much as making it. */
  #envelope<const Type extends Event['type']>(
    fields: EventFields<Type, DataOf<Event, Type>>,
  ): Mutable<SourceEvent<Type, DataOf<Event, Type>>> {
    const { id, type, data, time, subject, source = this.#defaultUri() } = fields;
    const { id: sourceid, type: sourcetype } = this;
    if (subject !== undefined) {
      return time === undefined
        ? { specversion: '1.0', id, source, type, sourceid, sourcetype, data, subject }
        : { specversion: '1.0', id, source, type, sourceid, sourcetype, data, time, subject };
    }
    return time === undefined
      ? { specversion: '1.0', id, source, type, sourceid, sourcetype, data }
      : { specversion: '1.0', id, source, type, sourceid, sourcetype, data, time };
  }

  #defaultUri(): string {
    this.#uri ??= `/${encodeURIComponent(this.type)}/${encodeURIComponent(this.id)}`;
    return this.#uri;
  }

  #noteGap(): void {
    const { made, activity } = this[RUNTIME];
    made.gaps += 1;
    made.isSpecial = true;
    activity.gaps += 1;
  }

  #createRuntime(options: SourceOptions<Config, unknown, Cursor>): SourceRuntime {
    const source = this;
    const made = new MadeEvents();
    return {
      id: this.id,
      clock: this.clock,
      logger: this.logger,
      // Asked for when they are needed: a source may know only by its configuration what it promises.
      get capabilities() {
        return source.capabilities;
      },
      activity: new SourceActivity(this.clock),
      ledger: new StateLedger(() => {
        made.isSpecial = true;
      }),
      made,
      get closeGraceMs() {
        return source.closeGraceMs;
      },
      get onGap() {
        const { delivery, kind } = source.capabilities;
        return options.onGap ?? (delivery === 'at-most-once' || kind === 'push' ? 'emit' : 'throw');
      },
      cursor: options.cursor,
      closed: false,
      iteration: undefined,
      keeper: undefined,
      autosave: undefined,
      open: (context) => this.open(context as ReadContext<Cursor>),
    };
  }
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** The static `definition` of an object's class, where it has one. */
export function definitionOf(source: object): SourceDefinition | undefined {
  return (source.constructor as { definition?: SourceDefinition }).definition;
}
