import { FatalError } from '../../core/errors.js';
import { readBody } from './body.js';
import { DEFAULT_DEADLINES, Deadlines, type HttpDeadlines } from './deadlines.js';
import { type HttpHeaders, HttpResponse } from './http-response.js';
import { networkError } from './network-error.js';
import type { PreparedRequest } from './prepared-request.js';
import { isPermanent, isRedirect, redirected } from './redirect.js';
import type { Transport, WireRequest, WireResponse } from './transport.js';

export interface ExchangeOptions {
  transport: Transport;
  deadlines: Partial<HttpDeadlines> | undefined;
  maxRedirects: number | undefined;
  count: ((counter: 'requests' | 'bytes', by: number) => void) | undefined;
}

const DEFAULT_MAX_REDIRECTS = 5;
/** Of an error's body, what it takes to say what it says. */
const ERROR_BODY_BYTES = 65_536;

/** One try: sends a request, follows redirects, reads the answer to its end; all within the deadlines. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #deadlines: HttpDeadlines;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#deadlines = { ...DEFAULT_DEADLINES, ...options.deadlines };
  }

  /** @throws ConnectionError, FatalError, or `signal.reason`; a status is never an error here */
  async send(prepared: PreparedRequest): Promise<HttpResponse> {
    const deadlines = new Deadlines(this.#deadlines, () => prepared.label, prepared.signal);
    try {
      const { url, headers } = await deadlines.awaiting(prepared.authorised());
      const wire: WireRequest = { url, headers, method: prepared.method, body: prepared.body };
      return await this.#follow(prepared, wire, deadlines);
    } catch (error) {
      if (deadlines.signal.aborted) throw deadlines.signal.reason;
      throw networkError(error, prepared.label, prepared.redaction);
    } finally {
      deadlines.end();
    }
  }

  async #follow(prepared: PreparedRequest, first: WireRequest, deadlines: Deadlines): Promise<HttpResponse> {
    const most = this.#options.maxRedirects ?? DEFAULT_MAX_REDIRECTS;
    let wire = first;
    let movedTo: string | undefined;
    let isForGood = true;
    for (let hops = 0; ; hops += 1) {
      const { status, headers, body } = await this.#once(wire, prepared, deadlines);
      if (!isRedirect(status, headers) || prepared.accepts(status)) {
        return new HttpResponse({ ...wire, status, headers, body, movedTo, redaction: prepared.redaction });
      }
      if (hops === most) throw tooManyRedirects(prepared.label, most);
      wire = redirected(wire, status, headers['location'] ?? '');
      isForGood &&= isPermanent(status);
      if (isForGood) movedTo = wire.url.href;
    }
  }

  async #once(wire: WireRequest, prepared: PreparedRequest, deadlines: Deadlines): Promise<ReadResponse> {
    this.#options.count?.('requests', 1);
    deadlines.awaitHeaders();
    const answer = await deadlines.awaiting(this.#options.transport.send(wire, deadlines.signal));
    deadlines.awaitBody();
    const headers = joined(answer.headers);
    const isError = answer.statusCode >= 300 && !prepared.accepts(answer.statusCode);
    const body = await deadlines.awaiting(
      readBody(answer.body, {
        label: prepared.label,
        maxBytes: isError ? Math.min(ERROR_BODY_BYTES, prepared.maxBodyBytes) : prepared.maxBodyBytes,
        isCut: isError,
        contentEncoding: headers['content-encoding'],
        onBytes: (count) => {
          deadlines.received();
          this.#options.count?.('bytes', count);
        },
      }),
    );
    return { status: answer.statusCode, headers, body };
  }
}

interface ReadResponse {
  status: number;
  headers: HttpHeaders;
  body: Uint8Array;
}

/** Several values of one name as one (RFC 9110 section 5.3). */
function joined(headers: WireResponse['headers']): HttpHeaders {
  const result: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) result[name.toLowerCase()] = typeof value === 'string' ? value : value.join(', ');
  }
  return result;
}

function tooManyRedirects(label: string, most: number): FatalError {
  return new FatalError(`${label} was redirected more than ${most} times. Is the URL right?`, {
    code: 'HTTP_REDIRECT',
  });
}
