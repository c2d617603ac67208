import { HeadwaterError } from '../../../core/errors.js';
import { Arrivals } from '../arrivals.js';
import { Acknowledging } from './acknowledging.js';
import type { Delivery, RabbitmqClient } from './client.js';
import type { QueueConfig } from './config.js';
import { deliveriesOf } from './events.js';
import { type ModeContext, type ModeReader, type RabbitmqBatch, toEvents } from './mode.js';

/** A queue: what the broker sends ahead is what is held, and each message is acknowledged when its event is. */
export class QueueReader implements ModeReader {
  readonly #mode: ModeContext;
  readonly #config: QueueConfig;
  /** Halved each time that messages were not acknowledged in time. */
  #prefetch: number;
  #hasFailed = false;

  constructor(mode: ModeContext, config: QueueConfig) {
    this.#mode = mode;
    this.#config = config;
    this.#prefetch = config.prefetch;
  }

  async *read(): AsyncGenerator<RabbitmqBatch, void, undefined> {
    const { context, onCaughtUp } = this.#mode;
    const client = await this.#mode.open();
    await this.#prepare(client);
    const arrivals = new Arrivals<Delivery>();
    const acknowledging = new Acknowledging(client, this.#prefetchNow);
    await this.#consume(client, arrivals);
    for (;;) {
      if (arrivals.size === 0) onCaughtUp();
      if (context.follow) await arrivals.some(context.signal);
      else if (!(await this.#someBeforeTheEnd(client, arrivals))) return;
      // No more than the consumer takes at once: what it rejects is the whole batch.
      const messages = arrivals.take(context.maxEvents).filter((message) => !this.#isDead(client, message));
      if (messages.length > 0) yield await this.#batch(client, acknowledging, messages);
    }
  }

  /** The queue counts whatever it sent, also what nobody got to see: then it may send only what is handed out. */
  get #prefetchNow(): number {
    return this.#config.maxDeliveries === undefined ? this.#prefetch : 1;
  }

  async #prepare(client: RabbitmqClient): Promise<void> {
    const { queue, declare } = this.#config;
    if (declare === undefined) return void (await client.checkQueue(queue));
    const { type, durable, autoDelete, exclusive, arguments: given, bindings } = declare;
    const options = { durable, autoDelete, exclusive, arguments: { 'x-queue-type': type, ...given } };
    await client.declareQueue(queue, options);
    for (const { exchange, routingKey, arguments: args } of bindings) {
      await client.bind(queue, exchange, routingKey, args);
    }
  }

  async #consume(client: RabbitmqClient, arrivals: Arrivals<Delivery>): Promise<void> {
    await client.consume(this.#config.queue, this.#prefetchNow, {
      deliver: (message) => arrivals.push(message),
      end: (error) => {
        this.#slowDown(error);
        arrivals.fail(error);
      },
    });
  }

  /** Whoever cannot keep up is sent less: what waits in the queue has no time in which it has to be acknowledged. */
  #slowDown(error: unknown): void {
    if (!HeadwaterError.isInstance(error) || error.code !== 'RABBITMQ_SLOW') return;
    this.#prefetch = Math.max(1, Math.floor(this.#prefetch / 2));
    const { queue } = this.#config;
    this.#mode.logger.warn({ error, queue, prefetch: this.#prefetch }, 'the consumer is slower than the broker waits');
  }

  async #someBeforeTheEnd(client: RabbitmqClient, arrivals: Arrivals<Delivery>): Promise<boolean> {
    const { clock, context } = this.#mode;
    for (;;) {
      if (await arrivals.someWithin(this.#config.idleMs, clock, context.signal)) return true;
      // With as many unacknowledged as may be, nothing comes, and yet there is more.
      const { messageCount } = await client.checkQueue(this.#config.queue);
      if (messageCount === 0 && arrivals.size === 0) return false;
    }
  }

  #isDead(client: RabbitmqClient, message: Delivery): boolean {
    const { maxDeliveries = Number.POSITIVE_INFINITY } = this.#config;
    const deliveries = deliveriesOf(message.properties.headers);
    if (deliveries < maxDeliveries) return false;
    this.#reject(client, message, 'a message that was never acknowledged was rejected');
    return true;
  }

  /** To the dead-letter exchange of the queue. Where the channel is gone by now, the message comes again instead. */
  #reject(client: RabbitmqClient, message: Delivery, told: string): void {
    const { headers, messageId } = message.properties as { headers?: object; messageId?: unknown };
    client.reject(message, false);
    this.#mode.countDropped('dead-letter');
    const deliveries = deliveriesOf(headers as never);
    this.#mode.logger.warn({ queue: this.#config.queue, deliveries, messageId }, told);
  }

  async #batch(
    client: RabbitmqClient,
    acknowledging: Acknowledging,
    messages: readonly Delivery[],
  ): Promise<RabbitmqBatch> {
    const events = await toEvents(this.#mode, this.#config, messages);
    if (this.#config.acknowledge === 'automatic') {
      client.acknowledge(messages.at(-1) as Delivery, true);
      return { events };
    }
    let told = 0;
    const aside = new Set<Delivery>();
    return {
      events,
      settle: (acknowledged, { final, error }) => {
        const done = messages.slice(told, acknowledged).filter((message) => !aside.has(message));
        const last = done.at(-1);
        // Batches are settled in order: everything before it on this channel is settled too.
        if (last !== undefined) acknowledging.upTo(last, done.length);
        told = acknowledged;
        if (!final || told === messages.length) return;
        acknowledging.flush();
        const left = messages.slice(told).filter((message) => !aside.has(message));
        this.#giveBack(client, left, error);
      },
      setAside: (index) => {
        const message = messages[index] as Delivery;
        if (aside.has(message)) return;
        aside.add(message);
        this.#reject(client, message, 'a message that failed for good was rejected');
      },
    };
  }

  /**
   * What failed is rejected one by one, so that the queue counts it; what nobody got to see is given back.
   * @see https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
   */
  #giveBack(client: RabbitmqClient, messages: readonly Delivery[], error: unknown): void {
    const { signal } = this.#mode.context;
    const isFailure = error !== undefined && !this.#hasFailed && !(signal.aborted && signal.reason === error);
    if (!isFailure) {
      for (const message of messages) client.giveBack(message);
      return;
    }
    this.#hasFailed = true;
    for (const message of messages) client.reject(message, this.#config.onFailure === 'requeue');
  }
}
