import type { GapEvent, SourceEvent } from './event.js';
import { EventSource } from './event-source.js';
import { type PushLimits, type PushOptions, PushQueue } from './push-queue.js';
import type { ReadContext, SourceBatch } from './read-options.js';
import { RUNTIME, type Upstream } from './source-runtime.js';

const DEFAULT_LIMITS: PushLimits = {
  maxEvents: 1_000,
  maxBytes: 16 * 1024 * 1024,
  maxWaiting: 1_000,
  whenFull: 'refuse',
};

/**
 * A source that receives. Bounded by unacknowledged events and bytes; what is dropped is counted and followed by a gap
 * event. Always follows.
 *
 * A subclass listens where it must (in `begin`, or before) and calls `push` for what arrives.
 */
export abstract class PushEventSource<
  Event extends SourceEvent = SourceEvent,
  Config = unknown,
  Cursor = unknown,
> extends EventSource<Event | GapEvent, Cursor, Config> {
  /** Unacknowledged events and bytes (as JSON), callers that may wait for room, and what happens beyond that. */
  protected readonly limits: PushLimits = DEFAULT_LIMITS;
  #queue: PushQueue<Event | GapEvent> | undefined;

  protected async *read(context: ReadContext<Cursor>): AsyncGenerator<Event | GapEvent, void, undefined> {
    for await (const batch of this.#batches(context)) yield* batch.events;
  }

  /**
   * Called when an iteration begins, before anything is handed out: the place to listen for as long as it lasts. What it
   * opens is released in `context.defer`. Default: nothing.
   */
  protected async begin(_context: ReadContext<Cursor>): Promise<void> {}

  /**
   * Resolves when the event is acknowledged; rejects when it was refused or dropped, when the source is closed before
   * it is handed out, or when the signal fires before it is handed out. It need not be awaited. `whenFull` is for
   * senders that differ from those the limits are made for.
   */
  protected push(event: Event, options: PushOptions = {}): Promise<void> {
    const acknowledged = this.#events().push(event, options);
    // A receiver that cannot answer (UDP) does not wait; what is dropped is told by the gap event.
    acknowledged.catch(() => {});
    return acknowledged;
  }

  /**
   * Resolves when nothing waits for room any more; at once unless something was pushed with `whenFull: 'wait'` and
   * there was none. A receiver that reads from connections waits for it before it reads on.
   */
  protected room(): Promise<void> {
    return this.#events().room();
  }

  override async close(): Promise<void> {
    // First, so that nothing is taken in while the cursor of what was acknowledged is being saved.
    this.#events().close();
    await super.close();
  }

  /** The cursor that goes with what is handed out now. Default: none, and batches may be cut. */
  protected position(): Cursor | undefined {
    return undefined;
  }

  /** What was pushed and is not acknowledged, and what will be: for a subclass that begins in its own way. */
  protected pushed(
    context: ReadContext<Cursor>,
  ): AsyncGenerator<SourceBatch<Event | GapEvent, Cursor>, void, undefined> {
    return this.#events().batches(context) as AsyncGenerator<SourceBatch<Event | GapEvent, Cursor>, void, undefined>;
  }

  /** @internal */
  protected override open(context: ReadContext<Cursor>): Upstream {
    return { kind: 'batches', iterator: this.#batches(context) };
  }

  async *#batches(
    context: ReadContext<Cursor>,
  ): AsyncGenerator<SourceBatch<Event | GapEvent, Cursor>, void, undefined> {
    await this.begin(context);
    yield* this.pushed(context);
  }

  #events(): PushQueue<Event | GapEvent> {
    this.#queue ??= new PushQueue(this.limits, {
      sourceId: this.id,
      onDrop: (count) => this[RUNTIME].activity.drop('overflow', count),
      now: () => this.clock.now(),
      gap: (count, since) => this.#overflow(count, since),
      position: () => this.position(),
    });
    return this.#queue;
  }

  #overflow(count: number, since: number): GapEvent {
    const from = new Date(since).toISOString();
    const to = new Date(this.clock.now()).toISOString();
    return this.gap('overflow', `${count} events came while the queue was full and were dropped`, { from, to, count });
  }
}
