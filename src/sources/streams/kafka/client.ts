import type { Admin, Consumer, EachBatchPayload, Kafka, Producer, SASLOptions } from 'kafkajs';
import { peerFailure } from '../../../toolkit/import-peer.js';
import type { KafkaConfig, KafkaCredentials } from './config.js';
import { isMovedOn, toReadFailure } from './failure.js';
import type { KafkaClient, KafkaClientOptions, KafkaListener, KafkaMessage, KafkaOffset } from './kafka-client.js';
import { Liveness } from './liveness.js';
import { tlsOptions } from './tls.js';

/** Within one request, before it counts as failed. */
const RETRY = { retries: 3, initialRetryTime: 100, maxRetryTime: 2_000 };

/** The client of `kafkajs`. */
export class KafkajsClient implements KafkaClient {
  readonly #options: KafkaClientOptions;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #consumer: Consumer;
  readonly #closing = new AbortController();
  readonly #liveness: Liveness;
  #producer: Producer | undefined;
  #closed: Promise<void> | undefined;
  #connecting: Promise<void> = Promise.resolve();
  #joining: Promise<void> = Promise.resolve();

  private constructor(options: KafkaClientOptions, kafka: Kafka) {
    this.#options = options;
    // Who joins waits for dead members as long as a session, and for the others as long as a rebalance; perhaps twice.
    this.#liveness = new Liveness(2 * (options.sessionTimeoutMs + options.rebalanceTimeoutMs), options.sourceId);
    this.#kafka = kafka;
    this.#admin = kafka.admin();
    this.#consumer = kafka.consumer({
      groupId: options.group,
      heartbeatInterval: options.heartbeatMs,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.rebalanceTimeoutMs,
      maxBytesPerPartition: options.maxBytesPerPartition,
      maxWaitTimeInMs: options.maxWaitMs,
      readUncommitted: options.isolation === 'read-uncommitted',
      allowAutoTopicCreation: false,
      retry: { ...RETRY, restartOnFailure: async () => false },
    });
  }

  /** Connects nowhere yet. @throws MissingPeerError for `kafkajs`; ConfigError (KAFKA_TLS_FILE) */
  static async create(
    options: KafkaClientOptions,
    { brokers, tls }: KafkaConfig,
    credentials: KafkaCredentials | undefined,
  ): Promise<KafkajsClient> {
    const { Kafka: Client, logLevel } = await importKafkajs();
    const sasl = credentials === undefined ? undefined : saslOf(credentials);
    const kafka = new Client({
      clientId: options.sourceId,
      brokers: [...brokers],
      ssl: await tlsOptions(tls, options.sourceId),
      logLevel: logLevel.NOTHING,
      retry: RETRY,
      connectionTimeout: 5_000,
      ...(sasl && { sasl }),
    });
    return new KafkajsClient(options, kafka);
  }

  async connect(): Promise<void> {
    await this.#failing(() => this.#connect(this.#admin));
  }

  topics(): Promise<readonly string[]> {
    return this.#failing(() => this.#admin.listTopics());
  }

  async watermarks(topic: string): Promise<readonly { partition: number; low: string; high: string }[]> {
    return this.#failing(() => this.#admin.fetchTopicOffsets(topic));
  }

  async committed(topics: readonly string[]): Promise<readonly KafkaOffset[]> {
    const found = await this.#failing(() =>
      this.#admin.fetchOffsets({ groupId: this.#options.group, topics: [...topics] }),
    );
    return found.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset, metadata }) => ({
        topic,
        partition,
        offset,
        metadata: metadata ?? undefined,
      })),
    );
  }

  async consume(topics: readonly string[], listener: KafkaListener): Promise<void> {
    const { GROUP_JOIN, CRASH, HEARTBEAT, FETCH } = this.#consumer.events;
    for (const event of [GROUP_JOIN, HEARTBEAT, FETCH]) this.#consumer.on(event, this.#liveness.heard);
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#joined(payload.memberAssignment, listener).catch((error: unknown) =>
        listener.failed(toReadFailure(error, this.#options.sourceId)),
      );
    });
    this.#consumer.on(CRASH, ({ payload }) => listener.failed(toReadFailure(payload.error, this.#options.sourceId)));
    await this.#failing(async () => {
      await this.#connect(this.#consumer);
      await this.#consumer.subscribe({ topics: [...topics], fromBeginning: this.#options.start === 'earliest' });
      this.#closing.signal.throwIfAborted();
      this.#joining = this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: this.#options.concurrency,
        eachBatch: (payload) => this.#batch(payload, listener),
      });
      await this.#joining;
    });
    if (!this.#closing.signal.aborted) this.#liveness.watch((error) => listener.failed(error));
  }

  seek({ topic, partition, offset }: KafkaOffset): void {
    this.#consumer.seek({ topic, partition, offset });
  }

  async commit(offsets: readonly KafkaOffset[]): Promise<void> {
    try {
      const known = offsets.map(({ metadata, ...at }) => (metadata === undefined ? at : { ...at, metadata }));
      await this.#liveness.within(this.#consumer.commitOffsets(known));
    } catch (error) {
      if (!isMovedOn(error)) throw toReadFailure(error, this.#options.sourceId);
    }
  }

  async send(topic: string, { key, value, headers }: Omit<KafkaMessage, 'offset' | 'timestamp'>): Promise<void> {
    await this.#failing(async () => {
      if (this.#producer === undefined) {
        this.#producer = this.#kafka.producer({ retry: RETRY });
        await this.#connect(this.#producer);
      }
      const message = { key, value, ...(headers !== undefined && { headers: { ...headers } }) };
      await this.#producer.send({ topic, acks: -1, messages: [message] });
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#leave();
    return this.#closed;
  }

  #connect(part: Admin | Consumer | Producer): Promise<void> {
    this.#closing.signal.throwIfAborted();
    this.#connecting = part.connect();
    return this.#connecting;
  }

  /**
   * What is still being connected is waited for: kafkajs would leave its socket open. And what is still being joined: a
   * consumer that is disconnected meanwhile goes on joining, and then reads, and holds its partitions, for ever.
   */
  async #leave(): Promise<void> {
    this.#closing.abort(new Error('the client was closed'));
    this.#liveness.stop();
    await this.#connecting.catch(() => {});
    const others = [this.#admin, this.#producer].map((part) => part?.disconnect().catch(() => {}));
    await this.#joining.catch(() => {});
    await Promise.all([...others, this.#consumer.disconnect().catch(() => {})]);
  }

  /**
   * Held until it is known where to begin: kafkajs would commit that nothing was read, where what is committed is no
   * longer there.
   */
  async #joined(assignment: Readonly<Record<string, number[]>>, listener: KafkaListener): Promise<void> {
    // It was left while it was being joined: there is nothing to hold any more.
    if (this.#closing.signal.aborted) return;
    const own = Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions }));
    this.#consumer.pause(own);
    await listener.assigned(
      own.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
    );
    if (!this.#closing.signal.aborted) this.#consumer.resume(own);
  }

  /** As long as it takes: the session is kept alive meanwhile. */
  async #batch({ batch, heartbeat, resolveOffset }: EachBatchPayload, listener: KafkaListener): Promise<void> {
    const closing = this.#closing.signal;
    if (closing.aborted) return;
    const lost = new AbortController();
    const lose = (reason: unknown): void => lost.abort(reason);
    const close = (): void => lose(closing.reason);
    closing.addEventListener('abort', close, { once: true });
    const beat = setInterval(() => void heartbeat().catch(lose), this.#options.heartbeatMs);
    const { topic, partition, messages, highWatermark } = batch;
    const known = { topic, partition, messages: messages as KafkaMessage[], highWatermark };
    let isTaken = false;
    try {
      isTaken = await listener.batch(known, lost.signal);
    } finally {
      clearInterval(beat);
      closing.removeEventListener('abort', close);
    }
    if (closing.aborted) return;
    // What tells kafkajs to join again.
    if (lost.signal.aborted) throw lost.signal.reason;
    if (isTaken) resolveOffset(batch.lastOffset());
  }

  async #failing<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#liveness.within(work());
    } catch (error) {
      throw toReadFailure(error, this.#options.sourceId);
    }
  }
}

function saslOf({ mechanism = 'scram-sha-512', user: username, password }: KafkaCredentials): SASLOptions {
  return { mechanism, username, password };
}

async function importKafkajs(): Promise<typeof import('kafkajs')> {
  try {
    return await import('kafkajs');
  } catch (error) {
    throw peerFailure('kafkajs', error);
  }
}
