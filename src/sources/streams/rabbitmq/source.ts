import type { Capabilities } from '../../../core/capabilities.js';
import { parseConfig, parseCredentials } from '../../../core/config.js';
import { checkCredentials } from '../../../core/credentials.js';
import { NotFoundError } from '../../../core/errors.js';
import type { ReadContext } from '../../../core/read-options.js';
import { Secret } from '../../../core/secret.js';
import type { SourceOptions, ValidationResult } from '../../../core/source-definition.js';
import { validation } from '../../../toolkit/validation.js';
import { BrokerSource } from '../broker-source.js';
import { Receipts } from '../receipts.js';
import { RabbitmqClient } from './client.js';
import {
  type RabbitmqConfig,
  type RabbitmqConfigInput,
  type RabbitmqCredentials,
  rabbitmqConfig,
  rabbitmqCredentials,
} from './config.js';
import { type RabbitmqCursor, rabbitmqCursor } from './cursor.js';
import type { RabbitmqEvent } from './events.js';
import type { ModeContext, ModeReader, RabbitmqBatch } from './mode.js';
import { QueueReader } from './queue-reader.js';
import { StreamQueueReader } from './stream-reader.js';

const queueCapabilities: Capabilities = {
  kind: 'pull',
  delivery: 'at-least-once',
  position: 'upstream',
  ids: 'per-receipt',
  deletes: false,
};

/**
 * Messages of RabbitMQ: queues, acknowledged when the consumer acknowledges the event, and stream queues read by offset.
 *
 * @example
 * const source = await RabbitmqSource.create({
 *   id: 'orders',
 *   config: { mode: 'queue', url: 'amqp://rabbitmq', queue: 'orders' },
 *   credentials: { user: 'reader', password: process.env.RABBITMQ_PASSWORD },
 * });
 * for await (const event of source.generateEvents({ follow: true })) {
 *   if (event.type === 'rabbitmq.message') await handle(event.data.value);
 * }
 */
export class RabbitmqSource extends BrokerSource<RabbitmqEvent, RabbitmqCursor, RabbitmqConfig> {
  static readonly definition = {
    type: 'rabbitmq',
    config: rabbitmqConfig,
    credentials: rabbitmqCredentials,
    cursor: { version: 1, schema: rabbitmqCursor },
    capabilities: {
      ...queueCapabilities,
      notes: [
        'Each source says by its own `capabilities` what holds for its mode: `queue` is acknowledged in RabbitMQ, `stream` keeps a cursor and has stable ids.',
        'A message of a queue has a stable id where its sender gave it a `messageId`.',
      ],
    },
    events: {
      'rabbitmq.message': { description: 'A message.' },
      'rabbitmq.message.invalid': { description: 'A message whose body cannot be decoded.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration or credentials; RabbitMQ is not asked. */
  static async create(
    options: SourceOptions<RabbitmqConfigInput, RabbitmqCredentials, RabbitmqCursor>,
  ): Promise<RabbitmqSource> {
    const config = await parseConfig(rabbitmqConfig, options);
    checkCredentials(options.id, options.credentials);
    // Without, the client signs in as `guest`, which RabbitMQ allows from the same machine.
    const isGuest = options.credentials === undefined || options.credentials === 'anonymous';
    const credentials = isGuest ? undefined : await parseCredentials(rabbitmqCredentials, options);
    return new RabbitmqSource({ ...options, config }, new Secret(credentials));
  }

  readonly type = 'rabbitmq';
  override readonly capabilities: Capabilities;
  readonly #credentials: Secret<RabbitmqCredentials | undefined>;
  readonly #receipts = new Receipts();

  private constructor(
    options: SourceOptions<RabbitmqConfig, RabbitmqCredentials, RabbitmqCursor>,
    credentials: Secret<RabbitmqCredentials | undefined>,
  ) {
    super(options as SourceOptions<RabbitmqConfig, unknown, RabbitmqCursor>);
    this.#credentials = credentials;
    this.capabilities = capabilitiesOf(this.config);
  }

  override origin(): string {
    return `rabbitmq:${this.config.url}:${this.config.queue}`;
  }

  /** Whether RabbitMQ lets in, and the queue is there where it is not to be made. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    const signal = options.signal ?? new AbortController().signal;
    return validation(signal, async () => {
      const client = await this.#open(signal);
      try {
        await client.checkQueue(this.config.queue);
      } catch (error) {
        const isMade = this.config.mode === 'queue' && this.config.declare !== undefined;
        if (!isMade || !NotFoundError.isInstance(error)) throw error;
      } finally {
        await client.close();
      }
      return [];
    });
  }

  protected async *readBatches(context: ReadContext<RabbitmqCursor>): AsyncGenerator<RabbitmqBatch, void, undefined> {
    const { config } = this;
    const mode = this.#mode(context);
    const reader: ModeReader =
      config.mode === 'queue' ? new QueueReader(mode, config) : new StreamQueueReader(mode, config);
    yield* this.readAgain(context, () => reader.read());
  }

  #mode(context: ReadContext<RabbitmqCursor>): ModeContext {
    let client: RabbitmqClient | undefined;
    const leave = async (): Promise<void> => client?.close();
    context.defer(leave);
    return {
      sourceId: this.id,
      context,
      clock: this.clock,
      logger: this.logger,
      receipts: this.#receipts,
      open: async () => {
        await leave();
        const next = await this.#open(context.signal);
        client = next;
        return next;
      },
      make: (fields) => this.event(fields as never) as RabbitmqEvent,
      gap: (reason, detail, range) => this.gap(reason, detail, range),
      onCaughtUp: () => this.setStatus({ state: 'caught-up' }),
      countDropped: (reason, count) => this.countDropped(reason, count),
    };
  }

  #open(signal: AbortSignal): Promise<RabbitmqClient> {
    const credentials = this.#credentials.reveal();
    this.count('requests');
    return RabbitmqClient.open({ sourceId: this.id, config: this.config, credentials }, signal);
  }
}

function capabilitiesOf({ mode, ...config }: RabbitmqConfig): Capabilities {
  if (mode === 'stream') return { ...queueCapabilities, position: 'cursor', ids: 'stable', window: config.prefetch };
  const isAutomatic = 'acknowledge' in config && config.acknowledge === 'automatic';
  return {
    ...queueCapabilities,
    window: config.prefetch,
    setsAside: !isAutomatic,
    delivery: isAutomatic ? 'at-most-once' : 'at-least-once',
  };
}
