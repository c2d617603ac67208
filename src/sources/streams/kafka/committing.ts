import { telling } from '../reconnecting.js';
import { toMetadata } from './deliveries.js';
import type { KafkaOffset, KafkaPartition } from './kafka-client.js';
import type { ReaderContext } from './mode.js';
import type { Position } from './positions.js';
import type { Epoch } from './session.js';

/** Where a position is, and for as long as it is ours. */
interface Place {
  readonly at: KafkaPartition;
  readonly epoch: Epoch;
}

/**
 * Commits how far partitions were acknowledged. One request at a time: what moves meanwhile, of whatever partition, is in
 * the next.
 */
export class Committing {
  readonly #reader: ReaderContext;
  readonly #moved = new Map<Position, Place>();
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;
  #onFailure: (error: unknown) => void = () => {};

  constructor(reader: ReaderContext) {
    this.#reader = reader;
  }

  /** From here on `onFailure` hears of what could not be committed. */
  begin(onFailure: (error: unknown) => void): void {
    this.#onFailure = onFailure;
  }

  /** What could not be committed is known by now. */
  forget(): void {
    this.#failure = undefined;
  }

  /** Commits soon. */
  moved(at: KafkaPartition, position: Position, epoch: Epoch): void {
    this.commit(at, position, epoch).catch((error: unknown) => {
      this.#failure = { error };
      this.#onFailure(error);
    });
  }

  /** Resolves when it is committed, or the partition is somebody else's. */
  commit(at: KafkaPartition, position: Position, epoch: Epoch): Promise<void> {
    this.#moved.set(position, { at, epoch });
    if (this.#next !== undefined) return this.#next;
    const next = this.#running.then(() => {
      this.#next = undefined;
      return this.#tell();
    });
    this.#running = next.catch(() => {});
    this.#next = next;
    return next;
  }

  /** @throws what could not be committed, if nobody knows of it */
  async flushed(): Promise<void> {
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #tell(): Promise<void> {
    const { config, clock, context, logger } = this.#reader;
    const moved = [...this.#moved];
    this.#moved.clear();
    const tell = async (): Promise<void> => {
      const own = moved.filter(([, { epoch }]) => !epoch.isLost);
      const client = own[0]?.[1].epoch.client;
      await client?.commit(own.map(([position, { at }]) => this.#offset(at, position)));
    };
    const onRetry = (error: Error): void => logger.warn({ error }, 'a commit failed, and is tried again');
    await telling(tell, { policy: config.reconnect, clock, signal: context.signal, onRetry });
  }

  #offset({ topic, partition }: KafkaPartition, { frontier, attempts }: Position): KafkaOffset {
    const isCounted = this.#reader.config.maxDeliveries !== undefined;
    return { topic, partition, offset: `${frontier}`, metadata: isCounted ? toMetadata(attempts) : undefined };
  }
}
