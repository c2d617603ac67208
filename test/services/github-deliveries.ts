import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signHmac } from '../../src/toolkit/signature.js';

interface Attempt {
  readonly id: number;
  readonly guid: string;
  readonly delivered_at: string;
  readonly redelivery: boolean;
  readonly duration: number;
  readonly status: string;
  readonly status_code: number;
  readonly event: string;
  readonly action: string | null;
}

/**
 * GitHub as a sender: delivers once, keeps every attempt, lists them newest first in pages, and delivers again when it is
 * asked to.
 * @see https://docs.github.com/en/rest/repos/webhooks
 */
export class GitHubDeliveriesServer {
  readonly attempts: Attempt[] = [];
  readonly requests: string[] = [];
  /** Where deliveries go; undefined: nobody listens there. */
  target: string | undefined;
  /** Where the webhook is: of a repository, or of an organization (`orgs/o`). */
  owner = 'repos/o/r';
  /** Attempts in a page, whatever is asked for. */
  pageSize = 100;
  /** What requests are answered with in place of what they ask for. */
  failWith: number | undefined;
  now: () => number = Date.now;
  readonly #secret: string;
  readonly #token: string;
  readonly #bodies = new Map<string, string>();
  readonly #server: Server;

  static async start(secret: string, token: string): Promise<GitHubDeliveriesServer> {
    const github = new GitHubDeliveriesServer(secret, token);
    github.#server.listen(0, '127.0.0.1');
    await once(github.#server, 'listening');
    return github;
  }

  private constructor(secret: string, token: string) {
    this.#secret = secret;
    this.#token = token;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Something happens at GitHub; the status that the receiver answers, or 0. */
  async deliver(guid: string, payload: object = { guid }): Promise<number> {
    this.#bodies.set(guid, JSON.stringify(payload));
    return this.#attempt(guid, false);
  }

  async #attempt(guid: string, redelivery: boolean): Promise<number> {
    const body = this.#bodies.get(guid) ?? '';
    const status_code = await this.#send(guid, body);
    const status = status_code === 0 ? 'failed to connect to host' : status_code < 300 ? 'OK' : 'Invalid HTTP Response';
    const delivered_at = new Date(this.now()).toISOString();
    const id = this.attempts.length + 1;
    this.attempts.unshift({
      id,
      guid,
      delivered_at,
      redelivery,
      duration: 0.1,
      status,
      status_code,
      event: 'push',
      action: null,
    });
    return status_code;
  }

  async #send(guid: string, body: string): Promise<number> {
    if (this.target === undefined) return 0;
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': guid,
      'x-hub-signature-256': `sha256=${signHmac(this.#secret, [body])}`,
    };
    const answer = await fetch(this.target, { method: 'POST', body, headers }).catch(() => undefined);
    return answer?.status ?? 0;
  }

  async #answer({ method, url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(`${method} ${url}`);
    const { pathname, searchParams } = new URL(url, this.url);
    const list = `/${this.owner}/hooks/7/deliveries`;
    const [, attemptId] = (pathname.startsWith(list) && /^\/(\d+)\/attempts$/.exec(pathname.slice(list.length))) || [];
    const failed = this.attempts.find(({ id }) => id === Number(attemptId));
    if (headers.authorization !== `Bearer ${this.#token}`) return reply(response, 401, { message: 'Bad credentials' });
    if (this.failWith !== undefined) return reply(response, this.failWith, { message: 'no' });
    if (method === 'GET' && pathname === list) return this.#list(searchParams, response);
    if (method !== 'POST' || failed === undefined) return reply(response, 404, { message: 'Not Found' });
    // It is accepted at once, and delivered later.
    reply(response, 202, {});
    await this.#attempt(failed.guid, true);
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const cursor = query.get('cursor');
    const from = cursor === null ? 0 : this.attempts.findIndex(({ id }) => id === Number(cursor.slice(2)));
    const size = Math.min(this.pageSize, Number(query.get('per_page') ?? 30));
    const next = this.attempts[from + size];
    const link = `<${this.url}/${this.owner}/hooks/7/deliveries?per_page=${size}&cursor=v1${next?.id}>; rel="next"`;
    if (next !== undefined) response.setHeader('link', link);
    reply(response, 200, this.attempts.slice(from, from + size));
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
