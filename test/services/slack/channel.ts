import { formatTs, microsOf, parseTs } from './timestamp.js';

export type ChannelType = 'public_channel' | 'private_channel' | 'mpim' | 'im';

export interface StoredMessage {
  /** In microseconds; what `ts` says. */
  readonly at: number;
  text: string;
  user?: string | undefined;
  subtype?: string | undefined;
  /** The parent, for a reply. */
  thread?: number | undefined;
  edited?: { user: string; at: number } | undefined;
  reactions?: { name: string; users: string[] }[] | undefined;
  /** Further fields, as they are. */
  extra?: Readonly<Record<string, unknown>> | undefined;
}

export interface Posting {
  text?: string | undefined;
  user?: string | undefined;
  /** When, in milliseconds. Default: now. Several in one millisecond get different `ts`. */
  at?: number | undefined;
  subtype?: string | undefined;
  extra?: Readonly<Record<string, unknown>> | undefined;
}

/** In microseconds, without the bounds themselves. */
export interface Range {
  after: number;
  before: number;
}

export interface Page {
  messages: readonly StoredMessage[];
  hasMore: boolean;
}

/** A conversation with its messages, top-level ones and replies, as its members see it. */
export class SlackChannel {
  readonly id: string;
  readonly type: ChannelType;
  readonly created: number;
  readonly members = new Set<string>();
  name: string;
  previousNames: string[] = [];
  isArchived = false;
  readonly #now: () => number;
  /** Top-level messages and replies that were also sent to the channel, oldest first. */
  readonly #top: StoredMessage[] = [];
  readonly #threads = new Map<number, StoredMessage[]>();
  readonly #taken = new Set<number>();

  constructor(fields: { id: string; name: string; type: ChannelType; now: () => number }) {
    this.id = fields.id;
    this.name = fields.name;
    this.type = fields.type;
    this.#now = fields.now;
    this.created = Math.floor(fields.now() / 1_000);
  }

  /** Returns the `ts`. */
  post(posting: Posting = {}): string {
    const message = this.#message(posting);
    insert(this.#top, message);
    return formatTs(message.at);
  }

  /** Many messages, cheaply: text and author only. Returns every `ts`, oldest first. */
  fill(count: number, options: { from: number; everyMs: number; text?: (index: number) => string }): string[] {
    const { from, everyMs, text = (index) => `message ${index}` } = options;
    return Array.from({ length: count }, (_, index) =>
      this.post({ at: from + index * everyMs, text: text(index), user: 'U000000001' }),
    );
  }

  /** A reply; with `broadcast` it is also sent to the channel. */
  reply(parentTs: string, posting: Posting & { broadcast?: boolean } = {}): string {
    const parent = this.#require(parentTs);
    const subtype = posting.broadcast === true ? 'thread_broadcast' : posting.subtype;
    const message = { ...this.#message({ ...posting, subtype }), thread: parent.at };
    const replies = this.#threads.get(parent.at) ?? [];
    this.#threads.set(parent.at, replies);
    insert(replies, message);
    if (posting.broadcast === true) insert(this.#top, message);
    return formatTs(message.at);
  }

  /** `edited.ts` has whole seconds only, as Slack's own has. */
  edit(ts: string, text: string, options: { at?: number; user?: string } = {}): void {
    const message = this.#require(ts);
    message.text = text;
    const seconds = Math.floor((options.at ?? this.#now()) / 1_000);
    message.edited = { user: options.user ?? message.user ?? 'U000000001', at: seconds * 1_000_000 };
  }

  /** Changes that Slack calls no edit. */
  change(ts: string, changes: Partial<Pick<StoredMessage, 'text' | 'extra'>>): void {
    Object.assign(this.#require(ts), changes);
  }

  /** A message with replies stays as a tombstone, anything else is gone. */
  delete(ts: string): void {
    const message = this.#require(ts);
    const replies = this.#threads.get(message.at);
    if (replies !== undefined && replies.length > 0) return bury(message);
    remove(this.#top, message);
    if (message.thread !== undefined) this.#deleteReply(message, message.thread);
    this.#threads.delete(message.at);
  }

  /** The last reply of a deleted parent takes the tombstone with it. */
  #deleteReply(message: StoredMessage, thread: number): void {
    const replies = this.#threads.get(thread) ?? [];
    remove(replies, message);
    if (replies.length > 0) return;
    this.#threads.delete(thread);
    const parent = this.find(thread);
    if (parent?.subtype === 'tombstone') remove(this.#top, parent);
  }

  react(ts: string, name: string, user: string): void {
    const message = this.#require(ts);
    message.reactions ??= [];
    const reaction = message.reactions.find((each) => each.name === name);
    if (reaction === undefined) message.reactions.push({ name, users: [user] });
    else if (!reaction.users.includes(user)) reaction.users.push(user);
  }

  unreact(ts: string, name: string, user: string): void {
    const message = this.#require(ts);
    for (const reaction of message.reactions ?? []) {
      if (reaction.name === name) reaction.users = reaction.users.filter((each) => each !== user);
    }
    const left = (message.reactions ?? []).filter(({ users }) => users.length > 0);
    message.reactions = left.length === 0 ? undefined : left;
  }

  /** Becomes a member; the channel is told. */
  join(user: string, options: { at?: number } = {}): string {
    this.members.add(user);
    return this.post({ ...options, user, subtype: 'channel_join', text: `<@${user}> has joined the channel` });
  }

  rename(name: string): string {
    const old = this.name;
    this.previousNames = [old, ...this.previousNames];
    this.name = name;
    const extra = { old_name: old, name };
    return this.post({ subtype: 'channel_name', text: `has renamed the channel from "${old}" to "${name}"`, extra });
  }

  archive(): void {
    this.isArchived = true;
  }

  /** The newest of the top-level messages within bounds, newest first. */
  newest(range: Range, limit: number): Page {
    const [from, to] = bounds(this.#top, range);
    const start = Math.max(from, to - limit);
    return { messages: this.#top.slice(start, to).reverse(), hasMore: start > from };
  }

  /** The oldest replies to a message within bounds, oldest first. */
  oldestReplies(parent: number, range: Range, limit: number): Page {
    const replies = this.replies(parent);
    const [from, to] = bounds(replies, range);
    const end = Math.min(to, from + limit);
    return { messages: replies.slice(from, end), hasMore: end < to };
  }

  replies(parent: number): readonly StoredMessage[] {
    return this.#threads.get(parent) ?? [];
  }

  find(at: number): StoredMessage | undefined {
    const index = firstFrom(this.#top, at);
    const message = this.#top[index];
    if (message?.at === at) return message;
    for (const replies of this.#threads.values()) {
      const reply = replies[firstFrom(replies, at)];
      if (reply?.at === at) return reply;
    }
    return undefined;
  }

  /** Every message there is, replies among them. */
  all(): StoredMessage[] {
    return [...new Set([...this.#top, ...[...this.#threads.values()].flat()])].sort(byTime);
  }

  #message({ text = '', user = 'U000000001', at, subtype, extra }: Posting): StoredMessage {
    let micros = microsOf(at ?? this.#now());
    while (this.#taken.has(micros)) micros += 1;
    this.#taken.add(micros);
    const message: StoredMessage = { at: micros, text };
    if (subtype !== 'bot_message') message.user = user;
    if (subtype !== undefined) message.subtype = subtype;
    if (extra !== undefined) message.extra = extra;
    return message;
  }

  #require(ts: string): StoredMessage {
    const at = parseTs(ts);
    const message = at === undefined ? undefined : this.find(at);
    if (message === undefined) throw new Error(`the test server has no message ${ts} in ${this.name}`);
    return message;
  }
}

/** First index within the bounds, and the one after the last. */
function bounds(list: readonly StoredMessage[], { after, before }: Range): [from: number, to: number] {
  const from = firstFrom(list, after + 1);
  return [from, Math.max(from, firstFrom(list, before))];
}

/** Index of the first message at or after a time. */
function firstFrom(list: readonly StoredMessage[], at: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as StoredMessage).at < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(list: StoredMessage[], message: StoredMessage): void {
  const last = list.at(-1);
  if (last === undefined || last.at < message.at) list.push(message);
  else list.splice(firstFrom(list, message.at), 0, message);
}

function remove(list: StoredMessage[], message: StoredMessage): void {
  const index = list.indexOf(message);
  if (index !== -1) list.splice(index, 1);
}

function bury(message: StoredMessage): void {
  message.subtype = 'tombstone';
  message.text = 'This message was deleted.';
  message.user = 'USLACKBOT';
  message.edited = undefined;
  message.reactions = undefined;
  message.extra = { hidden: true };
}

function byTime(left: StoredMessage, right: StoredMessage): number {
  return left.at - right.at;
}
