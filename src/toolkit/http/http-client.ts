import type { Clock } from '../../core/clock.js';
import { systemClock } from '../../core/clock.js';
import { AuthenticationError, FatalError, type HeadwaterError, RateLimitedError } from '../../core/errors.js';
import { withFaultPoints } from '../../core/fault-point.js';
import { type Logger, silentLogger } from '../../core/logger.js';
import type { SourceStatus } from '../../core/status.js';
import { type RetryPolicy, retry } from '../retry.js';
import type { AddressGuard } from './address-guard.js';
import type { Budget, BudgetLimits } from './budget.js';
import { BudgetLease } from './budget-lease.js';
import { type HttpCredentials, Renewal } from './credentials.js';
import type { HttpDeadlines } from './deadlines.js';
import { Exchange } from './exchange.js';
import type { HttpRequest, HttpResponse } from './http-request.js';
import { OpenRequests } from './open-requests.js';
import { PreparedRequest } from './prepared-request.js';
import { type RateReading, readRateHeaders, serverTime } from './rate-headers.js';
import { type Classified, said, statusError } from './status-error.js';
import { Transport } from './transport.js';

/**
 * The one HTTP client of all sources. It owns what must have one owner: retries, rate limits, redirects, deadlines,
 * body limits, redaction. A source makes one for each iteration (and one for `validate()`), says how its API differs,
 * and asks:
 *
 * ```ts
 * protected async *readBatches(context: ReadContext<MyCursor>) {
 *   const client = createHttpClient({
 *     origin: 'https://api.example.com',
 *     dispatcher: this.#dispatcher,                            // of SourceOptions
 *     clock: this.clock,
 *     logger: this.logger,
 *     credentials: bearer(this.#token),
 *     count: (counter, by) => this.count(counter, by),         // requests, retries and bytes of getStats()
 *     onStatus: (status) => this.setStatus(status),            // waiting-for-rate-limit, reconnecting, reading
 *     classify: (response) => (isLimit(response) ? new RateLimitedError('…', { retryAfterMs: 60_000 }) : undefined),
 *   });
 *   context.defer(() => client.close());
 *   const validators = new Validators({ clock: this.clock, saved: context.cursor?.validators });
 *   const response = await client.request({ url: '/items', signal: context.signal, validators });
 *   if (response.status === 304) return;                       // nothing new since what `validators` holds
 *   yield {
 *     events: toEvents(response.json()),
 *     cursor: { validators: validators.with(response.validator) },   // saved with the batch, so used only after it
 *   };
 * }
 * ```
 *
 * - Throws only our own errors, or `signal.reason`; none of them holds a credential. A status outside 2xx and 304 is
 *   an error unless `accept` names it; `classify` goes before the general table of `statusError`.
 * - Pages: `paginate` (one mechanism for Link headers, tokens, numbers, offsets, URLs in bodies).
 * - A vendor's client that takes a `fetch` is given `createFetch(client, …)`, its own retries off.
 * - Requests that share an origin, credentials and `bucket` share one budget within the process, whoever sends them.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  return new HttpClient(options);
}

export interface HttpClientOptions {
  /** Where the credentials belong, and what relative URLs are relative to: 'https://api.example.com/v3'. */
  origin: string | URL;
  /** The host's undici Dispatcher (proxy, private CA, mock). Without one, connections are our own, until `close`. */
  dispatcher?: object | undefined;
  clock?: Clock | undefined;
  logger?: Logger | undefined;
  /** Sent to `origin` only, never elsewhere. */
  credentials?: HttpCredentials | undefined;
  /** Sent with every request: `accept`, `user-agent`, the version of the API. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Default: 4 retries, after about 1, 2, 4 and 8 seconds, or as long as upstream asks. */
  retry?: Partial<RetryPolicy> | undefined;
  /** A wait that upstream asks for and that is longer is an error at once, not a wait. In ms; default one day. */
  longestWaitMs?: number | undefined;
  /** What is asked for at once and in a while, by bucket where they differ. Default: 8 at once, no reserve. */
  limits?: BudgetLimits | ((bucket: string) => BudgetLimits) | undefined;
  /** Who goes first of those that share credentials: the higher. Default 0. */
  priority?: number | undefined;
  deadlines?: Partial<HttpDeadlines> | undefined;
  /** Bytes of a body, after decompression. Default 32 MiB. */
  maxBodyBytes?: number | undefined;
  /** Hops of redirects that are followed. Default 5; 0 refuses them all. */
  maxRedirects?: number | undefined;
  /** Which addresses may be connected to. Default: all. `rest` and OAuth pass `publicAddresses()`. */
  guard?: AddressGuard | undefined;
  /** Request headers that, besides method, URL and credentials, change what is answered. Default `accept`. */
  varyBy?: readonly string[] | undefined;
  /** The error that a response is, where the API differs from what the status says; undefined: by the status. */
  classify?: ((response: HttpResponse, attempt: number) => Classified) | undefined;
  /** What is left of the rate limit. Default: the headers `x-ratelimit-*` and `ratelimit-*`. */
  readRate?: ((response: HttpResponse, serverNow: number) => RateReading | undefined) | undefined;
  /** Adds to the statistics of the source. */
  count?: ((counter: 'requests' | 'retries' | 'bytes', by: number) => void) | undefined;
  /** What the source is doing now: waiting for a rate limit, trying again, reading again. */
  onStatus?: ((status: SourceStatus) => void) | undefined;
}

const ONE_DAY_MS = 86_400_000;
const FIVE_TRIES: RetryPolicy = { retries: 4, minDelayMs: 1_000, maxDelayMs: 60_000, factor: 2 };

/** See `createHttpClient`. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #transport: Transport;
  readonly #exchange: Exchange;
  readonly #budgets: BudgetLease;
  readonly #renewal: Renewal;
  readonly #longestWaitMs: number;
  readonly #open = new OpenRequests();
  #isClosed = false;

  /** @throws ConfigError when `dispatcher` is none. */
  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#longestWaitMs = options.longestWaitMs ?? ONE_DAY_MS;
    this.#transport = new Transport(options);
    this.#exchange = new Exchange({
      transport: this.#transport,
      deadlines: options.deadlines,
      maxRedirects: options.maxRedirects,
      count: options.count,
    });
    this.#renewal = new Renewal(options.credentials);
    this.#budgets = new BudgetLease({
      clock: this.#clock,
      origin: new URL(options.origin).origin,
      identity: options.credentials?.identity ?? 'anonymous',
      limits: options.limits,
    });
  }

  /**
   * Sends a request until it is answered, fails for good, or was tried often enough.
   *
   * @throws what `classify` or the status says, ConnectionError, RateLimitedError, FatalError (body too large, refused
   * redirect or address), or `signal.reason`
   */
  async request(request: HttpRequest): Promise<HttpResponse> {
    if (this.#isClosed) throw closed();
    return this.#open.run(request.signal, (signal) => {
      const prepared = new PreparedRequest(request, this.#options, signal);
      return retry((attempt) => this.#renewing(prepared, attempt), {
        policy: prepared.isIdempotent ? { ...FIVE_TRIES, ...this.#options.retry } : { retries: 0 },
        signal,
        clock: this.#clock,
        retryUnknown: false,
        longestWaitMs: this.#longestWaitMs,
        onRetry: (error, attempt, delayMs) => this.#tellRetry(prepared, error, attempt, delayMs),
      });
    });
  }

  /** Ends what is under way (HTTP_CLOSED), closes the connections that are our own, gives the budgets back. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#open.end(closed());
    this.#budgets.release();
    await this.#transport.close();
  }

  /** A token that expired is renewed once, and the request sent once more. */
  async #renewing(prepared: PreparedRequest, attempt: number): Promise<HttpResponse> {
    const { generation } = this.#renewal;
    try {
      return await this.#attempt(prepared, attempt);
    } catch (error) {
      if (!AuthenticationError.isInstance(error)) throw error;
      if (!(await this.#renewal.renew(generation, prepared.signal))) throw error;
      return this.#attempt(prepared, attempt);
    }
  }

  async #attempt(prepared: PreparedRequest, attempt: number): Promise<HttpResponse> {
    prepared.signal.throwIfAborted();
    const budget = this.#budgets.of(prepared.bucket);
    await this.#enter(budget, prepared, attempt);
    try {
      const response = await withFaultPoints('http.request', () => this.#exchange.send(prepared));
      this.#observe(budget, response);
      const error = this.#errorOf(prepared, response, attempt);
      if (error !== undefined) throw error;
      return prepared.completed(response, this.#clock.now());
    } catch (error) {
      if (RateLimitedError.isInstance(error)) budget.pause(error.retryAfterMs ?? 0);
      throw error;
    } finally {
      budget.leave();
    }
  }

  async #enter(budget: Budget, prepared: PreparedRequest, attempt: number): Promise<void> {
    let hasWaited = attempt > 1;
    await budget.enter({
      signal: prepared.signal,
      priority: this.#options.priority ?? 0,
      longestWaitMs: this.#longestWaitMs,
      onWait: (until) => {
        hasWaited = true;
        this.#options.onStatus?.({ state: 'waiting-for-rate-limit', until });
      },
    });
    if (hasWaited) this.#options.onStatus?.({ state: 'reading' });
  }

  #observe(budget: Budget, response: HttpResponse): void {
    const serverNow = serverTime(response.headers, this.#clock.now());
    const { readRate } = this.#options;
    budget.observe(
      readRate === undefined ? readRateHeaders(response.headers, serverNow) : readRate(response, serverNow),
      serverNow,
    );
  }

  #errorOf(prepared: PreparedRequest, response: HttpResponse, attempt: number): HeadwaterError | undefined {
    const classified = this.#options.classify?.(response, attempt);
    if (response.status === 304 && !prepared.isConditional) return unasked(response);
    if (classified === 'accept' || (classified === undefined && prepared.accepts(response.status))) return undefined;
    return classified ?? statusError(response, this.#clock.now());
  }

  #tellRetry(prepared: PreparedRequest, error: Error, attempt: number, delayMs: number): void {
    const { count, onStatus } = this.#options;
    count?.('retries', 1);
    this.#logger.warn({ request: prepared.label, code: codeOf(error), attempt, delayMs }, error.message);
    if (RateLimitedError.isInstance(error)) {
      onStatus?.({ state: 'waiting-for-rate-limit', until: new Date(this.#clock.now() + delayMs) });
    } else {
      onStatus?.({ state: 'reconnecting', attempt, error });
    }
  }
}

function closed(): FatalError {
  return new FatalError('the HTTP client is closed', { code: 'HTTP_CLOSED' });
}

/** To take it for "nothing new" would lose what was never delivered. */
function unasked(response: HttpResponse): FatalError {
  const advice = 'It was not asked whether anything changed: something in between caches what it must not';
  return new FatalError(said(response, advice), { code: 'HTTP_STATUS' });
}

function codeOf(error: Error): unknown {
  return (error as { code?: unknown }).code;
}
