import type { IncomingMessage } from 'node:http';

/** What a client sent, before anybody asked whether it may. */
export interface SentRequest {
  method: string;
  args: ReadonlyMap<string, string>;
  token: string | undefined;
  tokenIn: 'header' | 'body' | 'query' | undefined;
  violations: string[];
}

const LARGEST_BODY = 1_048_576;

/**
 * Arguments come in the query, as a form or as JSON; with JSON the token has to be in the header.
 * https://docs.slack.dev/apis/web-api
 */
export async function readRequest(request: IncomingMessage): Promise<SentRequest> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const violations: string[] = [];
  const method = /^\/api\/([\w.]+)$/.exec(url.pathname)?.[1] ?? url.pathname;
  const body = await readBody(request);
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim();
  const args = new Map(url.searchParams);
  const tokenInQuery = args.get('token');
  const sent = type === 'application/json' ? fromJson(body, violations) : new URLSearchParams(body);
  for (const [name, value] of sent) args.set(name, value);
  if (body !== '' && type !== 'application/json' && type !== 'application/x-www-form-urlencoded') {
    violations.push(`the content type was ${type}`);
  }
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const inBody = type === 'application/json' ? undefined : args.get('token');
  args.delete('token');
  const tokenIn = bearer !== undefined ? 'header' : tokenInQuery !== undefined ? 'query' : inBody && 'body';
  // A URL ends up in the logs of every proxy on its way.
  if (tokenInQuery !== undefined) violations.push('the token was in the URL');
  return { method, args, token: bearer ?? inBody, tokenIn: tokenIn === '' ? undefined : tokenIn, violations };
}

function fromJson(body: string, violations: string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(JSON.parse(body === '' ? '{}' : body) as Record<string, unknown>)) {
    if (['ts', 'oldest', 'latest', 'thread_ts'].includes(name) && typeof value !== 'string') {
      violations.push(`${name} was sent as a ${typeof value}, not as text`);
    }
    values.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return values;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new Error('the body of a request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
