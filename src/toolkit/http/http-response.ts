import { FatalError } from '../../core/errors.js';
import { describeBody } from './error-detail.js';
import type { Redaction } from './redaction.js';
import type { Validator } from './validators.js';

/** Names in lower case; several values of one name are joined by ', '. */
export type HttpHeaders = Readonly<Record<string, string>>;

const MOST_DETAIL = 300;

export interface ResponseParts {
  method: string;
  /** The last URL, after redirects. */
  url: URL;
  status: number;
  headers: HttpHeaders;
  body: Uint8Array;
  movedTo: string | undefined;
  redaction: Redaction;
}

/** An answer, read to its end and decompressed. */
export class HttpResponse {
  readonly status: number;
  /** Where it came from, after redirects. */
  readonly url: string;
  readonly headers: HttpHeaders;
  readonly body: Uint8Array;
  /** Where the resource now lives for good: the first redirects were permanent (301, 308). Keep it instead of the old URL. */
  readonly movedTo: string | undefined;
  /** What makes the next request conditional. Into the cursor that goes with this body, and nowhere else before that is acknowledged. */
  validator: Validator | undefined;
  /** 'GET https://api.example.com/items?token=[secret]', for messages. */
  readonly label: string;
  readonly #redaction: Redaction;
  #text: string | undefined;
  #json: { value: unknown } | undefined;

  constructor(parts: ResponseParts) {
    this.status = parts.status;
    this.url = parts.url.href;
    this.headers = parts.headers;
    this.body = parts.body;
    this.movedTo = parts.movedTo;
    this.label = `${parts.method} ${parts.redaction.url(parts.url)}`;
    this.#redaction = parts.redaction;
  }

  /** The body as UTF-8, without a byte order mark. */
  text(): string {
    this.#text ??= new TextDecoder().decode(this.body);
    return this.#text;
  }

  /**
   * The body as JSON, parsed once. Numbers beyond 2^53 lose digits, as `JSON.parse` has it: take them from `text()`.
   * @throws FatalError (HTTP_NOT_JSON): a login page or a proxy's error page, often
   */
  json(): unknown {
    this.#json ??= { value: this.#parse() };
    return this.#json.value;
  }

  /** What the body says went wrong, in a line of at most 300 characters, without what looks like a secret; '' when nothing. */
  detail(): string {
    // First taken out, then cut: half a secret would not be recognised.
    const said = this.#redaction.text(describeBody(this.headers['content-type'], this.body));
    return said.length > MOST_DETAIL ? `${said.slice(0, MOST_DETAIL)}…` : said;
  }

  #parse(): unknown {
    try {
      return JSON.parse(this.text());
    } catch {
      // The parser's own message quotes the body.
      const type = this.headers['content-type'] ?? 'of no stated type';
      throw new FatalError(
        `${this.label} answered ${this.status} with what is not JSON (${this.#redaction.text(type.slice(0, 80))}, ` +
          `${this.body.length} bytes). Is the URL that of an API, and does no proxy or login page stand before it?`,
        { code: 'HTTP_NOT_JSON' },
      );
    }
  }
}
