import type { IncomingMessage, ServerResponse } from 'node:http';
import { CLOSE, HttpError, type Incoming, type OnLate, refusal, SenderGoneError, type Take } from './incoming.js';
import type { WebhookAnswer } from './provider.js';
import type { Receiver } from './receiver.js';

/** Receives a request of `node:http`, and of what is built on it. */
export async function handleNode(
  receiver: Receiver,
  request: IncomingMessage,
  response: ServerResponse,
  url = request.url ?? '/',
): Promise<void> {
  const answer = await receiver.receive(toIncoming(request, url));
  if (answer !== undefined) send(request, response, answer);
}

/** So much of a body that nobody wants is read, and for so long, so that its sender gets to read the answer. */
const LINGER_BYTES = 1_048_576;
const LINGER_MS = 1_000;

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body = '' }: WebhookAnswer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  if (headers?.['connection'] === 'close' && !request.complete) return linger(request, response, body);
  if (body === '') response.end();
  else response.end(body);
}

/** A connection that is closed on what was not read is reset, and the answer with it. */
function linger(request: IncomingMessage, response: ServerResponse, body: string): void {
  let left = LINGER_BYTES;
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  response.write(body);
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
  });
  request.on('end', end).on('close', end).resume();
}

function toIncoming(request: IncomingMessage, url: string): Incoming {
  const { rawHeaders } = request;
  return {
    method: request.method ?? 'GET',
    url,
    peer: request.socket.remoteAddress,
    header: (name) => only(rawHeaders, name),
    headerNames: () => namesOf(rawHeaders),
    read: (take, onLate) => read(request, take, onLate),
  };
}

/** `headers` of Node joins some that came several times, and keeps the first of others. */
function only(rawHeaders: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] as string;
    if (given.length !== name.length || given.toLowerCase() !== name) continue;
    if (found !== undefined) return undefined;
    found = rawHeaders[at + 1];
  }
  return found;
}

function namesOf(rawHeaders: readonly string[]): readonly string[] {
  return [...new Set(rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()))];
}

async function read(request: IncomingMessage, take: Take, onLate: OnLate): Promise<void> {
  const kept = keptBytes(request);
  if (kept !== undefined) return take(kept);
  if (request.readableEnded || request.readableDidRead) throw new HttpError(consumed());
  await new Promise<void>((resolve, reject) => {
    let isOver = false;
    const end = (error?: unknown): void => {
      if (isOver) return;
      isOver = true;
      if (error === undefined) return resolve();
      request.pause();
      reject(error);
    };
    request.on('data', (chunk: Buffer) => {
      if (isOver) return;
      try {
        take(chunk);
      } catch (error) {
        end(error);
      }
    });
    request.on('end', () => end());
    request.on('close', () => {
      if (!isOver) end(new SenderGoneError());
    });
    onLate(end);
  });
}

/** Some hosts read the body themselves, and keep its bytes: `express.raw()`, the functions of several clouds. */
function keptBytes(request: IncomingMessage): Uint8Array | undefined {
  const { rawBody, body } = request as { rawBody?: unknown; body?: unknown };
  return [rawBody, body].find((bytes) => bytes instanceof Uint8Array) as Uint8Array | undefined;
}

/** What is signed are the bytes; an object that was made of them cannot be turned back. */
export function consumed(): WebhookAnswer {
  const what =
    'the body was read before it came here, and its bytes are gone: mount the webhook before express.json() and other ' +
    'body parsers, or use express.raw({ type: () => true }) for its path';
  return refusal(500, what, CLOSE);
}
