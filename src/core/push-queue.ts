import { RetryableError } from './errors.js';
import type { SourceEvent } from './event.js';
import type { KeyedState } from './keyed-state.js';
import type { ReadContext, SourceBatch } from './read-options.js';

export interface PushLimits {
  /** Unacknowledged events held at once. */
  maxEvents: number;
  /** Their bytes, as JSON. */
  maxBytes: number;
  /** Callers of `push` that may wait for room with `whenFull: 'wait'`. */
  maxWaiting: number;
  whenFull: 'refuse' | 'wait' | 'drop-newest' | 'drop-oldest';
}

export interface PushOptions {
  /** Fires when the sender is gone: what was not handed out is withdrawn. */
  signal?: AbortSignal | undefined;
  /** Given what withdraws it, as the signal would: for receivers of so many that a signal for each is dear. */
  held?: ((withdraw: (reason: unknown) => void) => void) | undefined;
  /** Of this event, where it differs from the limits of the source. */
  whenFull?: PushLimits['whenFull'] | undefined;
  /** Its size, where the receiver knows it: else it is measured as JSON, which costs as much as writing it. */
  bytes?: number | undefined;
  /** Called when the event is handed out: what it changes in the state is saved when it is acknowledged, or undone. */
  mark?: ((state: KeyedState) => void) | undefined;
}

export interface PushQueueOptions<Event> {
  sourceId: string;
  onDrop(count: number): void;
  now(): number;
  /** The event that says how many were dropped, and since when. */
  gap(count: number, since: number): Event;
  /** The cursor of what is handed out. */
  position?(): unknown;
}

interface Entry<Event> {
  /** undefined: made when it is handed out first, for a gap whose count still grows. */
  event: Event | undefined;
  readonly bytes: number;
  readonly whenFull: PushLimits['whenFull'];
  readonly mark: ((state: KeyedState) => void) | undefined;
  isHandedOut: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Received events between their sender and the consumer: bounded, oldest first, kept until acknowledged. */
export class PushQueue<Event extends SourceEvent> {
  readonly #limits: PushLimits;
  readonly #options: PushQueueOptions<Event>;
  #entries: Entry<Event>[] = [];
  #bytes = 0;
  #waiting: Entry<Event>[] = [];
  #onRoom: (() => void)[] = [];
  #dropped = 0;
  #droppedSince = 0;
  #gap: Entry<Event> | undefined;
  #overflow: RetryableError | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(limits: PushLimits, options: PushQueueOptions<Event>) {
    this.#limits = limits;
    this.#options = options;
  }

  push(event: Event, { signal, held, whenFull = this.#limits.whenFull, bytes, mark }: PushOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      if (this.#isClosed) return reject(this.#refusal('the source is closed', 'SOURCE_CLOSED'));
      const size = bytes ?? Buffer.byteLength(JSON.stringify(event));
      const entry: Entry<Event> = { event, bytes: size, whenFull, mark, isHandedOut: false, resolve, reject };
      if (signal !== undefined) this.#withdrawWith(entry, signal);
      held?.((reason) => this.#withdraw(entry, reason));
      this.#admit(entry);
    });
  }

  /** Resolves when nothing waits for room any more: at once, unless something does. */
  room(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onRoom.push(resolve));
  }

  /** Refuses everything that was not handed out; what the consumer holds may still be acknowledged. */
  close(): void {
    this.#isClosed = true;
    const refused = [...this.#entries.filter(({ isHandedOut }) => !isHandedOut), ...this.#waiting];
    this.#waiting = [];
    for (const entry of refused) {
      this.#remove(entry);
      entry.reject(this.#refusal('the source was closed', 'SOURCE_CLOSED'));
    }
    this.#tellRoom();
  }

  async *batches(context: ReadContext<unknown>): AsyncGenerator<SourceBatch<Event, unknown>, void, undefined> {
    for (const entry of this.#entries) entry.isHandedOut = false;
    context.signal.addEventListener('abort', () => this.#wake?.(), { once: true });
    while (!context.signal.aborted) {
      const entries = this.#take(context.maxEvents);
      for (const entry of entries) entry.mark?.(context.state);
      if (entries.length > 0) yield this.#toBatch(entries);
      else await this.#arrival();
    }
  }

  #admit(entry: Entry<Event>): void {
    // What waits already comes first, or a large event would wait for ever behind small ones.
    if (this.#waiting.length === 0 && this.#hasRoom(entry.bytes)) return this.#append(entry);
    const { whenFull } = entry;
    if (whenFull === 'wait' && this.#waiting.length < this.#limits.maxWaiting) {
      this.#waiting.push(entry);
      return;
    }
    const fits = whenFull === 'drop-oldest' && this.#dropOldest(entry.bytes);
    if (fits) return this.#append(entry);
    if (whenFull === 'drop-newest' || whenFull === 'drop-oldest') return this.#drop(entry);
    entry.reject(this.#refusal(`${this.#entries.length} events are waiting to be acknowledged`, 'QUEUE_FULL'));
  }

  #append(entry: Entry<Event>): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    this.#wake?.();
  }

  /** A gap that waits takes no room: it stands for those that had none. */
  #hasRoom(bytes: number): boolean {
    const held = this.#entries.length - (this.#gap === undefined ? 0 : 1);
    return held === 0 || (held < this.#limits.maxEvents && this.#bytes + bytes <= this.#limits.maxBytes);
  }

  #drop(entry: Entry<Event>): void {
    this.#dropped += 1;
    this.#options.onDrop(1);
    // One for all of them: making it costs more than everything else a lossy receiver does with an event.
    this.#overflow ??= this.#refusal('the queue was full and the event was dropped', 'DROPPED');
    entry.reject(this.#overflow);
    if (this.#gap !== undefined) return;
    this.#droppedSince = this.#options.now();
    const own = { event: undefined, bytes: 0, whenFull: 'wait', mark: undefined } as const;
    this.#gap = { ...own, isHandedOut: false, resolve() {}, reject() {} };
    this.#append(this.#gap);
  }

  /** Drops what was not handed out, oldest first, until there is room; false where there can be none. */
  #dropOldest(bytes: number): boolean {
    while (!this.#hasRoom(bytes)) {
      const oldest = this.#entries.findIndex((entry) => !entry.isHandedOut && entry !== this.#gap);
      if (oldest < 0) return false;
      const [entry] = this.#entries.splice(oldest, 1);
      if (entry === undefined) return false;
      this.#bytes -= entry.bytes;
      this.#drop(entry);
    }
    return true;
  }

  #take(maxEvents: number): Entry<Event>[] {
    const taken: Entry<Event>[] = [];
    for (const entry of this.#entries) {
      if (taken.length >= maxEvents) break;
      if (!entry.isHandedOut) taken.push(entry);
    }
    for (const entry of taken) entry.isHandedOut = true;
    return taken;
  }

  #toBatch(entries: readonly Entry<Event>[]): SourceBatch<Event, unknown> {
    let told = 0;
    return {
      cursor: this.#options.position?.(),
      events: entries.map((entry) => this.#eventOf(entry)),
      settle: (acknowledged, { final, error }) => {
        this.#acknowledge(entries.slice(told, acknowledged));
        told = acknowledged;
        if (final && told < entries.length) this.#giveBack(entries.slice(told), error);
      },
    };
  }

  #eventOf(entry: Entry<Event>): Event {
    if (entry.event !== undefined) return entry.event;
    entry.event = this.#options.gap(this.#dropped, this.#droppedSince);
    this.#dropped = 0;
    this.#gap = undefined;
    return entry.event;
  }

  #acknowledge(entries: readonly Entry<Event>[]): void {
    for (const entry of entries) {
      this.#remove(entry);
      entry.resolve();
    }
    this.#admitWaiting();
  }

  /** Unacknowledged: they come again in a new iteration, unless there will be none. */
  #giveBack(entries: readonly Entry<Event>[], error: unknown): void {
    for (const entry of entries) {
      entry.isHandedOut = false;
      if (!this.#isClosed) continue;
      this.#remove(entry);
      entry.reject(error ?? this.#refusal('the source was closed', 'SOURCE_CLOSED'));
    }
  }

  #withdrawWith(entry: Entry<Event>, signal: AbortSignal): void {
    const { resolve, reject } = entry;
    const withdraw = (): void => this.#withdraw(entry, signal.reason);
    const settled = (): void => signal.removeEventListener('abort', withdraw);
    entry.resolve = () => {
      settled();
      resolve();
    };
    entry.reject = (error) => {
      settled();
      reject(error);
    };
    signal.addEventListener('abort', withdraw, { once: true });
  }

  #withdraw(entry: Entry<Event>, reason: unknown): void {
    if (entry.isHandedOut) return;
    this.#remove(entry);
    this.#waiting = this.#waiting.filter((other) => other !== entry);
    entry.reject(reason);
    this.#admitWaiting();
  }

  /** What is acknowledged is nearly always the oldest. */
  #remove(entry: Entry<Event>): void {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return;
    this.#entries.splice(at, 1);
    this.#bytes -= entry.bytes;
  }

  #admitWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#append(next);
    }
    this.#tellRoom();
  }

  #tellRoom(): void {
    if (this.#waiting.length > 0) return;
    for (const resolve of this.#onRoom.splice(0)) resolve();
  }

  async #arrival(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  #refusal(message: string, code: string): RetryableError {
    return new RetryableError(`source "${this.#options.sourceId}" did not take an event: ${message}`, {
      code,
      sourceId: this.#options.sourceId,
    });
  }
}
