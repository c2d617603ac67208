import { Arrivals } from '../arrivals.js';
import { type Delivery, offsetOf, type RabbitmqClient } from './client.js';
import type { StreamQueueConfig } from './config.js';
import { parseCursor, type RabbitmqCursor } from './cursor.js';
import { type ModeContext, type ModeReader, type RabbitmqBatch, toEvents } from './mode.js';

/**
 * A stream queue read by offset, the position in our own cursor. Acknowledging only asks the broker for more.
 * @see https://www.rabbitmq.com/docs/streams#consuming
 */
export class StreamQueueReader implements ModeReader {
  readonly #mode: ModeContext;
  readonly #config: StreamQueueConfig;
  #next: number | undefined;

  constructor(mode: ModeContext, config: StreamQueueConfig) {
    this.#mode = mode;
    this.#config = config;
    const given = typeof config.start === 'number' ? config.start : undefined;
    this.#next = parseCursor(mode.context.cursor, mode.sourceId)?.next ?? given;
  }

  async *read(): AsyncGenerator<RabbitmqBatch, void, undefined> {
    const { context, clock, onCaughtUp } = this.#mode;
    const { queue, prefetch, start, idleMs } = this.#config;
    const client = await this.#mode.open();
    await client.checkQueue(queue);
    const arrivals = new Arrivals<Delivery>();
    const listener = {
      deliver: (message: Delivery) => arrivals.push(message),
      end: (error: unknown) => arrivals.fail(error),
    };
    await client.consume(queue, prefetch, listener, { 'x-stream-offset': this.#next ?? start });
    for (;;) {
      if (arrivals.size === 0) onCaughtUp();
      if (context.follow) await arrivals.some(context.signal);
      else if (!(await arrivals.someWithin(idleMs, clock, context.signal))) return;
      const came = arrivals.take(prefetch);
      const messages = came.filter((message) => this.#next === undefined || offsetOf(message) >= this.#next);
      const [first] = messages;
      if (first === undefined) {
        client.acknowledge(came.at(-1) as Delivery, true);
        continue;
      }
      yield* this.#gap(client, first);
      const begin = offsetOf(first);
      const cursorAt = (count: number): RabbitmqCursor => ({
        next: count === 0 ? begin : offsetOf(messages[count - 1] as Delivery) + 1,
      });
      this.#next = cursorAt(messages.length).next;
      const events = await toEvents(this.#mode, this.#config, messages);
      yield {
        events,
        cursor: cursorAt(messages.length),
        cursorAt,
        settle: (acknowledged) => {
          if (acknowledged > 0) client.acknowledge(messages[acknowledged - 1] as Delivery, true);
        },
      };
    }
  }

  /** Offsets have holes, as the stream itself writes some: what is missing is lost only if nothing is as old. */
  async *#gap(client: RabbitmqClient, first: Delivery): AsyncGenerator<RabbitmqBatch, void, undefined> {
    const [from, to] = [this.#next, offsetOf(first)];
    const { queue } = this.#config;
    if (from === undefined || to <= from) return;
    const oldest = await client.firstOffset(queue, this.#mode.context.signal);
    if (oldest <= from) return;
    const detail = `messages of stream ${queue} were removed before they were read`;
    yield { events: [this.#mode.gap('retention', detail, { from, to })], cursor: { next: to } };
  }
}
