import type { Clock } from '../../core/clock.js';
import { DecodeError, RetryableError } from '../../core/errors.js';
import type { SourceEvent } from '../../core/event.js';
import type { Logger } from '../../core/logger.js';
import { type AllowList, plainAddress } from '../../toolkit/allow-list.js';
import { AccessLog } from './access-log.js';
import { Budget, readBody } from './body.js';
import { decodeContent } from './content.js';
import { Deadlines } from './deadlines.js';
import type { Endpoint } from './endpoint.js';
import type { Inbox, Taken } from './inbox.js';
import { CLOSE, HttpError, type Incoming, refusal, SenderGoneError, unavailable } from './incoming.js';
import { InvalidBodyError } from './invalid-body.js';
import type { Outcome } from './pending.js';
import type { Delivery, WebhookAnswer, WebhookHead, WebhookRequest } from './provider.js';
import type { Answering, Respond } from './respond.js';
import type { Routes } from './routes.js';
import { addressBehind } from './sender-address.js';

export interface ReceiverOptions {
  readonly routes: Routes;
  readonly inbox: Inbox;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxRequests: number;
  readonly maxUnverifiedBytes: number;
  readonly bodyTimeoutMs: number;
  readonly isTrustedProxy: AllowList;
  /** Makes the events of a delivery, gaps included. */
  toEvents(endpoint: Endpoint, delivery: Delivery): readonly SourceEvent[];
  count(counter: 'requests' | 'bytes', by: number): void;
}

/** What an answer was about, for the access log. */
export interface Note {
  endpoint?: string;
  delivery?: string | undefined;
  bytes?: number;
  events?: number;
  address?: string | undefined;
}

/** What every mount does with a request: the one place where it is decided what is answered, and when. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #deadlines: Deadlines;
  readonly #budget: Budget;
  readonly #log: AccessLog;
  #active = 0;
  #isClosing = false;
  #onIdle: (() => void)[] = [];

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
    this.#budget = new Budget(options.maxUnverifiedBytes);
    this.#log = new AccessLog(options.logger);
  }

  /** Requests in work. */
  get active(): number {
    return this.#active;
  }

  /** From now on every request is told to come again elsewhere, or later. */
  close(): void {
    this.#isClosing = true;
  }

  /** Resolves when no request is in work. */
  idle(): Promise<void> {
    if (this.#active === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /**
   * The answer to a request; `undefined` where the sender is gone. Never rejects, and tells nothing of what went wrong
   * inside.
   */
  async receive(incoming: Incoming): Promise<WebhookAnswer | undefined> {
    const { clock, maxRequests, count } = this.#options;
    const receivedAt = clock.now();
    const note: Note = {};
    let answer: WebhookAnswer | undefined;
    count('requests', 1);
    this.#active += 1;
    try {
      if (this.#isClosing) answer = unavailable('the receiver is shutting down', CLOSE);
      else if (this.#active > maxRequests) answer = unavailable('too many requests at once');
      else answer = await this.#handle(incoming, receivedAt, note);
    } catch (error) {
      answer = this.#answerTo(error, note);
    }
    this.#active -= 1;
    if (this.#active === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    this.#log.write(incoming, answer, clock.now() - receivedAt, note);
    return answer === undefined || note.bytes !== undefined ? answer : closeBehind(answer, incoming);
  }

  async #handle(incoming: Incoming, receivedAt: number, note: Note): Promise<WebhookAnswer> {
    const { url, method } = incoming;
    const query = url.indexOf('?');
    const route = this.#options.routes.find(query < 0 ? url : url.slice(0, query));
    if (route === undefined) return refusal(404, 'there is nothing here');
    const { endpoint } = route;
    note.endpoint = endpoint.name;
    const request = new Received(incoming, route.params, this.#address(incoming), receivedAt);
    note.address = request.address;
    if (!endpoint.allows(request.address ?? '')) return refusal(403, 'not from there');
    const early = endpoint.provider.handshake?.(request);
    const answered = early instanceof Promise ? await early : early;
    if (answered !== undefined) return answered;
    if (method !== 'POST') return refusal(405, 'only POST', { allow: 'POST' });
    return this.#receiveBody(incoming, endpoint, request, note);
  }

  async #receiveBody(incoming: Incoming, endpoint: Endpoint, request: Received, note: Note): Promise<WebhookAnswer> {
    const { bodyTimeoutMs, count } = this.#options;
    const until = request.receivedAt + Math.min(bodyTimeoutMs, endpoint.patienceMs);
    const limits = { maxBytes: endpoint.maxBodyBytes, until, budget: this.#budget, deadlines: this.#deadlines };
    const body = await readBody(incoming, limits);
    count('bytes', body.length);
    note.bytes = body.length;
    request.body = body;
    request.content = body;
    let refused: Awaited<ReturnType<Endpoint['provider']['verify']>>;
    try {
      const verified = endpoint.provider.verify(request);
      refused = verified instanceof Promise ? await verified : verified;
    } finally {
      this.#budget.giveBack(body.length);
    }
    if (refused !== undefined) return refusal(refused.status ?? 401, refused.reason, refused.headers);
    const encoding = incoming.header('content-encoding');
    if (encoding !== undefined || body.length > endpoint.maxContentBytes) {
      request.content = await decodeContent(body, encoding, endpoint.maxContentBytes);
    }
    return this.#deliver(request, endpoint, note);
  }

  async #deliver(request: WebhookRequest, endpoint: Endpoint, note: Note): Promise<WebhookAnswer> {
    const read = endpoint.provider.read(request);
    const delivery = read instanceof Promise ? await read : read;
    const events = this.#options.toEvents(endpoint, delivery);
    note.delivery = delivery.id;
    note.events = events.length;
    const { receivedAt, content } = request;
    const taken = { endpoint, delivery, events, bytes: content.length, receivedAt };
    const pending = this.#options.inbox.take(taken);
    const outcome = await pending.wait(receivedAt + endpoint.patienceMs, this.#deadlines, () => {
      this.#options.inbox.giveUp(pending, endpoint);
      return { kind: 'refused', reason: 'nobody took it in time' };
    });
    return answerTo(outcome, taken);
  }

  #address({ peer, header }: Incoming): string | undefined {
    if (peer === undefined) return undefined;
    return addressBehind(plainAddress(peer), header, this.#options.isTrustedProxy);
  }

  #answerTo(error: unknown, note: Note): WebhookAnswer | undefined {
    if (error instanceof HttpError) return error.answer;
    if (error instanceof SenderGoneError) return undefined;
    if (InvalidBodyError.isInstance(error)) {
      return refusal(422, 'the body is not what is expected', {}, { problems: error.problems });
    }
    if (DecodeError.isInstance(error)) return refusal(400, error.message);
    if (RetryableError.isInstance(error)) {
      this.#options.logger.warn({ error, endpoint: note.endpoint }, 'a request to a webhook came at a bad time');
      return unavailable('something that is needed is away');
    }
    this.#options.logger.error({ error, endpoint: note.endpoint }, 'a request to a webhook failed inside');
    return refusal(500, 'something went wrong inside');
  }
}

/** A body that was not read and is not short is not worth reading for the sake of the connection. */
function closeBehind(answer: WebhookAnswer, { header, headerNames }: Incoming): WebhookAnswer {
  const isShort = Number(header('content-length') ?? 0) <= LONGEST_DUMP && !headerNames().includes('transfer-encoding');
  return isShort ? answer : { ...answer, headers: { ...answer.headers, ...CLOSE } };
}

function answerTo(outcome: Outcome, taken: Taken): WebhookAnswer | Promise<WebhookAnswer> {
  if (outcome.kind === 'answered') return outcome.answer;
  if (outcome.kind === 'refused') return unavailable(outcome.reason);
  const { kind } = outcome;
  const { endpoint, delivery } = taken;
  const usual = delivery.answer ?? (kind === 'duplicate' ? DUPLICATE : ACCEPTED);
  return endpoint.respond === undefined ? usual : ask(endpoint.respond, kind, taken, usual);
}

async function ask(
  respond: Respond,
  outcome: Answering['outcome'],
  { endpoint, delivery, events }: Taken,
  usual: WebhookAnswer,
): Promise<WebhookAnswer> {
  return (await respond({ endpoint: endpoint.name, id: delivery.id, events, outcome })) ?? usual;
}

const LONGEST_DUMP = 65_536;

const ACCEPTED: WebhookAnswer = Object.freeze({ status: 202 });
const DUPLICATE: WebhookAnswer = Object.freeze({ status: 200 });

const NO_BYTES = Buffer.alloc(0);

/** A request as providers see it; the body comes later. */
class Received implements WebhookRequest {
  readonly method: string;
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
  readonly address: string | undefined;
  readonly receivedAt: number;
  readonly header: (name: string) => string | undefined;
  readonly headerNames: () => readonly string[];
  body: Buffer = NO_BYTES;
  content: Buffer = NO_BYTES;

  constructor(incoming: Incoming, params: WebhookHead['params'], address: string | undefined, receivedAt: number) {
    this.method = incoming.method;
    this.url = incoming.url;
    this.header = incoming.header;
    this.headerNames = incoming.headerNames;
    this.params = params;
    this.address = address;
    this.receivedAt = receivedAt;
  }
}
