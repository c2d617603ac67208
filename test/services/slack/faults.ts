import type { ServerResponse } from 'node:http';

/** What the server does instead of answering well. */
export type Fault =
  /** HTTP 200 and `ok: false`. */
  | { kind: 'error'; error: string; fields?: Record<string, unknown> }
  /** HTTP 429; `retryAfter` is the header as it is, absent where undefined. */
  | { kind: 'rate-limited'; retryAfter?: string }
  | { kind: 'status'; status: number; body?: string; contentType?: string; headers?: Record<string, string> }
  /** A page of HTML with HTTP 200, as proxies and outages give. */
  | { kind: 'html' }
  /** The connection is reset before anything is answered. */
  | { kind: 'reset' }
  /** The connection breaks in the middle of the body. */
  | { kind: 'broken-body' }
  /** A whole answer whose JSON is not whole. */
  | { kind: 'truncated-json' }
  /** The answer, in pieces; each waits for `between`. */
  | { kind: 'slow'; pieces: number; between: () => Promise<void> }
  /** Nothing is ever answered. */
  | { kind: 'hang' };

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Answers, or does what the fault says. */
export async function respond(response: ServerResponse, answer: Answer, fault: Fault | undefined): Promise<void> {
  switch (fault?.kind) {
    case 'hang':
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'broken-body':
      return breakBody(response, answer);
    case 'slow':
      return dribble(response, answer, fault);
    default:
      return send(response, fault === undefined ? answer : changed(answer, fault));
  }
}

function changed(answer: Answer, fault: Fault): Answer {
  const json = { 'content-type': 'application/json; charset=utf-8' };
  switch (fault.kind) {
    case 'error':
      return { ...answer, body: JSON.stringify({ ok: false, error: fault.error, ...fault.fields }) };
    case 'rate-limited':
      return {
        status: 429,
        headers: { ...json, ...(fault.retryAfter !== undefined && { 'retry-after': fault.retryAfter }) },
        body: JSON.stringify({ ok: false, error: 'ratelimited' }),
      };
    case 'status':
      return {
        status: fault.status,
        headers: { 'content-type': fault.contentType ?? 'text/plain', ...fault.headers },
        body: fault.body ?? '',
      };
    case 'html':
      return { status: 200, headers: { 'content-type': 'text/html' }, body: '<html><body>Be right back</body></html>' };
    case 'truncated-json':
      return { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length / 2)) };
    default:
      return answer;
  }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function breakBody(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, Math.floor(body.length / 2)), () => response.socket?.resetAndDestroy());
}

async function dribble(
  response: ServerResponse,
  { status, headers, body }: Answer,
  { pieces, between }: Extract<Fault, { kind: 'slow' }>,
): Promise<void> {
  const size = Math.max(1, Math.ceil(body.length / pieces));
  response.writeHead(status, headers);
  for (let start = 0; start < body.length && !response.destroyed; start += size) {
    response.write(body.slice(start, start + size));
    await between();
  }
  response.end();
}
