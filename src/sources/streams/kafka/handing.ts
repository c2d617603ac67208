import { orAborted } from '../../../toolkit/or-aborted.js';
import { reasonOf } from '../reason.js';
import type { Committing } from './committing.js';
import { partitionKey } from './cursor.js';
import type { KafkaBatch, KafkaMessage } from './kafka-client.js';
import type { KafkaSourceBatch, ReaderContext } from './mode.js';
import type { Position } from './positions.js';
import type { Epoch } from './session.js';

/** What is handed out at once. */
export interface Part {
  readonly messages: readonly KafkaMessage[];
  readonly settle: NonNullable<KafkaSourceBatch['settle']>;
  readonly setAside: KafkaSourceBatch['setAside'];
  /** The offset that comes next when so many are acknowledged. */
  nextAt(count: number): string;
}

/** Hands out messages, has committed what is acknowledged of them, and counts how often that was tried. */
export class Handing {
  readonly #reader: ReaderContext;
  readonly #committing: Committing;

  constructor(reader: ReaderContext, committing: Committing) {
    this.#reader = reader;
    this.#committing = committing;
  }

  async *parts(
    batch: KafkaBatch,
    messages: readonly KafkaMessage[],
    epoch: Epoch,
  ): AsyncGenerator<Part, void, undefined> {
    const { commit, maxDeliveries } = this.#reader.config;
    if (messages.length === 0) return;
    if (maxDeliveries !== undefined) {
      yield* this.#counted(batch, messages, epoch, maxDeliveries);
      return;
    }
    const part = this.#part(batch, messages, epoch);
    if (commit === 'automatic') {
      const position = epoch.positions.get(partitionKey(batch)) as Position;
      position.frontier = position.next;
      await this.#committing.commit(batch, position, epoch);
    }
    yield commit === 'acknowledged' ? part : { ...part, settle: () => {} };
  }

  #part(batch: KafkaBatch, messages: readonly KafkaMessage[], epoch: Epoch): Part {
    const position = epoch.positions.get(partitionKey(batch)) as Position;
    // Not the messages: their bytes would live for as long as the consumer takes.
    const offsets = messages.map(({ offset }) => offset);
    const nextAt = (count: number): bigint => BigInt(offsets[count - 1] as string) + 1n;
    position.next = nextAt(messages.length);
    let told = 0;
    return {
      messages,
      nextAt: (count) => `${nextAt(count)}`,
      settle: (acknowledged) => {
        if (acknowledged <= told) return;
        told = acknowledged;
        position.frontier = nextAt(acknowledged);
        const { next, frontier, attempts } = position;
        // What comes next was handed out already, or was not.
        position.attempts = { count: next > frontier ? 1 : 0, until: larger(attempts.until, next) };
        this.#committing.moved(batch, position, epoch);
        position.onMoved?.();
      },
      setAside: this.#setsAside(batch, messages, epoch),
    };
  }

  /** Only where there is a topic for it: the bytes of messages live for as long as the consumer takes then. */
  #setsAside(batch: KafkaBatch, messages: readonly KafkaMessage[], epoch: Epoch): Part['setAside'] {
    if (this.#reader.config.deadLetterTopic === undefined) return undefined;
    return async (index, { error, attempts }) => {
      // It comes again, to whoever has the partition now.
      if (epoch.isLost) return;
      const about = { 'headwater-attempts': `${attempts}`, 'headwater-error': reasonOf(error) };
      const message = messages[index] as KafkaMessage;
      const target = await this.#sendToDead(batch, message, epoch, about);
      const { topic, partition } = batch;
      const told = { topic, partition, offset: message.offset, target };
      this.#reader.logger.warn(told, 'a message that failed for good was set aside');
    };
  }

  /**
   * Before messages are handed out, that is committed. What was handed out before and not acknowledged comes one by one,
   * so that what kills its consumer takes no other with it.
   */
  async *#counted(
    batch: KafkaBatch,
    messages: readonly KafkaMessage[],
    epoch: Epoch,
    maxDeliveries: number,
  ): AsyncGenerator<Part, void, undefined> {
    const position = epoch.positions.get(partitionKey(batch)) as Position;
    for (let at = 0; at < messages.length && !epoch.isLost; ) {
      const message = messages[at] as KafkaMessage;
      const first = BigInt(message.offset);
      const isSuspect = first < position.attempts.until || position.attempts.count > 0;
      if (isSuspect) await this.#reached(first, position);
      const tried = isSuspect ? position.attempts.count : 0;
      if (tried >= maxDeliveries) {
        at += 1;
        await this.#bury(batch, message, position, epoch);
        continue;
      }
      // Nothing before it is with the consumer: offsets in between are holes.
      const isFirstHeld = position.frontier >= position.next;
      const some = isSuspect ? [message] : messages.slice(at);
      at += some.length;
      const part = this.#part(batch, some, epoch);
      if (isFirstHeld) position.frontier = first;
      const count = isFirstHeld ? tried + 1 : position.attempts.count;
      position.attempts = { count, until: larger(position.attempts.until, position.next) };
      await this.#committing.commit(batch, position, epoch);
      yield part;
    }
  }

  /** Until everything before it is acknowledged. */
  async #reached(offset: bigint, position: Position): Promise<void> {
    const { signal } = this.#reader.context;
    while (position.frontier < offset && position.next > position.frontier) {
      const moved = new Promise<void>((resolve) => {
        position.onMoved = resolve;
      });
      await orAborted(moved, signal);
    }
  }

  /** Into the topic of the dead first, then committed: killed in between, it is there twice. */
  async #bury(batch: KafkaBatch, message: KafkaMessage, position: Position, epoch: Epoch): Promise<void> {
    const { topic, partition } = batch;
    const deliveries = position.attempts.count;
    const target = await this.#sendToDead(batch, message, epoch, { 'headwater-deliveries': `${deliveries}` });
    position.next = BigInt(message.offset) + 1n;
    position.frontier = position.next;
    position.attempts = { ...position.attempts, count: 0 };
    await this.#committing.commit(batch, position, epoch);
    const { offset } = message;
    const told = { topic, partition, offset, deliveries, target };
    this.#reader.logger.warn(told, 'a message that was never acknowledged was set aside');
  }

  /** Gives the topic. */
  async #sendToDead(
    { topic, partition }: KafkaBatch,
    message: KafkaMessage,
    { client }: Epoch,
    why: Readonly<Record<string, string>>,
  ): Promise<string> {
    const { config, countDropped } = this.#reader;
    const target = config.deadLetterTopic ?? `${topic}.dead`;
    const from = {
      'headwater-topic': topic,
      'headwater-partition': `${partition}`,
      'headwater-offset': message.offset,
    };
    await client.send(target, { ...message, headers: { ...message.headers, ...from, ...why } });
    countDropped('dead-letter');
    return target;
  }
}

function larger(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
