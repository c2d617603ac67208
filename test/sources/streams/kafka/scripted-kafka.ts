import type {
  KafkaClient,
  KafkaClientFactory,
  KafkaClientOptions,
  KafkaListener,
  KafkaOffset,
} from 'headwater/sources/streams/kafka';

const AT = { topic: 't', partition: 0 };

/** A client of one partition with messages at given offsets; a partition is taken away and given back on demand. */
export class ScriptedKafka implements KafkaClient {
  options: KafkaClientOptions | undefined;
  readonly commits: KafkaOffset[] = [];
  readonly #offsets: readonly number[];
  #listener: KafkaListener | undefined;
  #lost = new AbortController();

  constructor(offsets: readonly number[]) {
    this.#offsets = offsets;
  }

  readonly factory: KafkaClientFactory = (options) => {
    this.options = options;
    return this;
  };

  async connect(): Promise<void> {}

  async topics(): Promise<readonly string[]> {
    return [AT.topic];
  }

  async watermarks(): Promise<readonly { partition: number; low: string; high: string }[]> {
    return [{ partition: 0, low: '0', high: `${(this.#offsets.at(-1) ?? -1) + 1}` }];
  }

  async committed(): Promise<readonly KafkaOffset[]> {
    return [{ ...AT, offset: this.commits.at(-1)?.offset ?? '-1' }];
  }

  async consume(_: readonly string[], listener: KafkaListener): Promise<void> {
    this.#listener = listener;
    this.#begin();
  }

  /** The group is divided anew, and the partition is given back. */
  reassign(): void {
    this.#lost.abort(new Error('the group is divided anew'));
    this.#begin();
  }

  seek(): void {}

  async commit(offsets: readonly KafkaOffset[]): Promise<void> {
    this.commits.push(...offsets);
  }

  async send(): Promise<void> {}

  async close(): Promise<void> {
    this.#lost.abort(new Error('closed'));
  }

  #begin(): void {
    const from = Number(this.commits.at(-1)?.offset ?? 0);
    this.#lost = new AbortController();
    void this.#listener?.assigned([AT]);
    const messages = this.#offsets
      .filter((offset) => offset >= from)
      .map((offset) => ({ offset: `${offset}`, key: null, value: Buffer.from(`${offset}`), timestamp: '0' }));
    const highWatermark = `${(this.#offsets.at(-1) ?? -1) + 1}`;
    void this.#listener?.batch({ ...AT, messages, highWatermark }, this.#lost.signal);
  }
}
