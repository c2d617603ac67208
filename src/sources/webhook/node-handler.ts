import type { IncomingMessage, ServerResponse } from 'node:http';
import { CLOSE, HttpError, type Incoming, refusal, SenderGoneError } from './incoming.js';
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
  if (answer !== undefined) send(response, answer);
}

function send(response: ServerResponse, { status, headers, body = '' }: WebhookAnswer): void {
  if (response.headersSent || response.destroyed) return;
  if (headers !== undefined) for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.statusCode = status;
  response.end(body);
}

function toIncoming(request: IncomingMessage, url: string): Incoming {
  const { rawHeaders } = request;
  return {
    method: request.method ?? 'GET',
    url,
    peer: request.socket.remoteAddress,
    header: (name) => only(rawHeaders, name),
    headerNames: () => namesOf(rawHeaders),
    read: (take, signal) => read(request, take, signal),
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

async function read(request: IncomingMessage, take: (chunk: Uint8Array) => void, signal: AbortSignal): Promise<void> {
  const kept = keptBytes(request);
  if (kept !== undefined) return take(kept);
  if (request.readableEnded || request.readableDidRead) throw new HttpError(consumed());
  await new Promise<void>((resolve, reject) => {
    const end = (error?: unknown): void => {
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone);
      signal.removeEventListener('abort', onAbort);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      try {
        take(chunk);
      } catch (error) {
        request.pause();
        end(error);
      }
    };
    const onEnd = (): void => end();
    const onGone = (): void => end(new SenderGoneError());
    const onAbort = (): void => end(signal.reason);
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
    signal.addEventListener('abort', onAbort, { once: true });
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
