import {
  BatchEventSource,
  EventSource,
  type GapEvent,
  type GapReason,
  type KeyedState,
  PushEventSource,
  type PushLimits,
  type PushOptions,
  type ReadContext,
  type SourceBatch,
  type SourceEvent,
  type SourceOptions,
  type ValidationResult,
} from 'headwater';

export type ItemEvent = SourceEvent<'test.item', { n: number }>;
export type TestEvent = ItemEvent | GapEvent;
export interface ItemCursor {
  n: number;
}
export type TestBatch = SourceBatch<TestEvent, ItemCursor>;
export type TestOptions = Partial<SourceOptions<undefined, unknown, ItemCursor>>;

type Read = (source: ReadSource, context: ReadContext<ItemCursor>) => AsyncIterable<TestEvent>;
type ReadBatches = (source: BatchSource, context: ReadContext<ItemCursor>) => AsyncIterable<TestBatch>;

const VALID: ValidationResult = { ok: true, problems: [] };

/** A source whose `read` is given as a function. */
export class ReadSource extends EventSource<TestEvent, ItemCursor, undefined> {
  readonly type = 'test';
  override closeGraceMs = 5_000;
  readonly #read: Read;

  constructor(read: Read, options: TestOptions = {}) {
    super({ id: 'test', config: undefined, ...options });
    this.#read = read;
  }

  item(n: number, cursor: ItemCursor | null = { n }): TestEvent {
    return this.event({ type: 'test.item', id: String(n), data: { n } }, cursor ?? undefined);
  }

  hole(detail: string, cursor?: ItemCursor, reason: GapReason = 'retention'): TestEvent {
    return this.gap(reason, detail, { from: 1, to: 2 }, cursor);
  }

  madeGap(reason: GapReason, detail: string, range: { from?: unknown; to?: unknown; count?: number }): TestEvent {
    return this.gap(reason, detail, range);
  }

  /** A gap made as any event is made. */
  madeByHand(): TestEvent {
    return this.event({ type: 'headwater.gap', id: 'gap', data: { reason: 'downtime', detail: 'away' } });
  }

  async validate(): Promise<ValidationResult> {
    return VALID;
  }

  protected read(context: ReadContext<ItemCursor>): AsyncIterable<TestEvent> {
    return this.#read(this, context);
  }
}

/** A source whose `readBatches` is given as a function. */
export class BatchSource extends BatchEventSource<TestEvent, ItemCursor, undefined> {
  readonly type = 'test';
  override closeGraceMs = 5_000;
  readonly #readBatches: ReadBatches;
  #instead: ((state: KeyedState) => Promise<void>) | undefined;

  constructor(readBatches: ReadBatches, options: TestOptions = {}) {
    super({ id: 'test', config: undefined, ...options });
    this.#readBatches = readBatches;
  }

  items(from: number, to: number): TestEvent[] {
    const events: TestEvent[] = [];
    for (let n = from; n <= to; n += 1) events.push(this.event({ type: 'test.item', id: String(n), data: { n } }));
    return events;
  }

  hole(detail: string): TestEvent {
    return this.gap('retention', detail, { from: 1, to: 2 });
  }

  async validate(): Promise<ValidationResult> {
    return VALID;
  }

  /** Begins an iteration that does nothing but look at the state. */
  async lookAtState(look: (state: KeyedState) => Promise<void>): Promise<void> {
    this.#instead = look;
    await this.generateEvents().next();
    this.#instead = undefined;
  }

  protected async *readBatches(context: ReadContext<ItemCursor>): AsyncGenerator<TestBatch> {
    if (this.#instead === undefined) yield* this.#readBatches(this, context);
    else await this.#instead(context.state);
  }
}

/** A source that is pushed to by the test. */
export class ReceivingSource extends PushEventSource<ItemEvent, undefined> {
  static readonly definition = {
    type: 'receiving',
    config: undefined as never,
    capabilities: {
      kind: 'push',
      delivery: 'at-least-once',
      position: 'none',
      ids: 'per-receipt',
      deletes: false,
    },
    events: {},
  } as const;
  readonly type = 'receiving';
  protected override readonly limits: PushLimits;

  constructor(limits: Partial<PushLimits> = {}, options: Partial<SourceOptions<undefined>> = {}) {
    super({ id: 'receiving', config: undefined, ...options });
    this.limits = { maxEvents: 3, maxBytes: 1_000_000, maxWaiting: 2, whenFull: 'refuse', ...limits };
  }

  receive(n: number, { padding, ...options }: PushOptions & { padding?: string } = {}): Promise<void> {
    const data = padding === undefined ? { n } : { n, padding };
    return this.push(this.event({ type: 'test.item', id: String(n), data }), options);
  }

  whenRoom(): Promise<void> {
    return this.room();
  }

  lose(reason: string, count?: number): void {
    this.countDropped(reason, count);
  }

  async validate(): Promise<ValidationResult> {
    return VALID;
  }
}

/** Reads the numbers after the cursor up to `last`, one by one. */
export function counting(last: number, options?: TestOptions): ReadSource {
  return new ReadSource(async function* (source, { cursor }) {
    for (let n = (cursor?.n ?? 0) + 1; n <= last; n += 1) yield source.item(n);
  }, options);
}

export interface PagesOptions extends TestOptions {
  /** Whether a position can be told for every event. Default true. */
  cursorAt?: boolean;
}

/** Reads the numbers after the cursor up to `last`, in pages that begin at multiples of `size`. */
export function pages(last: number, size: number, { cursorAt = true, ...options }: PagesOptions = {}): BatchSource {
  return new BatchSource(async function* (source, { cursor }) {
    for (let from = (cursor?.n ?? 0) + 1; from <= last; ) {
      const to = Math.min(last, from - 1 + size - ((from - 1) % size));
      const first = from;
      const batch: TestBatch = { events: source.items(from, to), cursor: { n: to } };
      if (cursorAt) batch.cursorAt = (count) => ({ n: first - 1 + count });
      yield batch;
      from = to + 1;
    }
  }, options);
}

/** Yields these events first, then never anything again, whatever happens. */
export function hanging(count = 0, options?: TestOptions): ReadSource {
  return new ReadSource(async function* (source) {
    for (let n = 1; n <= count; n += 1) yield source.item(n);
    await never();
  }, options);
}

/** A promise that nobody settles. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
