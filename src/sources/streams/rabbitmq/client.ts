import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { RetryableError } from '../../../core/errors.js';
import { peerFailure } from '../../../toolkit/import-peer.js';
import { orAborted } from '../../../toolkit/or-aborted.js';
import type { RabbitmqConfig, RabbitmqCredentials } from './config.js';
import { toReadFailure } from './failure.js';

/** A message on one channel. */
export type Delivery = ConsumeMessage;

export interface ClientOptions {
  readonly sourceId: string;
  readonly config: RabbitmqConfig;
  readonly credentials: RabbitmqCredentials | undefined;
}

/** What hears of messages, and of their end. */
export interface DeliveryListener {
  deliver(message: Delivery): void;
  /** The broker cancelled, the channel or the connection was closed. */
  end(error: unknown): void;
}

type QueueState = Awaited<ReturnType<Channel['checkQueue']>>;

/** One connection with one channel: when either is gone, both are, and what was delivered on it cannot be settled any more. */
export class RabbitmqClient {
  readonly #options: ClientOptions;
  readonly #connection: ChannelModel;
  readonly #channel: Channel;
  #end: { readonly error: unknown } | undefined;
  #listener: DeliveryListener | undefined;
  #lastWord: (() => void) | undefined;

  private constructor(options: ClientOptions, connection: ChannelModel, channel: Channel) {
    this.#options = options;
    this.#connection = connection;
    this.#channel = channel;
    const end = (error: unknown): void => this.#ended(error ?? new Error('the channel was closed'));
    connection.on('error', end);
    connection.on('close', end);
    channel.on('error', end);
    channel.on('close', () => end(undefined));
  }

  /** @throws MissingPeerError for `amqplib`; AuthenticationError, NotFoundError, ConnectionError as RabbitMQ answers */
  static async open(options: ClientOptions, signal: AbortSignal): Promise<RabbitmqClient> {
    const { connect } = await importAmqplib();
    const { url, connectTimeoutMs: timeout } = options.config;
    // The client has no other way to give up a connection that is being made.
    const givenUp = new AbortController();
    const opened = connect(withCredentials(url, options.credentials), { timeout, signal: givenUp.signal } as object);
    try {
      const connection = await orAborted(opened, signal);
      // Told by the channel too, but without a listener it would end the process.
      connection.on('error', () => {});
      const channel = await orAborted(connection.createChannel(), signal);
      return new RabbitmqClient(options, connection, channel);
    } catch (error) {
      givenUp.abort();
      opened.catch(() => {});
      signal.throwIfAborted();
      throw toReadFailure(error, options.sourceId);
    }
  }

  /** Whether what was delivered can still be settled. */
  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** What is known of a queue. @throws NotFoundError where it is not there; the client is of no use then */
  checkQueue(queue: string): Promise<QueueState> {
    return this.#failing(() => this.#channel.checkQueue(queue));
  }

  declareQueue(queue: string, options: Parameters<Channel['assertQueue']>[1]): Promise<QueueState> {
    return this.#failing(() => this.#channel.assertQueue(queue, options));
  }

  async bind(queue: string, exchange: string, routingKey: string, args: object): Promise<void> {
    await this.#failing(() => this.#channel.bindQueue(queue, exchange, routingKey, args));
  }

  async consume(queue: string, prefetch: number, listener: DeliveryListener, args: object = {}): Promise<void> {
    this.#listener = listener;
    const cancelled = new RetryableError(`RabbitMQ cancelled the consumer: queue ${queue} was deleted or moved`, {
      code: 'RABBITMQ_CANCELLED',
      sourceId: this.#options.sourceId,
    });
    await this.#failing(async () => {
      await this.#channel.prefetch(prefetch);
      return this.#channel.consume(
        queue,
        (message) => (message === null ? this.#ended(cancelled) : listener.deliver(message)),
        { noAck: false, arguments: args },
      );
    });
  }

  /** The offset of the oldest message of a stream; asked for on a channel of its own. */
  async firstOffset(queue: string, signal: AbortSignal): Promise<number> {
    return this.#failing(async () => {
      const channel = await this.#connection.createChannel();
      channel.on('error', () => {});
      await channel.prefetch(1);
      const first = new Promise<number>((resolve, reject) => {
        channel.on('close', () => reject(new Error('the channel was closed')));
        const listen = (message: Delivery | null): void => resolve(offsetOf(message));
        channel.consume(queue, listen, { arguments: { 'x-stream-offset': 'first' } }).catch(reject);
      });
      try {
        return await orAborted(first, signal);
      } finally {
        await channel.close().catch(() => {});
      }
    });
  }

  /** It and, with `upTo`, all that were delivered before it. Nothing where the channel is gone. */
  acknowledge(message: Delivery, upTo: boolean): void {
    if (this.isOpen) this.#channel.ack(message, upTo);
  }

  reject(message: Delivery, requeue: boolean): void {
    if (this.isOpen) this.#channel.reject(message, requeue);
  }

  giveBack(message: Delivery): void {
    if (this.isOpen) this.#channel.nack(message, false, true);
  }

  /** What is still to be said before it closes. */
  beforeClosing(say: () => void): void {
    this.#lastWord = say;
  }

  /** Waits for what was said to be sent. */
  async close(): Promise<void> {
    if (this.isOpen) this.#lastWord?.();
    const wasOpen = this.isOpen;
    this.#end ??= { error: new Error('the connection was closed') };
    if (wasOpen) await this.#channel.close().catch(() => {});
    await this.#connection.close().catch(() => {});
  }

  #ended(error: unknown): void {
    this.#end ??= { error: toReadFailure(error, this.#options.sourceId) };
    this.#listener?.end(this.#end.error);
  }

  async #failing<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw toReadFailure(error, this.#options.sourceId);
    }
  }
}

/** The place of a message in its stream. */
export function offsetOf(message: Delivery | null): number {
  return Number(message?.properties.headers?.['x-stream-offset']);
}

function withCredentials(url: string, credentials: RabbitmqCredentials | undefined): string {
  if (credentials === undefined) return url;
  const whole = new URL(url);
  whole.username = encodeURIComponent(credentials.user);
  whole.password = encodeURIComponent(credentials.password);
  return whole.href;
}

async function importAmqplib(): Promise<typeof import('amqplib')> {
  try {
    return await import('amqplib');
  } catch (error) {
    throw peerFailure('amqplib', error);
  }
}
