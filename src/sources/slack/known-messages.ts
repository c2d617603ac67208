import type { KeyedState } from '../../core/keyed-state.js';
import { compareTs, FIRST_TS, isAfter, type Ts } from './timestamp.js';

/** What is remembered of a message within the windows. Short names: there is one for each message, saved as JSON. */
export interface KnownMessage {
  /** A hash of what it said; absent where only its thread is followed. */
  h?: string;
  /** When it was edited last, by Slack's word. */
  e?: Ts;
  /** Who reacted, by reaction. */
  r?: readonly (readonly [name: string, users: readonly string[]])[];
  /** How often something happened to it. */
  n?: number;
  /** The last reply that was delivered. */
  l?: Ts;
}

const PREFIX = 'm:';

/** What is remembered of all channels: read once, kept in step with the state from then on. */
export class KnownMessages {
  readonly #state: KeyedState;
  readonly #channels = new Map<string, Map<Ts, KnownMessage>>();

  constructor(state: KeyedState) {
    this.#state = state;
  }

  async load(): Promise<void> {
    for await (const [key, value] of this.#state.entries(PREFIX)) {
      const [channel = '', ts = ''] = key.slice(PREFIX.length).split(':');
      this.#messagesOf(channel).set(ts, value as KnownMessage);
    }
  }

  of(channel: string): ChannelMemory {
    return new ChannelMemory(this.#messagesOf(channel), this.#state, `${PREFIX}${channel}:`);
  }

  /** Of channels that are not read any more, nothing is kept for longer than of the others. */
  forgetOthers(channels: ReadonlySet<string>, upTo: Ts): void {
    for (const channel of this.#channels.keys()) {
      if (!channels.has(channel)) this.of(channel).forget({ messages: upTo, threads: upTo });
    }
  }

  #messagesOf(channel: string): Map<Ts, KnownMessage> {
    const messages = this.#channels.get(channel) ?? new Map<Ts, KnownMessage>();
    this.#channels.set(channel, messages);
    return messages;
  }
}

/** What is remembered of one channel. Changes belong to the batch that is yielded next. */
export class ChannelMemory {
  readonly #messages: Map<Ts, KnownMessage>;
  readonly #state: KeyedState;
  readonly #prefix: string;
  #hasChanged = false;
  /** How many records hold more than where a thread is. */
  #contents: number;

  constructor(messages: Map<Ts, KnownMessage>, state: KeyedState, prefix: string) {
    this.#messages = messages;
    this.#state = state;
    this.#prefix = prefix;
    this.#contents = [...messages.values()].filter(holdsContent).length;
  }

  /** Whether something was changed since the last time this was asked. */
  takeChanged(): boolean {
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  get(ts: Ts): KnownMessage | undefined {
    return this.#messages.get(ts);
  }

  set(ts: Ts, known: KnownMessage): void {
    this.#note(this.#messages.get(ts), known);
    this.#messages.set(ts, known);
    this.#state.set(`${this.#prefix}${ts}`, known);
  }

  delete(ts: Ts): void {
    const known = this.#messages.get(ts);
    if (known === undefined) return;
    this.#note(known, undefined);
    this.#messages.delete(ts);
    this.#state.delete(`${this.#prefix}${ts}`);
  }

  /** Newest first. */
  timestamps(): Ts[] {
    return [...this.#messages.keys()].sort((left, right) => compareTs(right, left));
  }

  /** Forgets messages and threads that are not after these; tells whether there were such messages. */
  forget(bounds: { messages: Ts; threads: Ts }): boolean {
    let hadMessages = false;
    for (const [ts, known] of [...this.#messages]) {
      const { l, ...content } = known;
      const keepsContent = holdsContent(known) && isAfter(ts, bounds.messages);
      const keepsThread = l !== undefined && isAfter(ts, bounds.threads);
      hadMessages ||= holdsContent(known) && !keepsContent;
      if (!keepsContent && !keepsThread) this.delete(ts);
      else if (!keepsContent && holdsContent(known)) this.set(ts, { l: l as Ts });
      else if (!keepsThread && l !== undefined) this.set(ts, content);
    }
    return hadMessages;
  }

  /** Keeps so many messages, the newest; gives the newest of those that were forgotten. */
  trim(most: number): Ts | undefined {
    if (this.#contents <= most * SPARE) return undefined;
    const contents = this.timestamps().filter((ts) => holdsContent(this.get(ts)));
    const newest = contents[most];
    if (newest !== undefined) this.forget({ messages: newest, threads: FIRST_TS });
    return newest;
  }

  #note(before: KnownMessage | undefined, after: KnownMessage | undefined): void {
    this.#contents += Number(holdsContent(after)) - Number(holdsContent(before));
    this.#hasChanged = true;
  }
}

/** Trimming sorts: it is put off until it is worth it. */
const SPARE = 1.25;

function holdsContent(known: KnownMessage | undefined): boolean {
  return known?.h !== undefined;
}
