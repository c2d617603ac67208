/** A partition of a topic. */
export interface KafkaPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A place in a partition. Offsets have 64 bits, and are text. */
export interface KafkaOffset extends KafkaPartition {
  readonly offset: string;
  /** What is kept with a committed offset. */
  readonly metadata?: string | undefined;
}

/** A message as Kafka has it. */
export interface KafkaMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  /** null: a tombstone. */
  readonly value: Buffer | null;
  /** Milliseconds since 1970, as text. */
  readonly timestamp: string;
  readonly headers?: Readonly<Record<string, KafkaHeader>> | undefined;
}

export type KafkaHeader = Buffer | string | (Buffer | string)[] | undefined;

/** Messages of one partition, in their order. */
export interface KafkaBatch extends KafkaPartition {
  readonly messages: readonly KafkaMessage[];
  /** The offset behind the last message that is there. */
  readonly highWatermark: string;
}

/** What a client tells. */
export interface KafkaListener {
  /**
   * These are ours now, and no others: whatever came before is not to be committed any more. Nothing is to be read before
   * it resolves: it may yet say from where, by `seek`.
   */
  assigned(partitions: readonly KafkaPartition[]): Promise<void>;
  /**
   * The next messages of a partition. Resolves when those after them may come; until then the client keeps the session
   * alive. `lost` is to fire when the partition, or the connection, is gone. false: they were not taken, and are not to be
   * counted as read.
   */
  batch(batch: KafkaBatch, lost: AbortSignal): Promise<boolean>;
  /** It cannot go on. */
  failed(error: unknown): void;
}

/**
 * What is asked of a client of Kafka: that of `kafkajs` comes with the package, another may be given as `config.client`.
 * Errors are to be those of this package (`AuthenticationError`, `ConnectionError`, …), or are taken for ones that pass.
 */
export interface KafkaClient {
  connect(): Promise<void>;
  topics(): Promise<readonly string[]>;
  /** The first offset that is there, and the one behind the last. */
  watermarks(topic: string): Promise<readonly { partition: number; low: string; high: string }[]>;
  /** What the group has committed; offset '-1' where it has not. */
  committed(topics: readonly string[]): Promise<readonly KafkaOffset[]>;
  /** Joins the group and begins to read; resolves when that has begun. */
  consume(topics: readonly string[], listener: KafkaListener): Promise<void>;
  /** Reads on from there. */
  seek(offset: KafkaOffset): void;
  /** Commits for the group; rejects or does nothing where the partition is not ours. */
  commit(offsets: readonly KafkaOffset[]): Promise<void>;
  /** Resolves when all replicas have it. */
  send(topic: string, message: Omit<KafkaMessage, 'offset' | 'timestamp'>): Promise<void>;
  /** Leaves the group. */
  close(): Promise<void>;
}

/** What a client is made from. */
export interface KafkaClientOptions {
  readonly sourceId: string;
  readonly group: string;
  /** Where a partition begins that the group has committed nothing of. */
  readonly start: 'earliest' | 'latest';
  readonly isolation: 'read-committed' | 'read-uncommitted';
  readonly heartbeatMs: number;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Partitions whose messages are held at the same time. */
  readonly concurrency: number;
  readonly maxBytesPerPartition: number;
  readonly maxWaitMs: number;
}

/** Makes a client; called for each session. */
export type KafkaClientFactory = (options: KafkaClientOptions) => KafkaClient | Promise<KafkaClient>;
