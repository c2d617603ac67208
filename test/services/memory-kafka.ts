import { ConnectionError, PermissionError } from 'headwater';
import type {
  KafkaClient,
  KafkaClientFactory,
  KafkaClientOptions,
  KafkaListener,
  KafkaMessage,
  KafkaOffset,
} from 'headwater/sources/streams/kafka';

const AT_ONCE = 100;

/** A topic `t` and one group in memory, for a client that is given to the source: nothing of Kafka's own protocol. */
export class MemoryKafka {
  options: KafkaClientOptions | undefined;
  readonly commits: KafkaOffset[] = [];
  readonly partitions: KafkaMessage[][];
  readonly clients = new Set<MemoryClient>();
  requests = 0;
  /** Messages that have left. */
  taken = 0;
  #failAt: { at: number; kind: 'transient' | 'permanent' } | undefined;
  #isHanging = false;

  /** Partitions with messages at these offsets; their values are the offsets. */
  constructor(...partitions: readonly (readonly number[])[]) {
    this.partitions = partitions.map((offsets) => offsets.map((offset) => messageOf(offset, `${offset}`)));
  }

  readonly factory: KafkaClientFactory = (options) => {
    this.options = options;
    return new MemoryClient(this, options);
  };

  add(partition: number, value: string): void {
    const messages = this.partitions[partition] as KafkaMessage[];
    messages.push(messageOf(Number(messages.at(-1)?.offset ?? '-1') + 1, value));
    for (const client of this.clients) client.wake();
  }

  committed(partition: number): string {
    return this.commits.findLast((commit) => commit.partition === partition)?.offset ?? '-1';
  }

  /** The group is divided anew: everything is taken from its members, and given back. */
  reassign(): void {
    for (const client of this.clients) client.begin();
  }

  fail(kind: 'transient' | 'permanent', after: number): void {
    this.#failAt = { at: this.requests + after, kind };
  }

  hang(): void {
    this.#isHanging = true;
  }

  async request(): Promise<void> {
    const request = this.requests;
    this.requests += 1;
    if (this.#isHanging) await new Promise(() => {});
    const failure = this.#failAt;
    if (failure === undefined || request < failure.at) return;
    if (failure.kind === 'permanent') throw new PermissionError('not allowed', { code: 'KAFKA_NOT_ALLOWED' });
    this.#failAt = undefined;
    throw new ConnectionError('the connection was lost', { code: 'KAFKA_CONNECTION' });
  }
}

class MemoryClient implements KafkaClient {
  readonly #kafka: MemoryKafka;
  readonly #options: KafkaClientOptions;
  readonly #seeks = new Map<number, bigint>();
  #listener: KafkaListener | undefined;
  #lost = new AbortController();
  #wakers: (() => void)[] = [];

  constructor(kafka: MemoryKafka, options: KafkaClientOptions) {
    this.#kafka = kafka;
    this.#options = options;
  }

  async connect(): Promise<void> {
    this.#kafka.clients.add(this);
    await this.#kafka.request();
  }

  async topics(): Promise<readonly string[]> {
    await this.#kafka.request();
    return ['t'];
  }

  async watermarks(): Promise<readonly { partition: number; low: string; high: string }[]> {
    await this.#kafka.request();
    return this.#kafka.partitions.map((messages, partition) => ({ partition, low: '0', high: highOf(messages) }));
  }

  async committed(): Promise<readonly KafkaOffset[]> {
    await this.#kafka.request();
    return this.#kafka.partitions.map((_, partition) => ({
      topic: 't',
      partition,
      offset: this.#kafka.committed(partition),
    }));
  }

  async consume(_: readonly string[], listener: KafkaListener): Promise<void> {
    await this.#kafka.request();
    this.#listener = listener;
    this.begin();
  }

  begin(): void {
    this.#lost.abort(new Error('the group is divided anew'));
    this.#lost = new AbortController();
    void this.#read(this.#lost.signal);
  }

  wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  seek({ partition, offset }: KafkaOffset): void {
    this.#seeks.set(partition, BigInt(offset));
  }

  async commit(offsets: readonly KafkaOffset[]): Promise<void> {
    await this.#kafka.request();
    this.#kafka.commits.push(...offsets);
  }

  async send(): Promise<void> {
    await this.#kafka.request();
  }

  async close(): Promise<void> {
    this.#lost.abort(new Error('closed'));
    this.wake();
    this.#kafka.clients.delete(this);
  }

  async #read(lost: AbortSignal): Promise<void> {
    const all = this.#kafka.partitions.map((_, partition) => ({ topic: 't', partition }));
    await this.#listener?.assigned(all);
    await Promise.all(all.map(({ partition }) => this.#readPartition(partition, lost)));
  }

  async #readPartition(partition: number, lost: AbortSignal): Promise<void> {
    const messages = this.#kafka.partitions[partition] as KafkaMessage[];
    const committed = BigInt(this.#kafka.committed(partition));
    const start = this.#options.start === 'earliest' ? 0n : BigInt(highOf(messages));
    let next = this.#seeks.get(partition) ?? (committed < 0n ? start : committed);
    while (!lost.aborted) {
      const some = messages.filter(({ offset }) => BigInt(offset) >= next).slice(0, AT_ONCE);
      if (some.length === 0) {
        await new Promise<void>((resolve) => this.#wakers.push(resolve));
        continue;
      }
      const batch = { topic: 't', partition, messages: some, highWatermark: highOf(messages) };
      this.#kafka.taken += some.length;
      if (await this.#listener?.batch(batch, lost)) next = BigInt(some.at(-1)?.offset ?? 0) + 1n;
      // What is not taken is asked for again, and nobody else should wait for that.
      else await new Promise(setImmediate);
    }
  }
}

function messageOf(offset: number, value: string): KafkaMessage {
  return { offset: `${offset}`, key: null, value: Buffer.from(value), timestamp: `${1_700_000_000_000 + offset}` };
}

function highOf(messages: readonly KafkaMessage[]): string {
  return `${Number(messages.at(-1)?.offset ?? '-1') + 1}`;
}
