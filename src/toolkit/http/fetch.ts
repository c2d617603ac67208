import { HeadwaterError } from '../../core/errors.js';
import type { HttpClient } from './http-client.js';
import type { HttpRequest } from './http-request.js';
import type { HttpResponse } from './http-response.js';

export interface FetchOptions {
  /** Added to each request: the signal of the iteration, `idempotent: true` for an API that reads by POST, validators. */
  request?: Partial<Omit<HttpRequest, 'url' | 'method' | 'body'>> | undefined;
  /** Which rate limit a request counts against; see `HttpRequest.bucket`. */
  bucketOf?: ((url: URL) => string) | undefined;
  /** Each response as the client gave it: its `validator` and `movedTo`, which a vendor's client drops. */
  onResponse?: ((response: HttpResponse) => void) | undefined;
}

export type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>;

/**
 * The client as a `fetch`, for clients of vendors that take one: so there is still one owner of retries, limits and
 * redirects, and the vendor's own are turned off.
 *
 * ```ts
 * const fetch = createFetch(client, { request: { signal: context.signal } });
 * new Octokit({ request: { fetch } });                                      // no retry and throttling plugins
 * new WebClient(token, { fetch, retryConfig: { retries: 0 }, timeout: 0, rejectRateLimitedCalls: true });
 * ```
 *
 * Where the vendor adds the credentials, the client is still told whose they are: `credentials: { identity }`.
 *
 * What it rejects with is an error of ours, and vendors wrap what fetch rejects with: unwrap it by `ownErrorIn`. A status
 * that the client takes for an error never reaches the vendor's code; name it in `acceptStatus` where it should.
 */
export function createFetch(client: HttpClient, options: FetchOptions = {}): Fetch {
  return async (input, init = {}) => {
    const url = new URL(input);
    const response = await client.request({
      ...options.request,
      url,
      method: init.method,
      headers: { ...options.request?.headers, ...Object.fromEntries(new Headers(init.headers)) },
      body: bodyOf(init.body),
      bucket: options.bucketOf?.(url) ?? options.request?.bucket,
      signal: either(options.request?.signal, init.signal),
    });
    options.onResponse?.(response);
    return asFetchResponse(response);
  };
}

/** The error of ours that a vendor's client wrapped, or the reason of an abort; what was thrown, when there is none. */
export function ownErrorIn(thrown: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason;
  let at = thrown;
  for (let depth = 0; depth < 5 && typeof at === 'object' && at !== null; depth += 1) {
    if (HeadwaterError.isInstance(at)) return at;
    const { cause, original } = at as { cause?: unknown; original?: unknown };
    at = cause ?? original;
  }
  return thrown;
}

function bodyOf(body: RequestInit['body']): string | Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new TypeError('only text, bytes and URLSearchParams can be sent');
}

function either(first: AbortSignal | undefined, second: AbortSignal | null | undefined): AbortSignal | undefined {
  if (first === undefined || second === undefined || second === null) return first ?? second ?? undefined;
  return AbortSignal.any([first, second]);
}

const WITHOUT_BODY = new Set([101, 204, 205, 304]);

function asFetchResponse(response: HttpResponse): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    // The body is no longer compressed; and only Latin-1 may stand in a header.
    if (name !== 'content-encoding' && name !== 'content-length')
      headers.set(name, value.replace(/[^\t\x20-\xff]/g, '?'));
  }
  const body = WITHOUT_BODY.has(response.status) ? null : Buffer.from(response.body);
  const result = new Response(body, { status: response.status, headers });
  Object.defineProperty(result, 'url', { value: response.url });
  return result;
}
