import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from 'headwater';
import { FakeClock } from 'headwater/testing';
import type { App, AppOptions } from './app.js';
import { Credentials, type PersonalTokenOptions } from './credentials.js';
import { deliver } from './delivery.js';
import { type Fault, FaultPlan, type Occasion } from './faults.js';
import { Gate, type Outcome } from './gate.js';
import { type LimitState, RateLimits } from './rate-limits.js';
import { type Counts, count, type RecordedRequest } from './recording.js';
import type { Account, AccountType } from './records.js';
import type { Repository, RepositoryOptions } from './repository.js';
import { Router } from './router.js';
import { routes } from './routes/index.js';
import { defaultSettings, type Settings } from './settings.js';
import { World } from './world.js';

export interface GithubServerOptions extends Partial<Settings> {
  /** Default: one that stands still at `GithubServer.startOfTime`. */
  readonly clock?: Pick<Clock, 'now'>;
}

interface Hook {
  left: number;
  readonly route: string | undefined;
  readonly action: () => unknown;
}

/**
 * GitHub's REST API on a free port of 127.0.0.1, written from its documentation. It keeps state, pages, limits and
 * forgets as GitHub says it does; a test fills it, moves its clock, lets things go wrong and counts what was asked.
 *
 * ```ts
 * const clock = new FakeClock(GithubServer.startOfTime);
 * await using server = await GithubServer.start({ clock });
 * const repository = server.repository('octo/spoon');
 * repository.issues(250);
 * const token = server.personalToken();
 * // … a client with baseUrl: server.url …
 * server.before(2, () => repository.edit(repository.issueRecords[4]));   // between two pages
 * server.inject(faults.status(502), { after: 1 });
 * expect(server.counts.billed).toBe(3);
 * expect(server.violations).toEqual([]);
 * expect(server.answerProblems).toEqual([]);
 * ```
 */
export class GithubServer {
  /** 2026-01-15T12:00:00Z */
  static readonly startOfTime = Date.UTC(2026, 0, 15, 12);

  static async start(options: GithubServerOptions = {}): Promise<GithubServer> {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new GithubServer(http, options);
  }

  /** What a client has as its base URL: 'http://127.0.0.1:43210'. */
  readonly url: string;
  /** May be changed at any time. */
  readonly settings: Settings;
  /** Every request so far, in order of arrival at the answer. */
  readonly requests: RecordedRequest[] = [];
  /** What clients did that GitHub does not document. To be empty at the end of a test. */
  readonly violations: string[] = [];
  /** What this server answered that GitHub's OpenAPI description does not allow. To be empty at the end of a test. */
  readonly answerProblems: string[] = [];

  readonly #http: Server;
  readonly #world: World;
  readonly #credentials: Credentials;
  readonly #limits = new RateLimits();
  readonly #gate: Gate;
  readonly #plan = new FaultPlan();
  readonly #ending = new AbortController();
  #hooks: Hook[] = [];
  #sockets = 0;
  #atOnce = 0;
  #mostAtOnce = 0;

  private constructor(
    http: Server,
    { clock = new FakeClock(GithubServer.startOfTime), ...settings }: GithubServerOptions,
  ) {
    this.#http = http;
    // A test that is busy for long finds its connections still there.
    http.keepAliveTimeout = 600_000;
    this.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    this.settings = { ...defaultSettings, ...settings };
    this.#world = new World(() => clock.now() + this.settings.clockSkewMs);
    this.#credentials = new Credentials(this.#world);
    this.#gate = new Gate({
      world: this.#world,
      credentials: this.#credentials,
      limits: this.#limits,
      settings: this.settings,
      router: new Router(routes),
      links: { api: this.url, web: 'https://github.com' },
    });
    http.on('connection', (socket) => {
      this.#sockets += 1;
      socket.once('close', () => {
        this.#sockets -= 1;
      });
    });
    http.on('request', (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (!this.#ending.signal.aborted) this.answerProblems.push(`${request.method} ${request.url}: ${error}`);
        response.destroy();
      });
    });
  }

  /** The repository of this name ('owner/name'), made if there is none. See `Repository` for what it can do. */
  repository(fullName: string, options?: RepositoryOptions): Repository {
    return this.#world.repository(fullName, options);
  }

  /** So many repositories of one owner, named 'repository-1' and on, which their builder may fill. */
  repositories(owner: string, number: number, fill: (repository: Repository) => void = () => {}): Repository[] {
    return Array.from({ length: number }, (_, index) => {
      const repository = this.repository(`${owner}/repository-${index + 1}`);
      fill(repository);
      return repository;
    });
  }

  /** The account of this name, made if there is none. */
  account(login: string, type?: AccountType): Account {
    return this.#world.account(login, type);
  }

  /** A token of a user: 5,000 requests an hour, may read everything, unless the options say otherwise. */
  personalToken(options: PersonalTokenOptions = {}): string {
    return this.#credentials.personal(options);
  }

  /** A GitHub App, installed on an account. */
  app(options: AppOptions): App {
    return this.#credentials.app(options);
  }

  /** From now on the token is refused: 401. */
  revoke(token: string): void {
    this.#credentials.revoke(token);
  }

  /** Leaves so few requests in the token's hour. */
  exhaust(token: string, remaining = 0): void {
    const now = this.#world.now();
    this.#limits.exhaust(this.#credentials.identify(`Bearer ${token}`, now), now, remaining);
  }

  limit(token: string): LimitState {
    const now = this.#world.now();
    return this.#limits.state(this.#credentials.identify(`Bearer ${token}`, now), now);
  }

  /** Lets requests go wrong: the next one, or as the occasion says. */
  inject(fault: Fault, occasion: Occasion = {}): void {
    this.#plan.add(fault, occasion);
  }

  clearFaults(): void {
    this.#plan.clear();
  }

  /** Does something before the n-th request from now (of a route) is answered; 1 is the next. */
  before(request: number, action: () => unknown, { route }: { readonly route?: string } = {}): void {
    this.#hooks.push({ left: request, route, action });
  }

  /** Sockets that clients hold open. */
  get connections(): number {
    return this.#sockets;
  }

  get counts(): Counts {
    return count(this.requests, this.#mostAtOnce);
  }

  /** Counts from zero again, to see what the next poll costs. */
  forgetRequests(): void {
    this.requests.length = 0;
    this.#mostAtOnce = this.#atOnce;
  }

  /** Ends every connection, answered or not. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#atOnce += 1;
    this.#mostAtOnce = Math.max(this.#mostAtOnce, this.#atOnce);
    response.once('close', () => {
      this.#atOnce -= 1;
    });
    const { method = 'GET', url: target = '/', headers } = request;
    const body = await readBody(request);
    const template = this.#gate.match(method, target)?.route.template;
    await this.#runHooks(template);
    const fault = this.#plan.take(template);
    const outcome = this.#gate.answer({ method, target, headers, body, atOnce: this.#atOnce }, fault);
    this.#record(method, target, template, request, outcome);
    if (this.settings.latencyMs > 0) await wait(this.settings.latencyMs, undefined, { signal: this.#ending.signal });
    await deliver(response, outcome.raw, {
      delivery: fault?.delivery ?? { kind: 'whole' },
      gzip: this.settings.gzip && /\bgzip\b/.test(String(headers['accept-encoding'])),
      signal: this.#ending.signal,
    });
  }

  async #runHooks(template: string | undefined): Promise<void> {
    const due: Hook[] = [];
    for (const hook of this.#hooks) {
      if (hook.route !== undefined && hook.route !== template) continue;
      hook.left -= 1;
      if (hook.left === 0) due.push(hook);
    }
    this.#hooks = this.#hooks.filter(({ left }) => left > 0);
    for (const { action } of due) await action();
  }

  #record(
    method: string,
    url: string,
    route: string | undefined,
    request: IncomingMessage,
    { credential, raw, isBilled, violations, answerProblem }: Outcome,
  ): void {
    const { authorization: _, ...headers } = request.headers;
    this.requests.push({ method, url, route, headers, credential, status: raw.status, isBilled });
    this.violations.push(...violations);
    if (answerProblem !== undefined) this.answerProblems.push(answerProblem);
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
