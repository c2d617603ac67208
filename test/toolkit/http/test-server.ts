import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../src/core/clock.js';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../../../src/toolkit/http/http-client.js';

export type Handler = (request: IncomingMessage, response: ServerResponse, number: number) => void;

export interface TestServer {
  readonly origin: string;
  /** What was asked, in order: 'GET /items?page=2'. */
  readonly asked: string[];
  readonly requests: IncomingMessage[];
  readonly sockets: ReadonlySet<Socket>;
}

/** A real server on a free port, gone with the test. `number` counts the requests from 1. */
export async function serve(handler: Handler): Promise<TestServer> {
  const asked: string[] = [];
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    requests.push(request);
    handler(request, response, asked.length);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, asked, requests, sockets };
}

/** A client that is closed with the test. Tries once unless told otherwise. */
export function clientOf(server: Pick<TestServer, 'origin'>, options: Partial<HttpClientOptions> = {}): HttpClient {
  const client = createHttpClient({ origin: server.origin, retry: { retries: 0 }, ...options });
  onTestFinished(() => client.close());
  return client;
}

export function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

export function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body = '',
): void {
  response.writeHead(status, headers);
  response.end(body);
}

/** A clock whose sleeps end at once and move it on. */
export class HastyClock implements Clock {
  readonly slept: number[] = [];
  #now: number;

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    this.#now += ms;
  }
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string; retryAfterMs?: number }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it should have failed');
}

/** Lets the event loop turn until something holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
