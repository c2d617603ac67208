import type { LogLevel, Logger as SlackLogger, WebClient } from '@slack/web-api';
import type { Clock } from '../../core/clock.js';
import { FatalError, HeadwaterError, NotFoundError, RetryableError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { SourceStatus } from '../../core/status.js';
import { bearer } from '../../toolkit/http/credentials.js';
import { createFetch, ownErrorIn } from '../../toolkit/http/fetch.js';
import { createHttpClient, type HttpClient } from '../../toolkit/http/http-client.js';
import type { HttpResponse } from '../../toolkit/http/http-response.js';
import { parseRetryAfter } from '../../toolkit/http/retry-after.js';
import { peerFailure } from '../../toolkit/import-peer.js';
import { hasCode, refused, type Subject } from './failure.js';
import type { SlackMessage } from './message.js';
import type { Ts } from './timestamp.js';

export interface ClientOptions {
  apiUrl: string;
  token: Secret;
  /** Ends every request and every wait, with its reason. */
  signal: AbortSignal;
  clock: Clock;
  dispatcher?: object | undefined;
  count?: ((counter: 'requests' | 'retries' | 'bytes', by: number) => void) | undefined;
  onStatus?: ((status: SourceStatus) => void) | undefined;
}

/** Who a token belongs to, and what it may do. */
export interface Identity {
  teamId: string;
  /** 'https://example.slack.com/' */
  url: string;
  /** Undefined where Slack does not say. */
  scopes: readonly string[] | undefined;
}

export interface SlackChannel {
  id: string;
  name: string;
  isMember: boolean;
  isPrivate: boolean;
  isArchived: boolean;
  /** In milliseconds; 0 where Slack does not say. */
  createdAt: number;
}

export interface Page<Item> {
  items: readonly Item[];
  /** What the next page is asked for by; undefined after the last. A page may be short, or empty, and not be the last. */
  next: string | undefined;
}

export interface MessagePage extends Page<SlackMessage> {
  /** Of the answer. */
  bytes: number;
}

/** Without the bounds themselves. */
export interface MessageRange {
  channel: string;
  oldest: Ts;
  latest: Ts;
}

const CHANNELS_AT_ONCE = 200;

/**
 * Slack's Web API through the official client, whose requests go through our own HTTP client: retries, rate limits and
 * deadlines have one owner. For one caller, who asks one thing at a time.
 *
 * @see https://docs.slack.dev/apis/web-api
 */
export class SlackClient {
  readonly #http: HttpClient;
  readonly #web: WebClient;
  readonly #signal: AbortSignal;
  /** Names of channels by id, for messages. */
  readonly names = new Map<string, string>();
  #subject: Subject = { method: '' };
  #bytes = 0;

  private constructor(http: HttpClient, web: WebClient, signal: AbortSignal) {
    this.#http = http;
    this.#web = web;
    this.#signal = signal;
  }

  /** @throws MissingPeerError */
  static async open(options: ClientOptions): Promise<SlackClient> {
    const { apiUrl, clock, signal } = options;
    const { WebClient } = await loadWebClient();
    let client: SlackClient | undefined;
    const http = createHttpClient({
      origin: apiUrl,
      dispatcher: options.dispatcher,
      clock,
      credentials: bearer(options.token),
      maxRedirects: 0,
      limits: { concurrency: 1 },
      count: options.count,
      onStatus: options.onStatus,
      classify: (response) => errorOf(response, client?.subject, clock.now()),
    });
    const fetch = createFetch(http, {
      // Slack reads by POST; what is joined twice is joined once.
      request: { signal, idempotent: true },
      bucketOf: (url) => url.pathname.slice(url.pathname.lastIndexOf('/') + 1),
      onResponse: (response) => client?.received(response.body.length),
    });
    const web = new WebClient(undefined, {
      slackApiUrl: apiUrl,
      fetch,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      allowAbsoluteUrls: false,
      timeout: 0,
      logger: SILENT,
    });
    client = new SlackClient(http, web, signal);
    return client;
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  get subject(): Subject {
    return this.#subject;
  }

  received(bytes: number): void {
    this.#bytes = bytes;
  }

  /** https://docs.slack.dev/reference/methods/auth.test */
  async identify(): Promise<Identity> {
    const answer = await this.#ask('auth.test', undefined, () => this.#web.auth.test());
    if (answer.team_id === undefined) throw unexpected('auth.test', 'no workspace');
    return { teamId: answer.team_id, url: answer.url ?? '', scopes: answer.response_metadata?.scopes };
  }

  /** https://docs.slack.dev/reference/methods/conversations.list */
  async channels(types: readonly string[], cursor: string | undefined): Promise<Page<SlackChannel>> {
    const answer = await this.#ask('conversations.list', undefined, () =>
      this.#web.conversations.list({
        types: types.join(','),
        limit: CHANNELS_AT_ONCE,
        ...(cursor !== undefined && { cursor }),
      }),
    );
    const items = listOf('conversations.list', answer.channels).map(channelOf);
    return { items, next: nextOf(answer) };
  }

  /** https://docs.slack.dev/reference/methods/conversations.info */
  async channel(id: string): Promise<SlackChannel> {
    const answer = await this.#ask('conversations.info', id, () => this.#web.conversations.info({ channel: id }));
    return channelOf({ id, ...answer.channel });
  }

  /** https://docs.slack.dev/reference/methods/conversations.join */
  async join(id: string): Promise<void> {
    await this.#ask('conversations.join', id, () => this.#web.conversations.join({ channel: id }));
  }

  /** Newest first. https://docs.slack.dev/reference/methods/conversations.history */
  async history(range: MessageRange, limit: number, cursor: string | undefined): Promise<MessagePage> {
    const answer = await this.#ask('conversations.history', range.channel, () =>
      this.#web.conversations.history({ ...range, limit, ...(cursor !== undefined && { cursor }) }),
    );
    return this.#messages('conversations.history', answer);
  }

  /** The parent, then the replies after `oldest`, oldest first. https://docs.slack.dev/reference/methods/conversations.replies */
  async replies(
    thread: { channel: string; ts: Ts; oldest: Ts },
    limit: number,
    cursor: string | undefined,
  ): Promise<MessagePage> {
    const answer = await this.#ask('conversations.replies', thread.channel, () =>
      this.#web.conversations.replies({ ...thread, limit, ...(cursor !== undefined && { cursor }) }),
    );
    return this.#messages('conversations.replies', answer);
  }

  /** The name that a person goes by; undefined where there is none. https://docs.slack.dev/reference/methods/users.info */
  async userName(id: string): Promise<string | undefined> {
    try {
      const { user } = await this.#ask('users.info', undefined, () => this.#web.users.info({ user: id }));
      const names = [user?.profile?.display_name, user?.profile?.real_name, user?.real_name, user?.name];
      return names.find((name) => name !== undefined && name !== '');
    } catch (error) {
      if (NotFoundError.isInstance(error) && hasCode(error, 'SLACK_USER_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  /** @throws our own errors, or the reason of an abort */
  async #ask<Answer>(method: string, channel: string | undefined, call: () => Promise<Answer>): Promise<Answer> {
    this.#signal.throwIfAborted();
    const name = channel === undefined ? undefined : this.names.get(channel);
    this.#subject = { method, channel: name === undefined ? channel : `"${name}" (${channel})` };
    try {
      return await call();
    } catch (error) {
      const own = ownErrorIn(error, this.#signal);
      if (HeadwaterError.isInstance(own) || this.#signal.aborted) throw own;
      // Only the name of what went wrong: the vendor's messages hold what was answered.
      throw unexpected(method, error instanceof Error ? error.name : 'something else');
    }
  }

  #messages(method: string, answer: { messages?: readonly { ts?: string }[] } & Paged): MessagePage {
    const items = listOf(method, answer.messages);
    if (!items.every(isMessage)) throw unexpected(method, 'a message without ts');
    return { items, next: nextOf(answer), bytes: this.#bytes };
  }
}

/** Loaded on use: the package is an optional peer. */
async function loadWebClient(): Promise<typeof import('@slack/web-api')> {
  try {
    return await import('@slack/web-api');
  } catch (error) {
    throw peerFailure('@slack/web-api', error);
  }
}

const nothing = (): void => {};

/** The vendor's client logs what is sent and what is answered. */
const SILENT: SlackLogger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  getLevel: () => 'error' as LogLevel,
  setName: nothing,
};

/** What an answer with HTTP 200 says went wrong; other statuses speak for themselves. */
function errorOf(response: HttpResponse, subject: Subject | undefined, now: number): HeadwaterError | undefined {
  if (response.status !== 200) return undefined;
  const answer = readAnswer(response);
  const { ok, error, needed, provided } = answer;
  if (ok === true) return undefined;
  if (typeof error !== 'string') throw unexpected(subject?.method ?? '', 'neither ok nor an error');
  const refusal = {
    error,
    ...(typeof needed === 'string' && { needed }),
    ...(typeof provided === 'string' && { provided }),
  };
  return refused(refusal, subject ?? { method: '' }, parseRetryAfter(response.headers['retry-after'], now));
}

/** @throws RetryableError when it was cut off, FatalError (HTTP_NOT_JSON) when it never was JSON */
function readAnswer(response: HttpResponse): Record<string, unknown> {
  try {
    const value = response.json();
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (!/^application\/json\b/i.test(response.headers['content-type'] ?? '')) throw error;
    throw new RetryableError(`${response.label} was answered with JSON that is not whole. Try again later`, {
      code: 'SLACK_UNAVAILABLE',
    });
  }
}

interface Paged {
  response_metadata?: { next_cursor?: string };
}

function nextOf({ response_metadata }: Paged): string | undefined {
  const cursor = response_metadata?.next_cursor;
  return cursor === '' ? undefined : cursor;
}

function listOf<Item>(method: string, list: readonly Item[] | undefined): readonly Item[] {
  if (!Array.isArray(list)) throw unexpected(method, 'no list');
  return list;
}

function isMessage(message: { ts?: string }): message is SlackMessage {
  return typeof message.ts === 'string';
}

interface AnyChannel {
  id?: string;
  name?: string;
  is_member?: boolean;
  is_private?: boolean;
  is_im?: boolean;
  is_mpim?: boolean;
  is_archived?: boolean;
  created?: number;
}

function channelOf(channel: AnyChannel): SlackChannel {
  const { id, name, is_member, is_private, is_im, is_mpim, is_archived, created } = channel;
  if (id === undefined) throw unexpected('conversations.list', 'a channel without id');
  return {
    id,
    name: name ?? id,
    // What is said among a few is only ever shown to them.
    isMember: is_member === true || is_im === true || is_mpim === true,
    isPrivate: is_private === true || is_im === true,
    isArchived: is_archived === true,
    createdAt: (created ?? 0) * 1_000,
  };
}

function unexpected(method: string, what: string): FatalError {
  return new FatalError(
    `Slack answered ${method} with ${what}, which it never should: is "apiUrl" right, and does no proxy change answers?`,
    { code: 'SLACK_UNEXPECTED' },
  );
}
