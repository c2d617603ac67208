import type { ChosenChannel } from './channels.js';
import type { MessagePage, MessageRange, SlackClient } from './client.js';
import type { SlackConfig } from './config.js';
import type { ChannelPosition } from './cursor.js';
import { remembered } from './differences.js';
import { type Delivered, deliveredOf, type Fields } from './events.js';
import { hasCode } from './failure.js';
import { oldestFirst } from './history.js';
import type { ChannelMemory } from './known-messages.js';
import { hasReplies, isTombstone, type SlackMessage } from './message.js';
import { Rescan } from './rescan.js';
import { readThread } from './thread.js';
import { FIRST_TS, isAfter, justBefore, LAST_TS, laterOf, type Ts, tsOfTime } from './timestamp.js';

/** Some events of a channel, and the position after them. Without `positionAt` they belong together. */
export interface Step {
  fields: readonly Fields[];
  position: ChannelPosition;
  positionAt?: ((count: number) => ChannelPosition) | undefined;
}

export interface ChannelReaderOptions {
  client: SlackClient;
  config: SlackConfig;
  channel: ChosenChannel;
  position: ChannelPosition;
  memory: ChannelMemory;
  /** In milliseconds. */
  now: () => number;
}

const MOST_IN_A_BATCH = 200;
export const DAY_MS = 86_400_000;

/** One channel: its new messages with their threads, and what happened to those within the windows. */
export class ChannelReader {
  readonly #options: ChannelReaderOptions;
  readonly #id: string;
  #position: ChannelPosition;
  #hasJoined = false;

  constructor(options: ChannelReaderOptions) {
    const { channel, position, config } = options;
    this.#options = options;
    this.#id = channel.id;
    const { remembered: _, ...rest } = position;
    this.#position = config.reread === false ? rest : position;
    if (channel.name !== undefined) this.#position = { ...this.#position, name: channel.name };
    if (config.reread !== false && position.after === undefined) {
      this.#position = { ...this.#position, remembered: FIRST_TS };
    }
  }

  get id(): string {
    return this.#id;
  }

  /** What is after the position, oldest first; each message that has replies is followed by them. */
  async *readNew(): AsyncGenerator<Step, void, undefined> {
    const { channel } = this.#options;
    yield* this.#finishThread();
    const createdAt = channel.createdAt > 0 ? tsOfTime(channel.createdAt) : undefined;
    const walk = { channel: this.#id, after: this.#position.after ?? this.#since(), createdAt };
    for await (const { messages, upTo } of oldestFirst(this.#ask, walk)) {
      for (const run of runsOf(messages, this.#options.config.threads !== false)) yield* this.#deliver(run);
      // A stretch of silence is a step forward, too.
      if (this.#position.after !== upTo) yield this.#moved({ after: upTo });
    }
  }

  /** What happened to messages within the windows, and replies to them. */
  async *reread(): AsyncGenerator<Step, void, undefined> {
    const { config, memory } = this.#options;
    const { after } = this.#position;
    if (after === undefined || (config.threads === false && config.reread === false)) return;
    const rescan = new Rescan({
      ask: this.#ask,
      channel: this.#id,
      memory,
      upTo: after,
      threadsFrom: this.#windowStart(config.threads),
      messagesFrom: this.#windowStart(config.reread),
      rememberedFrom: this.#position.remembered,
      maxMessages: config.reread === false ? 0 : config.reread.maxMessages,
    });
    for await (const { fields, threads } of rescan.run()) {
      const hasChanged = memory.takeChanged();
      if (fields.length > 0 || hasChanged) yield { fields, position: this.#position };
      for (const { ts, after: last } of threads) yield* this.#laterReplies(ts, last);
    }
    const { remembered: from } = rescan;
    const hasChanged = memory.takeChanged();
    if (from !== undefined && from !== this.#position.remembered) yield this.#moved({ remembered: from });
    else if (hasChanged) yield { fields: [], position: this.#position };
  }

  /** The thread that was being delivered when the last run ended. */
  async *#finishThread(): AsyncGenerator<Step, void, undefined> {
    const { thread } = this.#position;
    if (thread !== undefined) yield* this.#firstReplies(thread.ts, thread.after ?? FIRST_TS);
  }

  async *#deliver({ messages, hasThread }: Run): AsyncGenerator<Step, void, undefined> {
    const { memory } = this.#options;
    this.#remember(messages);
    const events = deliveredOf(this.#id, messages);
    const before = this.#position;
    const last = (messages.at(-1) as SlackMessage).ts;
    const { position } = this.#moved({ after: last, ...(hasThread && { thread: { ts: last } }) });
    const positionAt = (count: number): ChannelPosition =>
      count === events.length ? position : { ...before, after: (events[count - 1] as Delivered).ts };
    const canBeCut = !memory.takeChanged();
    yield { fields: events.map(({ fields }) => fields), position, ...(canBeCut && { positionAt }) };
    if (hasThread) yield* this.#firstReplies(last, FIRST_TS);
  }

  /** The position stays within the thread until all of it was delivered. */
  async *#firstReplies(ts: Ts, after: Ts): AsyncGenerator<Step, void, undefined> {
    const { thread: _, ...rest } = this.#position;
    const positionAfter = (reply: Ts): ChannelPosition => ({ ...rest, thread: { ts, after: reply } });
    let end = after;
    for await (const { replies, last } of this.#replies(ts, after)) {
      end = last;
      if (last !== FIRST_TS) this.#position = positionAfter(last);
      const fields = replies.map((reply) => reply.fields);
      const positionAt = (count: number): ChannelPosition =>
        count === fields.length ? positionAfter(last) : positionAfter((replies[count - 1] as Delivered).ts);
      if (fields.length > 0) yield { fields, position: this.#position, positionAt };
    }
    this.#position = rest;
    this.#noteReplies(ts, end);
    yield { fields: [], position: this.#position };
  }

  async *#laterReplies(ts: Ts, after: Ts): AsyncGenerator<Step, void, undefined> {
    for await (const { replies, last } of this.#replies(ts, after)) {
      this.#noteReplies(ts, last);
      yield { fields: replies.map(({ fields }) => fields), position: this.#position };
    }
  }

  #replies(ts: Ts, after: Ts) {
    const { client, config } = this.#options;
    return readThread({ channel: this.#id, ts, after }, (oldest, cursor) =>
      client.replies({ channel: this.#id, ts, oldest }, config.pageSize, cursor),
    );
  }

  #noteReplies(ts: Ts, last: Ts): void {
    const { memory, config } = this.#options;
    if (last === FIRST_TS || !isAfter(ts, this.#windowStart(config.threads))) return;
    memory.set(ts, { ...memory.get(ts), l: last });
    memory.takeChanged();
  }

  #remember(messages: readonly SlackMessage[]): void {
    const { memory, config } = this.#options;
    if (config.reread === false) return;
    const start = this.#windowStart(config.reread);
    for (const message of messages) {
      if (isTombstone(message) || !isAfter(message.ts, start)) continue;
      memory.set(message.ts, remembered(message, memory.get(message.ts)));
    }
    const forgotten = memory.trim(config.reread.maxMessages);
    if (forgotten === undefined) return;
    this.#position = { ...this.#position, remembered: laterOf(this.#position.remembered ?? FIRST_TS, forgotten) };
  }

  readonly #ask = async (range: MessageRange, cursor: string | undefined): Promise<MessagePage> => {
    const { client, config } = this.#options;
    try {
      return await client.history(range, config.pageSize, cursor);
    } catch (error) {
      if (!config.autoJoin || this.#hasJoined || !hasCode(error, 'SLACK_NOT_IN_CHANNEL')) throw error;
      this.#hasJoined = true;
      await client.join(this.#id);
      return client.history(range, config.pageSize, cursor);
    }
  };

  #moved(changes: Partial<ChannelPosition>): Step {
    this.#position = { ...this.#position, ...changes };
    return { fields: [], position: this.#position };
  }

  #since(): Ts {
    const { since } = this.#options.config;
    return since === undefined ? FIRST_TS : justBefore(tsOfTime(since.getTime()));
  }

  /** Where a window begins now; after everything where there is none. */
  #windowStart(window: false | { windowDays: number }): Ts {
    if (window === false) return LAST_TS;
    const start = tsOfTime(this.#options.now() - window.windowDays * DAY_MS);
    return laterOf(start, this.#since());
  }
}

/** Messages that are delivered together: up to one that has a thread, whose replies come next. */
interface Run {
  messages: readonly SlackMessage[];
  hasThread: boolean;
}

function* runsOf(messages: readonly SlackMessage[], withThreads: boolean): Generator<Run, void, undefined> {
  let from = 0;
  for (const [index, message] of messages.entries()) {
    const hasThread = withThreads && hasReplies(message);
    const isFull = index + 1 - from >= MOST_IN_A_BATCH;
    if (!hasThread && !isFull && index + 1 < messages.length) continue;
    yield { messages: messages.slice(from, index + 1), hasThread };
    from = index + 1;
  }
}
