import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { signHmac } from '../../../src/toolkit/signature.js';

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request as bytes: nothing of it is corrected. */
export function requestBytes(
  path: string,
  body: Buffer | string,
  headers: readonly (readonly [string, string])[] = [],
  { method = 'POST', length = Buffer.byteLength(body) }: { method?: string; length?: number } = {},
): Buffer {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  if (length >= 0) lines.push(`Content-Length: ${length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}

/** The headers of a delivery of GitHub, signed. */
export function githubHeaders(secret: string, body: Buffer | string, id: string, event = 'push'): [string, string][] {
  return [
    ['Content-Type', 'application/json'],
    ['X-GitHub-Event', event],
    ['X-GitHub-Delivery', id],
    ['X-Hub-Signature-256', `sha256=${signHmac(secret, [body])}`],
  ];
}

/** One connection that says what it is told to, and keeps the answers in order. */
export class RawClient {
  readonly socket: Socket;
  readonly answers: RawAnswer[] = [];
  #text = '';
  #onAnswer: (() => void)[] = [];

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#parse();
      for (const tell of this.#onAnswer.splice(0)) tell();
    });
    socket.on('close', () => {
      for (const tell of this.#onAnswer.splice(0)) tell();
    });
  }

  get isClosed(): boolean {
    return this.socket.closed || this.socket.destroyed;
  }

  write(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  /** The answer to the n-th request (from 1); undefined where the connection ended before. */
  async answer(n: number): Promise<RawAnswer | undefined> {
    while (this.answers.length < n && !this.isClosed) {
      await new Promise<void>((resolve) => this.#onAnswer.push(resolve));
    }
    return this.answers[n - 1];
  }

  async closed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, 'close');
  }

  destroy(): void {
    this.socket.destroy();
  }

  #parse(): void {
    for (;;) {
      const end = this.#text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [statusLine = '', ...lines] = this.#text.slice(0, end).split('\r\n');
      const headers = Object.fromEntries(
        lines.map((line) => {
          const at = line.indexOf(':');
          return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
        }),
      );
      const length = Number(headers['content-length'] ?? 0);
      const from = end + 4;
      if (this.#text.length < from + length) return;
      this.answers.push({
        status: Number(statusLine.split(' ')[1]),
        headers,
        body: this.#text.slice(from, from + length),
      });
      this.#text = this.#text.slice(from + length);
    }
  }
}
