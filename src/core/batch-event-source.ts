import type { SourceEvent } from './event.js';
import { EventSource } from './event-source.js';
import type { ReadContext, SourceBatch } from './read-options.js';
import type { Upstream } from './source-runtime.js';

/**
 * A source that reads pages or blocks: the fast path, and the only place where upstream hears of acknowledgement
 * (`settle`). Batches are handed out untouched.
 */
export abstract class BatchEventSource<
  Event extends SourceEvent = SourceEvent,
  Cursor = unknown,
  Config = unknown,
> extends EventSource<Event, Cursor, Config> {
  /** The batches, one event at a time. */
  protected async *read(context: ReadContext<Cursor>): AsyncGenerator<Event, void, undefined> {
    for await (const batch of this.readBatches(context)) yield* batch.events;
  }

  /**
   * What an author writes: the batches after `context.cursor`. May be resumed, and may end, before earlier batches are
   * settled; what settling needs is released in `context.defer`.
   */
  protected abstract readBatches(context: ReadContext<Cursor>): AsyncIterable<SourceBatch<Event, Cursor>>;

  /** @internal */
  protected override open(context: ReadContext<Cursor>): Upstream {
    return { kind: 'batches', iterator: this.readBatches(context)[Symbol.asyncIterator]() };
  }
}
