import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = (response: ServerResponse) => void;

/** A server that can be told to fail, to hang, and whom to let in. */
export abstract class FaultyApi {
  /** What was asked, without what the body says. */
  readonly requests: URL[] = [];
  /** Who may ask; undefined: anybody. */
  authorization: string | undefined;
  readonly #server: Server;
  #faults: Answer[] = [];
  #isHanging = false;
  #permanent: Answer | undefined;
  #open = 0;

  protected constructor() {
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

  /** The requests after so many are answered so, one each. */
  fail(after: number, ...answers: Answer[]): void {
    this.#faults = [...Array.from({ length: after }, () => () => {}), ...answers];
  }

  failForGood(after: number, answer: Answer): void {
    this.fail(after);
    this.#permanent = answer;
  }

  hang(): void {
    this.#isHanging = true;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** `form`: of the query, or of the body. */
  protected abstract answer(url: URL, form: URLSearchParams, response: ServerResponse): void;

  protected async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.url);
    this.requests.push(url);
    if (this.#isHanging) return;
    const fault = this.#faults.shift() ?? this.#permanent;
    fault?.(response);
    if (response.headersSent || response.destroyed) return;
    if (this.authorization !== undefined && request.headers.authorization !== this.authorization) {
      return void response.writeHead(401).end('Unauthorized');
    }
    this.answer(url, request.method === 'POST' ? await formOf(request) : url.searchParams, response);
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return new URLSearchParams(text);
}
