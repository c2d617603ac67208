import type { SourceEvent } from '../../core/event.js';

/** The head of a request as it came over HTTP. */
export interface WebhookHead {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  /** What the path has in place of the `:names` of the endpoint's path. */
  readonly params: Readonly<Record<string, string>>;
  /** Where it comes from, behind proxies that are trusted; `undefined` where a mount cannot tell. */
  readonly address: string | undefined;
  /**
   * A header by its lower-case name. `undefined` when it is missing, and when it came more than once: which of two
   * signatures to believe is a question that only an attacker asks.
   */
  header(name: string): string | undefined;
  /** Names of the headers that came, in lower case. */
  headerNames(): readonly string[];
  /** When it came, in milliseconds since the epoch, by the clock of the source. */
  readonly receivedAt: number;
}

/** A request as it came over HTTP. Nothing of it is believed before `verify` has said so. */
export interface WebhookRequest extends WebhookHead {
  /** The body as it came over the wire: what is signed. */
  readonly body: Buffer;
  /** The body without its content encoding: only when it was believed, while `verify` looks it is `body`. */
  readonly content: Buffer;
}

/** Why a request is not believed: answered with 401, unless another status is named. */
export interface Refusal {
  /** A sentence without secrets: it is answered and logged. */
  readonly reason: string;
  readonly status?: 400 | 401 | 403 | 404 | 415 | 422 | 429 | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
}

/** An event before the source has put its name and its `source` on it. */
export interface DeliveredEvent<Event extends SourceEvent = SourceEvent> {
  readonly type: Event['type'];
  /** Upstream identity plus version; the same when the same fact is delivered again. */
  readonly id: string;
  readonly data: Event['data'];
  readonly time?: string | undefined;
  readonly subject?: string | undefined;
  /** The JSON text that `data` was parsed from, where that is all of it: spares a spool to write it again. */
  readonly json?: string | undefined;
}

/** What a request that is believed says. */
export interface Delivery<Event extends SourceEvent = SourceEvent> {
  /** What the sender calls this delivery, the same when it is sent again; `undefined`: nothing tells it from another. */
  readonly id: string | undefined;
  readonly events: readonly DeliveredEvent<Event>[];
  /** What the sender has left out, as a sentence: becomes a gap event behind the events. */
  readonly truncated?: { readonly detail: string; readonly count?: number | undefined } | undefined;
  /** In place of 202 with an empty body. Still only after the events are acknowledged or spooled. */
  readonly answer?: WebhookAnswer | undefined;
  /** With a spool: when it is answered. 'acknowledged' makes the sender wait for the consumer. Default 'spooled'. */
  readonly answerWhen?: 'spooled' | 'acknowledged' | undefined;
}

/** How one kind of sender signs, names and means its requests. Each is one small file; a host may bring its own. */
export interface WebhookProvider<Event extends SourceEvent = SourceEvent> {
  /** 'github'. Part of the events' `source`. */
  readonly name: string;
  /** The largest body that this sender sends, in bytes. */
  readonly maxBodyBytes: number;
  /** How long the sender waits for its answer: 503 is answered before, in milliseconds since the request came. */
  readonly deadlineMs: number;
  /** For how long the sender may send a delivery again: its id is remembered as long, in milliseconds. */
  readonly redeliveryMs: number;
  /** Whether a repeated request that was answered with a status is tried again by the sender; said in the docs and warned of. */
  readonly retries: boolean;
  /**
   * Whether it comes from whom it says. Looks at `body` as bytes, parses nothing, compares in constant time, never throws
   * for what a request may hold.
   */
  verify(request: WebhookRequest): Refusal | undefined | Promise<Refusal | undefined>;
  /**
   * What it says; called only after `verify` believed it.
   * @throws DecodeError for a body that is not what it should be: answered with 400. InvalidBodyError: 422, with the
   *   list of problems. RetryableError, as `verify` may too, for what is needed and away, such as a database: 503.
   */
  read(request: WebhookRequest): Delivery<Event> | Promise<Delivery<Event>>;
  /**
   * What is answered before a body is read, to any method: the OPTIONS handshake of CloudEvents, or a 404 for what does
   * not exist. `undefined`: goes on as a delivery.
   */
  handshake?(request: WebhookHead): WebhookAnswer | undefined | Promise<WebhookAnswer | undefined>;
}

/** What makes a provider of the configuration of an endpoint and the secrets of its credentials (newest first). */
export type ProviderFactory<Options, Event extends SourceEvent = SourceEvent> = (
  options: Options,
  secrets: readonly string[],
) => WebhookProvider<Event>;
