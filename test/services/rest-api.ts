import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Item {
  readonly id: number | string;
  readonly [field: string]: unknown;
}

type Fault = (response: ServerResponse, request: IncomingMessage) => void;

/**
 * An API with a list of items, in every way of paging that is in use, with ETags, faults, and tokens of OAuth 2 that
 * expire.
 */
export class RestApi {
  readonly requests: { readonly url: URL; readonly headers: IncomingMessage['headers']; readonly body: string }[] = [];
  /** Requests for tokens. */
  readonly tokenRequests: URLSearchParams[] = [];
  items: Item[] = [];
  pageSize = 3;
  /** How the next page is told; see `#list`. */
  paging: 'none' | 'link' | 'url' | 'cursor' | 'page' | 'offset' = 'none';
  hasEtags = false;
  /** What a request must carry; undefined: nothing. */
  authorization: (() => string) | undefined;
  /** How long tokens are valid, in seconds. */
  tokenLifeSeconds = 3_600;
  tokenStatus = 200;
  /** What `Link` and URLs in bodies begin with; undefined: the server itself. */
  nextOrigin: string | undefined;
  readonly #server: Server;
  readonly #valid = new Set<string>();
  #tokens = 0;
  #faults: (Fault | undefined)[] = [];
  #forGood: Fault | undefined;
  #isHanging = false;
  #open = 0;

  static async start(): Promise<RestApi> {
    const api = new RestApi();
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#open += 1;
      socket.on('close', () => {
        this.#open -= 1;
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#open;
  }

  put(item: Item): void {
    const at = this.items.findIndex(({ id }) => id === item.id);
    if (at < 0) this.items.push(item);
    else this.items[at] = item;
  }

  remove(id: Item['id']): void {
    this.items = this.items.filter((item) => item.id !== id);
  }

  /** The request after so many is answered so. */
  fail(after: number, fault: Fault): void {
    this.#faults = [...Array.from({ length: after }, () => undefined), fault];
  }

  failForGood(after: number, fault: Fault): void {
    this.#faults = Array.from({ length: after }, () => undefined);
    this.#forGood = fault;
  }

  hang(): void {
    this.#isHanging = true;
  }

  heal(): void {
    this.#faults = [];
    this.#forGood = undefined;
  }

  /** The tokens that were given are worth nothing any more. */
  revoke(): void {
    this.#valid.clear();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += String(piece);
    const url = new URL(request.url ?? '', this.url);
    if (url.pathname === '/token') return this.#token(new URLSearchParams(body), response);
    this.requests.push({ url, headers: request.headers, body });
    if (this.#isHanging) return;
    const fault = this.#faults.length > 0 ? this.#faults.shift() : this.#forGood;
    fault?.(response, request);
    if (response.headersSent || response.destroyed) return;
    const { authorization = '' } = request.headers;
    const isAllowed =
      this.authorization === undefined || authorization === this.authorization() || this.#valid.has(authorization);
    if (!isAllowed) return send(response, 401, { error: 'unauthorized' });
    this.#list(url, request, response);
  }

  #token(form: URLSearchParams, response: ServerResponse): void {
    this.tokenRequests.push(form);
    if (this.tokenStatus !== 200) return send(response, this.tokenStatus, { error: 'invalid_client' });
    this.#tokens += 1;
    const token = `token-${this.#tokens}`;
    // Another ends the one before.
    this.#valid.clear();
    this.#valid.add(`Bearer ${token}`);
    const rotated = form.get('grant_type') === 'refresh_token' ? { refresh_token: `refresh-${this.#tokens}` } : {};
    send(response, 200, { access_token: token, token_type: 'Bearer', expires_in: this.tokenLifeSeconds, ...rotated });
  }

  #list(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const since = url.searchParams.get('since');
    const all = since === null ? this.items : this.items.filter(({ updated }) => String(updated) >= since);
    const size = this.paging === 'none' ? all.length : this.pageSize;
    const from = this.#from(url, size);
    const items = all.slice(from, from + size);
    const next = from + size < all.length ? from + size : undefined;
    const nextUrl = next === undefined ? undefined : `${this.nextOrigin ?? this.url}${url.pathname}?at=${next}`;
    if (this.paging === 'link' && nextUrl !== undefined) response.setHeader('link', `<${nextUrl}>; rel="next"`);
    const isPlain = ['none', 'link', 'page', 'offset'].includes(this.paging);
    const body = isPlain
      ? items
      : { items, next: this.paging === 'url' ? nextUrl : next === undefined ? null : `c${next}` };
    const text = JSON.stringify(body);
    if (this.hasEtags) {
      const etag = `W/"${createHash('sha1').update(text).digest('hex')}"`;
      response.setHeader('etag', etag);
      if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  }

  #from({ searchParams }: URL, size: number): number {
    switch (this.paging) {
      case 'page':
        return (Number(searchParams.get('page') ?? 1) - 1) * size;
      case 'offset':
        return Number(searchParams.get('offset') ?? 0);
      case 'cursor':
        return Number((searchParams.get('cursor') ?? 'c0').slice(1));
      default:
        return Number(searchParams.get('at') ?? 0);
    }
  }
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
