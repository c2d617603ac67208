import { differences, remembered } from './differences.js';
import { deleted, type Fields, firstSeen } from './events.js';
import { hasCode } from './failure.js';
import { type AskHistory, historyPages } from './history.js';
import type { ChannelMemory } from './known-messages.js';
import { hasReplies, isTombstone, type SlackMessage } from './message.js';
import { hasNewReplies } from './thread.js';
import { earlierOf, FIRST_TS, isAfter, justAfter, justBefore, laterOf, type Ts } from './timestamp.js';

export interface RescanOptions {
  ask: AskHistory;
  channel: string;
  memory: ChannelMemory;
  /** The last message that was delivered. */
  upTo: Ts;
  /** Threads of messages after this one are followed. */
  threadsFrom: Ts;
  /** Messages after this one are compared with what is remembered of them. */
  messagesFrom: Ts;
  /** All messages after this one were remembered when they were delivered; undefined: none were. */
  rememberedFrom: Ts | undefined;
  maxMessages: number;
}

/** What a page of messages that were read again brought. */
export interface Found {
  fields: readonly Fields[];
  /** Threads with replies after the one given. */
  threads: readonly { ts: Ts; after: Ts }[];
}

const MOST_RESTARTS = 3;

/**
 * Reads the messages within the windows again, newest first, and tells what is different: edits, deletions, reactions,
 * messages that came to light late, and threads with new replies. Each page is complete for the time it covers.
 */
export class Rescan {
  readonly #options: RescanOptions;
  /** Newest first: what is remembered and was not yet seen again. */
  #expected: Ts[] = [];
  #compared = 0;
  /** Nothing is compared at or before this one any more. */
  #messagesFrom: Ts;
  #remembered: Ts | undefined;

  constructor(options: RescanOptions) {
    this.#options = options;
    this.#messagesFrom = options.messagesFrom;
    this.#remembered = options.rememberedFrom;
  }

  /** What `rememberedFrom` is from now on. */
  get remembered(): Ts | undefined {
    return this.#remembered;
  }

  async *run(): AsyncGenerator<Found, void, undefined> {
    for (let restarts = 0; ; restarts += 1) {
      try {
        yield* this.#pages();
        return this.#forgetTheRest();
      } catch (error) {
        if (!hasCode(error, 'SLACK_PAGE_CURSOR') || restarts === MOST_RESTARTS) throw error;
      }
    }
  }

  async *#pages(): AsyncGenerator<Found, void, undefined> {
    const { ask, channel, upTo, threadsFrom, memory } = this.#options;
    this.#expected = memory.timestamps().filter((ts) => !isAfter(ts, upTo));
    this.#compared = 0;
    const oldest = earlierOf(threadsFrom, this.#messagesFrom);
    for await (const { items, next } of historyPages(ask, { channel, oldest, latest: justAfter(upTo) })) {
      const last = items.at(-1)?.ts;
      const isEnd = next === undefined;
      // A page that is empty and not the last says nothing.
      if (last !== undefined || isEnd) yield this.#compare(items, isEnd ? justAfter(oldest) : (last as Ts));
      if (last !== undefined && this.#isEnough(last)) return;
    }
  }

  /** Everything from the page before down to `until`: what is there, and what is not there any more. */
  #compare(items: readonly SlackMessage[], until: Ts): Found {
    const present = new Set(items.map(({ ts }) => ts));
    const fields: Fields[] = [];
    for (const ts of this.#takeExpected(until)) if (!present.has(ts)) fields.push(...this.#vanished(ts));
    const threads: { ts: Ts; after: Ts }[] = [];
    for (const message of [...items].reverse()) {
      fields.push(...this.#look(message));
      const thread = this.#thread(message);
      if (thread !== undefined) threads.push(thread);
    }
    this.#compared += items.length;
    return { fields, threads };
  }

  #takeExpected(until: Ts): Ts[] {
    const end = this.#expected.findIndex((ts) => isAfter(until, ts));
    return this.#expected.splice(0, end === -1 ? this.#expected.length : end);
  }

  #vanished(ts: Ts): Fields[] {
    const { memory, channel } = this.#options;
    const known = memory.get(ts);
    memory.delete(ts);
    return known?.h !== undefined && isAfter(ts, this.#messagesFrom) ? [deleted(channel, ts)] : [];
  }

  #look(message: SlackMessage): Fields[] {
    const { memory, channel } = this.#options;
    const { ts } = message;
    if (!isAfter(ts, this.#messagesFrom)) return [];
    const known = memory.get(ts);
    if (isTombstone(message)) return this.#buried(ts);
    if (known?.h === undefined) return this.#unknown(message);
    const { fields, after } = differences(channel, message, known);
    if (fields.length > 0) memory.set(ts, after);
    return fields;
  }

  /** Its replies are still there, and are followed. */
  #buried(ts: Ts): Fields[] {
    const { memory, channel } = this.#options;
    const known = memory.get(ts);
    if (known?.h === undefined) return [];
    if (known.l === undefined) memory.delete(ts);
    else memory.set(ts, { l: known.l });
    return [deleted(channel, ts)];
  }

  /** Came to light after what is newer, unless nothing was remembered at its time. */
  #unknown(message: SlackMessage): Fields[] {
    const { memory, channel, rememberedFrom } = this.#options;
    const isLate = rememberedFrom !== undefined && isAfter(message.ts, laterOf(rememberedFrom, this.#messagesFrom));
    memory.set(message.ts, remembered(message, memory.get(message.ts)));
    const fields = isLate ? firstSeen(channel, message) : undefined;
    return fields === undefined ? [] : [fields];
  }

  #thread(message: SlackMessage): { ts: Ts; after: Ts } | undefined {
    const { memory, threadsFrom } = this.#options;
    const { ts, latest_reply } = message;
    if (!hasReplies(message) || !isAfter(ts, threadsFrom)) return undefined;
    const delivered = memory.get(ts)?.l;
    return hasNewReplies(latest_reply, delivered) ? { ts, after: delivered ?? FIRST_TS } : undefined;
  }

  /** Whether as many were compared as should be, and all threads that are followed were seen. */
  #isEnough(last: Ts): boolean {
    const { maxMessages, threadsFrom } = this.#options;
    if (this.#compared < maxMessages) return false;
    this.#messagesFrom = laterOf(this.#messagesFrom, justBefore(last));
    return !isAfter(last, threadsFrom);
  }

  /** What is older than the windows. */
  #forgetTheRest(): void {
    const { memory, threadsFrom, rememberedFrom } = this.#options;
    const hadMessages = memory.forget({ messages: this.#messagesFrom, threads: threadsFrom });
    if (this.#options.maxMessages === 0) return;
    if (rememberedFrom === undefined) this.#remembered = this.#messagesFrom;
    else if (hadMessages) this.#remembered = laterOf(rememberedFrom, this.#messagesFrom);
  }
}
