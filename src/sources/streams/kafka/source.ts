import type { Capabilities } from '../../../core/capabilities.js';
import { parseConfig, parseCredentials } from '../../../core/config.js';
import { checkCredentials } from '../../../core/credentials.js';
import { ConfigError } from '../../../core/errors.js';
import type { ReadContext } from '../../../core/read-options.js';
import { Secret } from '../../../core/secret.js';
import type { Problem, SourceOptions, ValidationResult } from '../../../core/source-definition.js';
import { orAborted } from '../../../toolkit/or-aborted.js';
import { validation } from '../../../toolkit/validation.js';
import { BrokerSource } from '../broker-source.js';
import { KafkajsClient } from './client.js';
import {
  type KafkaConfig,
  type KafkaConfigInput,
  type KafkaCredentials,
  kafkaConfig,
  kafkaCredentials,
} from './config.js';
import { type KafkaCursor, kafkaCursor } from './cursor.js';
import type { KafkaEvent } from './events.js';
import type { KafkaClient, KafkaClientOptions } from './kafka-client.js';
import type { KafkaSourceBatch, ReaderContext } from './mode.js';
import { KafkaReader } from './reader.js';

/** How long it is waited for the last commit, and for a client to leave its group. */
const LEAVING_MS = 4_500;

const groupCapabilities: Capabilities = {
  kind: 'pull',
  delivery: 'at-least-once',
  position: 'upstream',
  ids: 'stable',
  deletes: true,
};

/**
 * Messages of Kafka, read in a consumer group. The offset of a partition is committed when everything before it is
 * acknowledged; or offsets are our own cursor, to be saved in the transaction of the sink.
 *
 * @example
 * const source = await KafkaSource.create({
 *   id: 'orders',
 *   config: { brokers: ['kafka:9092'], topics: ['orders'], group: 'billing' },
 * });
 * for await (const event of source.generateEvents({ follow: true })) {
 *   if (event.type === 'kafka.message') await handle(event.data.value);
 * }
 */
export class KafkaSource extends BrokerSource<KafkaEvent, KafkaCursor, KafkaConfig> {
  static readonly definition = {
    type: 'kafka',
    config: kafkaConfig,
    credentials: kafkaCredentials,
    cursor: { version: 1, schema: kafkaCursor },
    capabilities: {
      ...groupCapabilities,
      notes: [
        "With `commit: 'external'` the position is our cursor, and one source reads all partitions of its group; with 'automatic' delivery is at most once.",
        'Deletions are tombstones: messages without a value.',
      ],
    },
    events: {
      'kafka.message': { description: 'A message; a tombstone has the value null.' },
      'kafka.message.invalid': { description: 'A message whose value cannot be decoded.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration or credentials; Kafka is not asked. */
  static async create(options: SourceOptions<KafkaConfigInput, KafkaCredentials, KafkaCursor>): Promise<KafkaSource> {
    const config = await parseConfig(kafkaConfig, options);
    checkCredentials(options.id, options.credentials);
    const isNobody = options.credentials === undefined || options.credentials === 'anonymous';
    const credentials = isNobody ? undefined : await parseCredentials(kafkaCredentials, options);
    if (credentials !== undefined && config.client !== undefined) throw ambiguous(options.id);
    return new KafkaSource({ ...options, config }, new Secret(credentials));
  }

  readonly type = 'kafka';
  override readonly capabilities: Capabilities;
  readonly #credentials: Secret<KafkaCredentials | undefined>;
  readonly #lag = new Map<string, bigint>();

  private constructor(
    options: SourceOptions<KafkaConfig, KafkaCredentials, KafkaCursor>,
    credentials: Secret<KafkaCredentials | undefined>,
  ) {
    super(options as SourceOptions<KafkaConfig, unknown, KafkaCursor>);
    this.#credentials = credentials;
    const { commit, deadLetterTopic } = this.config;
    this.capabilities = {
      ...groupCapabilities,
      setsAside: deadLetterTopic !== undefined,
      position: commit === 'external' ? 'cursor' : 'upstream',
      delivery: commit === 'automatic' ? 'at-most-once' : 'at-least-once',
    };
  }

  /** Brokers and group. */
  override origin(): string {
    return `kafka:${this.config.brokers.join()}:${this.config.group}`;
  }

  /** How many messages were behind the last that was handed out, by `topic:partition`, when it was read. */
  lag(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#lag].map(([partition, lag]) => [partition, String(lag)]));
  }

  /** Whether Kafka lets in, and the topics are there. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    const signal = options.signal ?? new AbortController().signal;
    return validation(signal, async () => {
      const client = await this.#client();
      try {
        await orAborted(client.connect(), signal);
        return missingTopics(this.config, await orAborted(client.topics(), signal));
      } finally {
        void client.close();
      }
    });
  }

  protected async *readBatches(context: ReadContext<KafkaCursor>): AsyncGenerator<KafkaSourceBatch, void, undefined> {
    const reader = new KafkaReader(this.#context(context));
    yield* this.readAgain(context, () => reader.read());
  }

  #context(context: ReadContext<KafkaCursor>): ReaderContext {
    let client: KafkaClient | undefined;
    let finishWork = async (): Promise<void> => {};
    const leave = async (): Promise<void> => {
      try {
        await this.#patiently(finishWork());
      } finally {
        await this.#patiently(client?.close());
      }
    };
    context.defer(leave);
    return {
      sourceId: this.id,
      config: this.config,
      context,
      clock: this.clock,
      logger: this.logger,
      open: async () => {
        await leave();
        const next = await this.#client();
        client = next;
        await orAborted(next.connect(), context.signal);
        return next;
      },
      beforeLeaving: (work) => {
        finishWork = work;
      },
      make: (fields) => this.event(fields as never) as KafkaEvent,
      gap: (reason, detail, range) => this.gap(reason, detail, range),
      onCaughtUp: () => this.setStatus({ state: 'caught-up' }),
      onLag: (partition, lag) => void this.#lag.set(partition, lag),
      countDropped: (reason, count) => this.countDropped(reason, count),
    };
  }

  /** Whoever is still in the group holds partitions; but kafkajs may never come to an end with brokers that are gone. */
  async #patiently(work: Promise<void> | undefined): Promise<void> {
    const patience = new AbortController();
    const longEnough = this.clock.sleep(LEAVING_MS, patience.signal).catch(() => {});
    try {
      await Promise.race([work, longEnough]);
    } finally {
      patience.abort();
    }
  }

  async #client(): Promise<KafkaClient> {
    const { config } = this;
    const { group, start, isolation, heartbeatMs, sessionTimeoutMs, rebalanceTimeoutMs, concurrency } = config;
    const { maxBytesPerPartition, maxWaitMs } = config;
    const timing = { heartbeatMs, sessionTimeoutMs, rebalanceTimeoutMs, maxWaitMs };
    const reading = { group, start, isolation, concurrency, maxBytesPerPartition };
    const options: KafkaClientOptions = { sourceId: this.id, ...timing, ...reading };
    return config.client?.(options) ?? KafkajsClient.create(options, config, this.#credentials.reveal());
  }
}

function missingTopics({ topics, pattern }: KafkaConfig, there: readonly string[]): readonly Problem[] {
  const problem = (message: string): Problem => {
    const fix = 'create it, or see whether the user may see it';
    return { severity: 'error', code: 'KAFKA_NO_TOPIC', message, fix };
  };
  if (pattern !== undefined) {
    return there.some((topic) => new RegExp(pattern).test(topic)) ? [] : [problem(`no topic matches ${pattern}`)];
  }
  return topics.filter((topic) => !there.includes(topic)).map((topic) => problem(`there is no topic ${topic}`));
}

function ambiguous(sourceId: string): ConfigError {
  const message = 'credentials and config.client are both given';
  const fix = 'the client that is given signs in by itself';
  return new ConfigError([{ severity: 'error', code: 'KAFKA_CLIENT', message, fix }], { sourceId });
}
