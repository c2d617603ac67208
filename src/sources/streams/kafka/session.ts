import { Arrivals } from '../arrivals.js';
import { type KafkaCursor, partitionKey } from './cursor.js';
import type { KafkaBatch, KafkaClient, KafkaListener, KafkaPartition } from './kafka-client.js';
import type { ReaderContext } from './mode.js';
import { type Loss, lookUp, type Position } from './positions.js';

/** As long as partitions are ours; what was read under another is settled no more. */
export interface Epoch {
  readonly client: KafkaClient;
  isLost: boolean;
  positions: Map<string, Position>;
}

/** What came, in the order in which it is to be handed out. */
export type Arrived =
  | { readonly batch: KafkaBatch; readonly epoch: Epoch; take(): boolean; readonly loss?: undefined }
  | { readonly loss: Loss; readonly epoch: Epoch; readonly batch?: undefined };

/** One membership in the group, from joining to leaving, over all rebalances. */
export class Session implements KafkaListener {
  readonly arrivals = new Arrivals<Arrived>();
  readonly client: KafkaClient;
  readonly #reader: ReaderContext;
  /** With offsets of our own: where each partition was handed out to. */
  readonly #cursor: () => KafkaCursor | undefined;
  #epoch: Epoch;
  #lookedUp: Promise<void> | undefined;
  /** Whether it is known where the partitions begin. */
  #isKnown = false;

  constructor(reader: ReaderContext, client: KafkaClient, cursor: () => KafkaCursor | undefined) {
    this.#reader = reader;
    this.client = client;
    this.#cursor = cursor;
    this.#epoch = { client, isLost: false, positions: new Map() };
  }

  /** Whether nothing waits to be handed out, of partitions that are ours. */
  get isIdle(): boolean {
    return this.#isKnown && this.arrivals.size === 0;
  }

  /** Whether everything was handed out that was there when the partitions became ours. */
  get isAtEnd(): boolean {
    if (!this.#isKnown || this.#epoch.isLost || this.arrivals.size > 0) return false;
    return [...this.#epoch.positions.values()].every(({ next, end }) => next >= end);
  }

  /** Resolves when it is known where the partitions begin. */
  async joined(): Promise<boolean> {
    await this.#lookedUp;
    return this.#lookedUp !== undefined;
  }

  async assigned(partitions: readonly KafkaPartition[]): Promise<void> {
    this.end();
    const epoch: Epoch = { client: this.client, isLost: false, positions: new Map() };
    this.#epoch = epoch;
    this.#isKnown = false;
    this.#lookedUp = this.#lookUp(partitions, epoch).catch((error: unknown) => this.failed(error));
    await this.#lookedUp;
  }

  async batch(batch: KafkaBatch, lost: AbortSignal): Promise<boolean> {
    const epoch = this.#epoch;
    await this.#lookedUp;
    const isGone = (): boolean => lost.aborted || epoch.isLost;
    if (lost.aborted) return false;
    return new Promise<boolean>((resolve) => {
      lost.addEventListener('abort', () => resolve(false), { once: true });
      // Held until the client is closed: given back it would be asked for again at once, and again.
      if (epoch.isLost) return;
      const take = (): boolean => {
        resolve(!isGone());
        return !isGone();
      };
      this.arrivals.push({ batch, epoch, take });
    });
  }

  failed(error: unknown): void {
    this.end();
    this.arrivals.fail(error);
  }

  /** Nothing of what was read is ours any more. */
  end(): void {
    this.#epoch.isLost = true;
  }

  async #lookUp(partitions: readonly KafkaPartition[], epoch: Epoch): Promise<void> {
    const { outOfRange, start } = this.#reader.config;
    const cursor = this.#cursor();
    const { positions, losses } = await lookUp(partitions, { client: this.client, cursor, outOfRange, start });
    if (epoch.isLost) return;
    epoch.positions = positions;
    this.#isKnown = true;
    for (const loss of losses) this.arrivals.push({ loss, epoch });
    if (this.isIdle) this.#reader.onCaughtUp();
    for (const at of partitions) {
      const position = positions.get(partitionKey(at));
      const isElsewhere = cursor !== undefined || losses.some((loss) => partitionKey(loss) === partitionKey(at));
      if (position !== undefined && isElsewhere) this.client.seek({ ...at, offset: `${position.next}` });
    }
  }
}
