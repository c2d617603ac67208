import { NotFoundError } from '../../../core/errors.js';
import { orAborted } from '../../../toolkit/or-aborted.js';
import { Committing } from './committing.js';
import { type KafkaCursor, parseCursor, partitionKey } from './cursor.js';
import { Handing } from './handing.js';
import type { KafkaBatch, KafkaClient, KafkaMessage } from './kafka-client.js';
import type { KafkaSourceBatch, ReaderContext } from './mode.js';
import type { Loss } from './positions.js';
import { type Arrived, type Epoch, Session } from './session.js';
import { toEvents } from './to-events.js';

/** A group of consumers: joins, hands out what comes, commits what is acknowledged. */
export class KafkaReader {
  readonly #reader: ReaderContext;
  readonly #committing: Committing;
  readonly #handing: Handing;
  /** With `commit: 'external'`: where each partition was handed out to. */
  #next: Readonly<Record<string, string>>;

  constructor(reader: ReaderContext) {
    this.#reader = reader;
    this.#committing = new Committing(reader);
    this.#handing = new Handing(reader, this.#committing);
    reader.beforeLeaving(() => this.#committing.flushed());
    this.#next = parseCursor(reader.context.cursor, reader.sourceId).next;
  }

  async *read(): AsyncGenerator<KafkaSourceBatch, void, undefined> {
    for (;;) {
      const client = await this.#reader.open();
      const topics = await this.#topics(client);
      const session = new Session(this.#reader, client, () => (this.#isExternal ? { next: this.#next } : undefined));
      this.#committing.begin((error) => session.failed(error));
      try {
        await orAborted(client.consume(topics, session), this.#reader.context.signal);
        const hasEnded = yield* this.#hand(session, topics);
        if (hasEnded) return;
      } catch (error) {
        session.end();
        this.#committing.forget();
        throw error;
      }
      session.end();
      await client.close();
    }
  }

  get #isExternal(): boolean {
    return this.#reader.config.commit === 'external';
  }

  /** @throws NotFoundError (KAFKA_NO_TOPIC) where one is not there, or none matches */
  async #topics(client: KafkaClient): Promise<readonly string[]> {
    const { topics, pattern } = this.#reader.config;
    const there = await orAborted(client.topics(), this.#reader.context.signal);
    const wanted = pattern === undefined ? topics : there.filter((topic) => new RegExp(pattern).test(topic)).sort();
    const missing = wanted.filter((topic) => !there.includes(topic));
    if (missing.length === 0 && wanted.length > 0) return wanted;
    const what = pattern === undefined ? `topic ${missing.join(', ')}` : `topic that matches ${pattern}`;
    const message = `Kafka has no ${what}: create it, or see whether the user may see it`;
    throw new NotFoundError(message, { code: 'KAFKA_NO_TOPIC', sourceId: this.#reader.sourceId });
  }

  /** Gives true at the end of all there is, false when there are other topics than before. */
  async *#hand(session: Session, topics: readonly string[]): AsyncGenerator<KafkaSourceBatch, boolean, undefined> {
    const { context, clock, config, onCaughtUp } = this.#reader;
    let lookedAt = clock.now();
    for (;;) {
      const isOver = clock.now() - lookedAt >= config.topicRefreshMs;
      if (config.pattern !== undefined && isOver) {
        lookedAt = clock.now();
        if ((await this.#topics(session.client)).join() !== topics.join()) return false;
      }
      if (session.isIdle) onCaughtUp();
      if (!(await this.#some(session))) {
        if (!context.follow) return true;
        continue;
      }
      const [arrived] = session.arrivals.take(1);
      if (arrived !== undefined) yield* this.#arrived(arrived);
    }
  }

  /** false: nothing came in time. */
  async #some(session: Session): Promise<boolean> {
    const { context, clock, config } = this.#reader;
    if (context.follow) {
      if (config.pattern === undefined) return session.arrivals.some(context.signal).then(() => true);
      return session.arrivals.someWithin(config.topicRefreshMs, clock, context.signal);
    }
    for (;;) {
      if (session.isAtEnd) return false;
      // Joining takes as long as the group takes; only then does it count that nothing comes.
      if (await session.arrivals.someWithin(SHORT_MS, clock, context.signal)) return true;
      if (!(await session.joined())) continue;
      if (session.isAtEnd) return false;
      if (await session.arrivals.someWithin(config.idleMs, clock, context.signal)) return true;
      return false;
    }
  }

  async *#arrived(arrived: Arrived): AsyncGenerator<KafkaSourceBatch, void, undefined> {
    const { epoch } = arrived;
    if (epoch.isLost) return;
    if (arrived.loss !== undefined) {
      yield this.#gap(arrived.loss, epoch);
      return;
    }
    if (arrived.take()) yield* this.#batch(arrived.batch, epoch);
  }

  async *#batch(batch: KafkaBatch, epoch: Epoch): AsyncGenerator<KafkaSourceBatch, void, undefined> {
    const key = partitionKey(batch);
    const position = epoch.positions.get(key);
    if (position === undefined) return;
    // kafkajs may bring what was asked for before it was told to read on from elsewhere.
    const messages = from(batch.messages, position.next);
    const first = messages[0];
    if (first !== undefined && BigInt(first.offset) > position.next) yield* this.#hole(batch, epoch, first.offset);
    this.#reader.onLag(key, BigInt(batch.highWatermark) - BigInt(messages.at(-1)?.offset ?? batch.highWatermark) - 1n);
    for await (const part of this.#handing.parts(batch, messages, epoch)) {
      const events = await toEvents(this.#reader, batch, part.messages);
      const aside = part.setAside && { setAside: part.setAside };
      if (!this.#isExternal) {
        yield { events, settle: part.settle, ...aside };
        continue;
      }
      const before = this.#next;
      const cursorAt = (count: number): KafkaCursor =>
        count === 0 ? { next: before } : { next: { ...before, [key]: part.nextAt(count) } };
      this.#next = cursorAt(events.length).next;
      yield { events, cursor: cursorAt(events.length), cursorAt, ...aside };
    }
  }

  /** Offsets have holes where a log was compacted, and where transactions end: what is lost is before all that is there. */
  async *#hole(
    { topic, partition }: KafkaBatch,
    epoch: Epoch,
    offset: string,
  ): AsyncGenerator<KafkaSourceBatch, void, undefined> {
    const position = epoch.positions.get(partitionKey({ topic, partition }));
    const found = (await epoch.client.watermarks(topic)).find((each) => each.partition === partition);
    if (position === undefined || found === undefined || BigInt(found.low) <= position.next) return;
    // The client has gone on by itself, and may have said so to the group: until the gap is acknowledged, it is as before.
    if (!this.#isExternal) await this.#committing.commit({ topic, partition }, position, epoch);
    const loss = { topic, partition, from: position.next, to: BigInt(offset), isAnother: false };
    position.next = loss.to;
    yield this.#gap(loss, epoch);
  }

  #gap({ topic, partition, from, to, isAnother }: Loss, epoch: Epoch): KafkaSourceBatch {
    const key = partitionKey({ topic, partition });
    const detail = isAnother
      ? `partition ${key} ends before the offset that comes next: it is another than was read`
      : `messages of partition ${key} were removed before they were read`;
    const range = { from: `${key}:${from}`, to: `${key}:${to}`, ...(!isAnother && { count: Number(to - from) }) };
    const event = this.#reader.gap(isAnother ? 'history-rewritten' : 'retention', detail, range);
    if (this.#isExternal) {
      this.#next = { ...this.#next, [key]: `${to}` };
      return { events: [event], cursor: { next: this.#next } };
    }
    const position = epoch.positions.get(key);
    return {
      events: [event],
      settle: (acknowledged) => {
        if (acknowledged === 0 || position === undefined) return;
        if (position.frontier < to) position.frontier = to;
        this.#committing.moved({ topic, partition }, position, epoch);
      },
    };
  }
}

/** Those that are not before an offset: nearly always all of them. */
function from(messages: readonly KafkaMessage[], next: bigint): readonly KafkaMessage[] {
  const [first] = messages;
  if (first === undefined || BigInt(first.offset) >= next) return messages;
  return messages.filter(({ offset }) => BigInt(offset) >= next);
}

/** How often it is looked whether a group was joined, in milliseconds. */
const SHORT_MS = 100;
