import type { Capabilities } from '../../../core/capabilities.js';
import { parseConfig, parseCredentials } from '../../../core/config.js';
import { checkCredentials } from '../../../core/credentials.js';
import { type PushLimits, PushQueue } from '../../../core/push-queue.js';
import type { ReadContext } from '../../../core/read-options.js';
import { Secret } from '../../../core/secret.js';
import type { SourceOptions, ValidationResult } from '../../../core/source-definition.js';
import { validation } from '../../../toolkit/validation.js';
import { BrokerSource } from '../broker-source.js';
import { Receipts } from '../receipts.js';
import { capabilitiesByMode } from './capabilities.js';
import { RedisClient } from './client.js';
import {
  type RedisConfig,
  type RedisConfigInput,
  type RedisCredentials,
  redisConfig,
  redisCredentials,
} from './config.js';
import { type RedisCursor, redisCursor } from './cursor.js';
import type { RedisEvent } from './events.js';
import { GroupReader } from './group-reader.js';
import { inspect } from './inspect.js';
import { ListReader } from './list-reader.js';
import type { ModeContext, ModeReader, RedisBatch } from './mode.js';
import { SideConnection } from './side-connection.js';
import { StreamReader } from './stream-reader.js';
import { type Absence, Subscription } from './subscription.js';

/**
 * Messages of Redis: streams by a consumer group or by id, lists, channels, and what happens to keys. An entry is
 * acknowledged in Redis when the consumer acknowledges its event.
 *
 * @example
 * const source = await RedisSource.create({
 *   id: 'mailer-1',
 *   config: { mode: 'group', streams: ['orders'], group: 'mailer' },
 * });
 * for await (const event of source.generateEvents({ follow: true })) {
 *   if (event.type === 'redis.message') await send(event.data);
 * }
 */
export class RedisSource extends BrokerSource<RedisEvent, RedisCursor, RedisConfig> {
  static readonly definition = {
    type: 'redis',
    config: redisConfig,
    credentials: redisCredentials,
    cursor: { version: 1, schema: redisCursor },
    capabilities: {
      ...capabilitiesByMode.group,
      notes: [
        'Each source says by its own `capabilities` what holds for its mode: `group` is acknowledged in Redis, `stream` keeps a cursor, `channels` and `keyspace` lose what is published while nobody listens.',
      ],
    },
    events: {
      'redis.message': { description: 'An entry, an element, what was published, or what happened to a key.' },
      'redis.message.invalid': { description: 'A message whose payload cannot be decoded.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration or credentials; Redis is not asked. */
  static async create(options: SourceOptions<RedisConfigInput, RedisCredentials, RedisCursor>): Promise<RedisSource> {
    const config = await parseConfig(redisConfig, options);
    checkCredentials(options.id, options.credentials);
    const isNobody = options.credentials === undefined || options.credentials === 'anonymous';
    const credentials = isNobody ? undefined : await parseCredentials(redisCredentials, options);
    return new RedisSource({ ...options, config }, new Secret(credentials));
  }

  readonly type = 'redis';
  override readonly capabilities: Capabilities;
  readonly #credentials: Secret<RedisCredentials | undefined>;
  readonly #receipts = new Receipts();
  readonly #absence: Absence = { since: undefined };
  #queue: PushQueue<RedisEvent> | undefined;

  private constructor(
    options: SourceOptions<RedisConfig, RedisCredentials, RedisCursor>,
    credentials: Secret<RedisCredentials | undefined>,
  ) {
    super(options as SourceOptions<RedisConfig, unknown, RedisCursor>);
    this.#credentials = credentials;
    this.capabilities = capabilitiesByMode[this.config.mode];
  }

  override origin(): string {
    return `redis:${this.config.url}`;
  }

  /** Whether Redis lets in, and what is to be read is there and of the right type. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    const signal = options.signal ?? new AbortController().signal;
    return validation(signal, async () => {
      const client = await this.#open(signal);
      try {
        return await inspect(client, this.config);
      } finally {
        client.close();
      }
    });
  }

  override async close(): Promise<void> {
    this.#queue?.close();
    await super.close();
  }

  protected async *readBatches(context: ReadContext<RedisCursor>): AsyncGenerator<RedisBatch, void, undefined> {
    const { clock } = this;
    const { signal } = context;
    const policy = this.config.reconnect;
    const side = new SideConnection({ open: (ending) => this.#open(ending), policy, clock, signal });
    context.defer(() => side.close());
    const reader = this.#reader(this.#mode(context, side));
    yield* this.readAgain(context, () => reader.read());
  }

  #reader(mode: ModeContext): ModeReader {
    const { config } = this;
    switch (config.mode) {
      case 'group':
        return new GroupReader(mode, config);
      case 'stream':
        return new StreamReader(mode, config);
      case 'list':
        return new ListReader(mode, config, this.#receipts);
      default:
        return new Subscription({ mode, config, receipts: this.#receipts, absence: this.#absence });
    }
  }

  #mode(context: ReadContext<RedisCursor>, side: SideConnection): ModeContext {
    return {
      sourceId: this.id,
      context,
      clock: this.clock,
      logger: this.logger,
      side,
      open: this.#opener(context),
      make: (fields) => this.event(fields as never) as RedisEvent,
      gap: (reason, detail, range) => this.gap(reason, detail, range),
      onCaughtUp: () => this.setStatus({ state: 'caught-up' }),
      countDropped: (reason, count) => this.countDropped(reason, count),
      queue: (limits) => this.#pushed(limits),
    };
  }

  /** Opens the connection that is read from, in the place of the one before; closed as soon as the iteration ends. */
  #opener({ signal, defer }: ReadContext<RedisCursor>): () => Promise<RedisClient> {
    let client: RedisClient | undefined;
    // At once: a command that waits would hold it up.
    const close = (): void => client?.close();
    signal.addEventListener('abort', close, { once: true });
    defer(() => {
      signal.removeEventListener('abort', close);
      close();
    });
    return async () => {
      close();
      client = await this.#open(signal);
      if (signal.aborted) close();
      return client;
    };
  }

  #open(signal: AbortSignal): Promise<RedisClient> {
    const credentials = this.#credentials.reveal();
    const count = (counter: 'requests', by?: number): void => this.count(counter, by);
    return RedisClient.open({ sourceId: this.id, config: this.config, credentials, count }, signal);
  }

  #pushed(limits: PushLimits): PushQueue<RedisEvent> {
    const iso = (time: number): string => new Date(time).toISOString();
    this.#queue ??= new PushQueue<RedisEvent>(limits, {
      sourceId: this.id,
      onDrop: (count) => this.countDropped('overflow', count),
      now: () => this.clock.now(),
      gap: (count, since) => {
        const range = { from: iso(since), to: iso(this.clock.now()), count };
        return this.gap('overflow', `${count} messages came while the queue was full and were dropped`, range);
      },
    });
    return this.#queue;
  }
}
