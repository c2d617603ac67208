import { FatalError } from '../../core/errors.js';
import { ACCEPT_ENCODING } from './body.js';
import { givenByHost, type HttpCredentials } from './credentials.js';
import type { HttpRequest } from './http-request.js';
import type { HttpResponse } from './http-response.js';
import { Redaction, redactUrl } from './redaction.js';
import { isHarmlessHeader } from './redirect.js';
import { validatorKey, validatorOf } from './validators.js';

export interface RequestDefaults {
  origin: string | URL;
  credentials?: HttpCredentials | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  maxBodyBytes?: number | undefined;
  varyBy?: readonly string[] | undefined;
}

const DEFAULT_MAX_BODY_BYTES = 32 * 1_048_576;
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** A request with all that a client adds to it; the same for every try, but for the credentials. */
export class PreparedRequest {
  readonly url: URL;
  readonly method: string;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
  readonly bucket: string;
  readonly isIdempotent: boolean;
  readonly maxBodyBytes: number;
  readonly redaction = new Redaction();
  /** Whether the last try asked if anything changed. */
  isConditional = false;
  readonly #request: HttpRequest;
  readonly #credentials: HttpCredentials | undefined;
  readonly #headers: Record<string, string>;
  readonly #key: string;

  /** @throws FatalError for a URL of another origin, with user info, or that is none */
  constructor(request: HttpRequest, defaults: RequestDefaults, signal: AbortSignal) {
    this.#request = request;
    this.#credentials = defaults.credentials;
    this.url = urlOf(request, new URL(defaults.origin));
    this.method = (request.method ?? 'GET').toUpperCase();
    this.body = request.body;
    this.signal = signal;
    this.bucket = request.bucket ?? '';
    this.isIdempotent = request.idempotent ?? IDEMPOTENT.has(this.method);
    this.maxBodyBytes = request.maxBodyBytes ?? defaults.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
    this.#headers = {
      'user-agent': 'headwater',
      'accept-encoding': ACCEPT_ENCODING,
      ...lowerCased(defaults.headers),
      ...lowerCased(request.headers),
    };
    this.#key = this.#validatorKey(defaults.varyBy ?? ['accept']);
  }

  get label(): string {
    return `${this.method} ${this.redaction.url(this.url)}`;
  }

  accepts(status: number): boolean {
    return this.#request.acceptStatus?.includes(status) === true;
  }

  /** What one try sends: the credentials are asked for anew. */
  async authorised(): Promise<{ url: URL; headers: Record<string, string> }> {
    const own = lowerCased(await givenByHost(() => this.#credentials?.headers?.(this.signal), this.signal));
    const headers = { ...this.#headers, ...own, ...this.#request.validators?.headersFor(this.#key) };
    this.isConditional = 'if-none-match' in headers || 'if-modified-since' in headers;
    const url = new URL(this.url);
    for (const [name, value] of Object.entries(this.#credentials?.query?.() ?? {})) {
      url.searchParams.set(name, value);
      this.redaction.add(value);
    }
    for (const [name, value] of Object.entries(headers)) if (!isHarmlessHeader(name)) this.redaction.add(value);
    return { url, headers };
  }

  /** Adds to a response what makes the next request conditional. */
  completed(response: HttpResponse, now: number): HttpResponse {
    const { validators } = this.#request;
    if (validators === undefined) return response;
    if (response.status === 304) validators.notModified(this.#key);
    else validators.answered(this.#key);
    if (response.status === 200) response.validator = validatorOf(this.#key, response.headers, now);
    return response;
  }

  #validatorKey(varyBy: readonly string[]): string {
    const varying = varyBy.map((name) => this.#headers[name.toLowerCase()] ?? '');
    return validatorKey([this.method, this.url.href, ...varying, this.#credentials?.identity ?? 'anonymous']);
  }
}

function urlOf({ url: asked, query }: HttpRequest, origin: URL): URL {
  const url = resolved(asked, origin);
  if (url.origin !== origin.origin) {
    throw new FatalError(
      `${redactUrl(url)} is not at ${origin.origin}: the credentials of this source are sent nowhere else. ` +
        'A next page or a redirect that leads elsewhere is not followed',
      { code: 'HTTP_OTHER_ORIGIN' },
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new FatalError(`${redactUrl(url)} holds user info: pass credentials instead`, { code: 'HTTP_URL' });
  }
  url.hash = '';
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/** 'items' and '/items' are below the origin's path: https://example.com/api/v3 has one. */
function resolved(asked: string | URL, origin: URL): URL {
  try {
    if (typeof asked !== 'string') return new URL(asked);
    if (/^[a-z][a-z0-9+.-]*:/i.test(asked)) return new URL(asked);
    return new URL(`${origin.pathname.replace(/\/$/, '')}/${asked.replace(/^\/+/, '')}`, origin);
  } catch {
    throw new FatalError('a URL to be asked for is not valid', { code: 'HTTP_URL' });
  }
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
