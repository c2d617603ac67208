import { HttpError, type OnLate, SenderGoneError, type Take } from './incoming.js';
import { consumed } from './node-handler.js';
import type { Receiver } from './receiver.js';

/** What a host knows of a request that the request does not say. */
export interface FetchContext {
  /** Who is at the other end of the connection. Without it an endpoint with `allow` refuses. */
  readonly address?: string | undefined;
}

/** Receives a request of the web platform: Hono, Next, Deno, workers. */
export async function handleFetch(
  receiver: Receiver,
  request: Request,
  address: string | undefined,
): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const answer = await receiver.receive({
    method: request.method,
    url: pathname + search,
    peer: address,
    // What came several times is joined already; no signature is right then.
    header: (name) => request.headers.get(name) ?? undefined,
    headerNames: () => [...request.headers.keys()],
    read: (take, onLate) => read(request, take, onLate),
  });
  if (answer === undefined) return new Response(null, { status: 400 });
  const { status, headers, body } = answer;
  // A server of the web platform closes connections as it sees fit.
  const { connection: _, ...own } = headers ?? {};
  return new Response(body === undefined || body === '' ? null : body, { status, headers: own });
}

async function read(request: Request, take: Take, onLate: OnLate): Promise<void> {
  if (request.bodyUsed) throw new HttpError(consumed());
  if (request.body === null) return;
  const reader = request.body.getReader();
  const late = new Promise<never>((_, reject) => onLate(reject));
  try {
    for (;;) {
      const { done, value } = await Promise.race([nextOf(reader), late]);
      if (done) return;
      take(value);
    }
  } catch (error) {
    void reader.cancel(error).catch(() => {});
    throw error;
  }
}

async function nextOf(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch {
    throw new SenderGoneError();
  }
}
