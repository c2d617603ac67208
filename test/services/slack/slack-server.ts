import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { CallArguments } from './arguments.js';
import { SlackFailure } from './failure.js';
import { type Answer, type Fault, respond } from './faults.js';
import { type Behaviour, requireScope, SLACK_METHODS } from './methods.js';
import { RateLimits } from './rate-limits.js';
import { readRequest, type SentRequest } from './request.js';
import { SlackWorkspace } from './workspace.js';

/** A call as it came; tokens are not kept. */
export interface RecordedCall {
  /** Counts from 1 over all methods. */
  number: number;
  method: string;
  /** Counts from 1 within the method. */
  count: number;
  args: Readonly<Record<string, string>>;
  tokenIn: SentRequest['tokenIn'];
  at: number;
  status: number;
  error?: string;
}

/** What happens, to the workspace or to the answer, with some of the calls of a method. */
interface Plan {
  method: string;
  from: number;
  to: number;
  action?: (call: RecordedCall) => unknown;
  fault?: Fault;
}

/**
 * Slack's Web API over HTTP for tests: a workspace with state, its methods as they are documented, and faults on demand.
 * Written from https://docs.slack.dev, not from a client.
 *
 * ```ts
 * const slack = await SlackServer.start();
 * const general = slack.workspace.channel('general');
 * general.post({ text: 'hello' });
 * slack.before('conversations.history', 2, () => general.post({ text: 'in between' }));
 * slack.fail('conversations.history', 3, { kind: 'status', status: 503 });
 * // … apiUrl: slack.url, token: slack.token
 * await slack.stop();
 * ```
 */
export class SlackServer {
  /** A token of the bot with every scope. */
  readonly token = 'xoxb-test-1234567890-planted-secret';
  readonly workspace: SlackWorkspace;
  readonly rateLimits = new RateLimits();
  readonly calls: RecordedCall[] = [];
  /** What a client did that the documentation does not allow. */
  readonly violations: string[] = [];
  readonly behaviour: Behaviour = { restricted: false, pageSize: (limit) => limit, parentOnEveryPage: true };
  /** Milliseconds since 1970. */
  now: () => number;
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #plans: Plan[] = [];
  readonly #counts = new Map<string, number>();
  readonly #workspaces = new Map<string, SlackWorkspace>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(now: () => number) {
    this.now = now;
    this.workspace = this.addWorkspace();
    this.workspace.token({ token: this.token });
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(options: { now?: () => number } = {}): Promise<SlackServer> {
    const server = new SlackServer(options.now ?? Date.now);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** Another workspace on the same server; `workspace` is the first. */
  addWorkspace(): SlackWorkspace {
    const teamId = `T${String(this.#workspaces.size + 1).padStart(9, '0')}`;
    const workspace = new SlackWorkspace(() => this.now(), teamId);
    this.#workspaces.set(teamId, workspace);
    return workspace;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/`;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** How often a method was called, refused calls included; all of them without a name. */
  count(method?: string): number {
    return method === undefined ? this.calls.length : (this.#counts.get(method) ?? 0);
  }

  /** Calls of one method, in order. */
  callsOf(method: string): RecordedCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** Runs before the nth call of a method ('*': of any) from now on is answered. */
  before(method: string, nth: number, action: (call: RecordedCall) => unknown): void {
    const nthOfAll = this.#countOf(method) + nth;
    this.#plans.push({ method, from: nthOfAll, to: nthOfAll, action });
  }

  /** Runs before every call of a method from now on is answered. */
  beforeEach(method: string, action: (call: RecordedCall) => unknown): void {
    this.#plans.push({ method, from: 0, to: Number.POSITIVE_INFINITY, action });
  }

  /** The nth call of a method from now on goes wrong, or each from the nth to the last. It has its effect all the same. */
  fail(method: string, nth: number, fault: Fault, last = nth): void {
    const done = this.#countOf(method);
    this.#plans.push({ method, from: done + nth, to: done + last, fault });
  }

  /** Nothing that was planned happens any more. */
  clear(): void {
    this.#plans.length = 0;
  }

  /** `limit: 15` and one call a minute, for the two methods that read messages. */
  restrict(): void {
    this.behaviour.restricted = true;
    for (const method of ['conversations.history', 'conversations.replies']) {
      this.rateLimits.limits.set(method, { calls: 1, perMs: 60_000 });
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    response.on('close', () => {
      this.#atOnce -= 1;
    });
    try {
      const sent = await readRequest(request);
      const call = this.#record(sent);
      const fault = await this.#runPlans(call);
      const answer = this.#answer(sent, call);
      call.status = fault?.kind === 'status' ? fault.status : fault?.kind === 'rate-limited' ? 429 : answer.status;
      if (fault?.kind === 'error') call.error = fault.error;
      await respond(response, answer, fault);
    } catch (error) {
      // Who is gone before the request was sent whole did nothing wrong.
      if (request.complete) this.violations.push(`the server failed: ${String(error)}`);
      response.destroy();
    }
  }

  #record({ method, args, tokenIn, violations }: SentRequest): RecordedCall {
    const count = this.#countOf(method) + 1;
    this.#counts.set(method, count);
    const call: RecordedCall = {
      number: this.calls.length + 1,
      method,
      count,
      args: Object.fromEntries(args),
      tokenIn,
      at: this.now(),
      status: 0,
    };
    this.calls.push(call);
    for (const violation of violations) this.#violation(method, violation);
    return call;
  }

  async #runPlans(call: RecordedCall): Promise<Fault | undefined> {
    let planned: Fault | undefined;
    for (const { method, from, to, action, fault } of [...this.#plans]) {
      const count = method === '*' ? call.number : call.count;
      if ((method !== '*' && method !== call.method) || count < from || count > to) continue;
      await action?.(call);
      planned = fault ?? planned;
    }
    return planned;
  }

  #answer(sent: SentRequest, call: RecordedCall): Answer {
    const { token: text = '' } = sent;
    const workspace = [...this.#workspaces.values()].find(({ tokens }) => tokens.has(text));
    const scopes = workspace?.tokens.get(text)?.scopes.join(',');
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      ...(scopes !== undefined && { 'x-oauth-scopes': scopes }),
    };
    try {
      const body = this.#call(sent, call, workspace);
      return { status: 200, headers, body: JSON.stringify({ ok: true, ...body }) };
    } catch (error) {
      if (error instanceof TooMany) return tooMany(error.seconds);
      if (!(error instanceof SlackFailure)) throw error;
      call.error = error.error;
      return { status: 200, headers, body: JSON.stringify({ ok: false, error: error.error, ...error.fields }) };
    }
  }

  #call(sent: SentRequest, { method, count }: RecordedCall, workspace: SlackWorkspace | undefined) {
    const known = Object.hasOwn(SLACK_METHODS, method) ? SLACK_METHODS[method] : undefined;
    if (known === undefined) {
      this.#violation(method, 'there is no such method');
      throw new SlackFailure('unknown_method', { req_method: method });
    }
    for (const name of sent.args.keys()) {
      if (!known.args.includes(name)) this.#violation(method, `there is no argument ${name}`);
    }
    const token = this.#authenticate(sent, workspace);
    const seconds = this.rateLimits.take(method, workspace?.teamId ?? '', this.now());
    if (seconds !== undefined) throw new TooMany(seconds);
    if (known.scopes !== undefined) requireScope({ token }, ...known.scopes);
    const args = new CallArguments(sent.args, (violation) => this.#violation(method, violation));
    const owner = workspace as SlackWorkspace;
    return known.answer({ method, count, args, token, workspace: owner, behaviour: this.behaviour, now: this.now() });
  }

  #authenticate({ method, token: text }: SentRequest, workspace: SlackWorkspace | undefined) {
    if (text === undefined || text === '') {
      this.#violation(method, 'the token is missing');
      throw new SlackFailure('not_authed');
    }
    const token = workspace?.tokens.get(text);
    if (token === undefined) throw new SlackFailure('invalid_auth');
    if (token.state !== 'active') throw new SlackFailure(token.state);
    return token;
  }

  #countOf(method: string): number {
    return method === '*' ? this.calls.length : (this.#counts.get(method) ?? 0);
  }

  #violation(method: string, text: string): void {
    this.violations.push(`${method}: ${text}`);
  }
}

class TooMany extends Error {
  readonly seconds: number;

  constructor(seconds: number) {
    super('ratelimited');
    this.seconds = seconds;
  }
}

function tooMany(seconds: number): Answer {
  return {
    status: 429,
    headers: { 'content-type': 'application/json; charset=utf-8', 'retry-after': String(seconds) },
    body: JSON.stringify({ ok: false, error: 'ratelimited' }),
  };
}
