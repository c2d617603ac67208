import type { Clock } from '../../../core/clock.js';
import { FatalError, RetryableError } from '../../../core/errors.js';
import type { Logger } from '../../../core/logger.js';
import { Secret } from '../../../core/secret.js';
import type { SourceStatus } from '../../../core/status.js';
import { basic, bearer, type HttpCredentials } from '../../../toolkit/http/credentials.js';
import { createHttpClient, type HttpClient } from '../../../toolkit/http/http-client.js';
import type { HttpResponse } from '../../../toolkit/http/http-response.js';
import type { Classified } from '../../../toolkit/http/status-error.js';
import { said } from '../../../toolkit/http/status-error.js';
import type { PrometheusConfig, PrometheusCredentials } from './config.js';

export interface ClientOptions {
  readonly sourceId: string;
  readonly config: PrometheusConfig;
  readonly credentials: PrometheusCredentials | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dispatcher?: object | undefined;
  count(counter: 'requests' | 'retries' | 'bytes', by: number): void;
  onStatus(status: SourceStatus): void;
}

/** A value at a time: seconds since 1970, and a number as text. */
export type RawSample = readonly [number, string];

export interface RawSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly RawSample[];
}

/** What a query is answered with, all kinds as series. */
export interface QueryAnswer {
  readonly series: readonly RawSeries[];
  /** What Prometheus thinks is wrong with query or data: the samples may be too few. */
  readonly warnings: readonly string[];
}

interface Answer {
  readonly status?: unknown;
  readonly errorType?: unknown;
  readonly error?: unknown;
  readonly warnings?: unknown;
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown };
}

/** A query of more text than this is sent as a form: URLs are cut elsewhere. */
const LONGEST_URL = 2_000;

/** The HTTP API of Prometheus, and of what speaks like it. @see https://prometheus.io/docs/prometheus/latest/querying/api/ */
export class PrometheusClient {
  readonly #http: HttpClient;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    const { config, credentials, clock, logger, dispatcher, count, onStatus } = options;
    this.#options = options;
    this.#http = createHttpClient({
      origin: config.url,
      dispatcher,
      clock,
      logger,
      credentials: credentials && toHttp(credentials),
      deadlines: { headersMs: config.timeoutMs },
      maxBodyBytes: config.maxBodyBytes,
      classify: (response) => (config.mode === 'scrape' ? undefined : refused(response)),
      count,
      onStatus,
    });
  }

  /** All times in milliseconds; both ends included. */
  queryRange(
    query: string,
    { from, to, stepMs }: { from: number; to: number; stepMs: number },
    signal: AbortSignal,
  ): Promise<QueryAnswer> {
    const times = { start: from / 1_000, end: to / 1_000, step: stepMs / 1_000 };
    return this.#ask('api/v1/query_range', { query, ...times }, signal);
  }

  query(query: string, time: number, signal: AbortSignal): Promise<QueryAnswer> {
    return this.#ask('api/v1/query', { query, time: time / 1_000 }, signal);
  }

  /** By the clock of Prometheus, in milliseconds since 1970. */
  async now(signal: AbortSignal): Promise<number> {
    const { series } = await this.#ask('api/v1/query', { query: 'time()' }, signal);
    return Math.floor(Number(series[0]?.values[0]?.[1]) * 1_000);
  }

  /** The text of an endpoint with metrics. */
  async scrape(signal: AbortSignal): Promise<{ text: string; isOpenMetrics: boolean }> {
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    const response = await this.#http.request({ url: this.#options.config.url, headers: { accept }, signal });
    const type = response.headers['content-type'] ?? '';
    if (/text\/html|application\/json/i.test(type)) {
      throw this.#unexpected(response, `a page of type ${type.slice(0, 80)}, and not metrics`);
    }
    return { text: response.text(), isOpenMetrics: type.includes('openmetrics') };
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #ask(path: string, query: Record<string, string | number>, signal: AbortSignal): Promise<QueryAnswer> {
    const texts = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]);
    const form = new URLSearchParams(texts).toString();
    const isLong = form.length > LONGEST_URL;
    const headers = { accept: 'application/json' };
    const response = await this.#http.request(
      isLong
        ? {
            url: path,
            method: 'POST',
            body: form,
            headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
            idempotent: true,
            signal,
          }
        : { url: path, query, headers, signal },
    );
    return this.#read(response);
  }

  #read(response: HttpResponse): QueryAnswer {
    const answer = response.json() as Answer | null;
    if (answer?.status === 'error') throw this.#failed(response, answer);
    const { resultType, result } = answer?.data ?? {};
    if (answer?.status !== 'success' || !Array.isArray(result)) throw this.#unexpected(response, 'what is no result');
    const warnings = Array.isArray(answer.warnings) ? answer.warnings.map(String) : [];
    return { series: seriesOf(String(resultType), result), warnings };
  }

  /** An error may come with 200 from what stands in front of Prometheus. */
  #failed(response: HttpResponse, { errorType, error }: Answer): Error {
    const message = `${response.label} failed (${String(errorType)}: ${String(error).slice(0, 300)})`;
    const fields = { sourceId: this.#options.sourceId };
    if (['timeout', 'unavailable', 'internal', 'canceled'].includes(String(errorType))) {
      return new RetryableError(`${message}. It may pass: try again later`, {
        ...fields,
        code: 'PROMETHEUS_UNAVAILABLE',
      });
    }
    return new FatalError(`${message}. Check the query`, { ...fields, code: 'PROMETHEUS_QUERY' });
  }

  #unexpected(response: HttpResponse, what: string): FatalError {
    return new FatalError(
      `${response.label} answered ${response.status} with ${what}. Is the URL that of Prometheus, and may it be read without a login?`,
      { code: 'PROMETHEUS_ANSWER', sourceId: this.#options.sourceId },
    );
  }
}

function toHttp(credentials: PrometheusCredentials): HttpCredentials {
  if ('token' in credentials) return bearer(new Secret(credentials.token));
  return basic(credentials.user, new Secret(credentials.password));
}

/** Vectors, matrices and scalars alike; a string has no value that could be compared. */
function seriesOf(resultType: string, result: readonly unknown[]): readonly RawSeries[] {
  switch (resultType) {
    case 'matrix':
      return result as RawSeries[];
    case 'vector':
      return (result as { metric: RawSeries['metric']; value: RawSample }[]).map(({ metric, value }) => ({
        metric,
        values: value === undefined ? [] : [value],
      }));
    case 'scalar':
      return [{ metric: {}, values: [result as unknown as RawSample] }];
    default:
      return [];
  }
}

/** 400 and 422: the query. 503 with a JSON body, it was aborted or timed out, is what its status says. */
function refused(response: HttpResponse): Classified {
  if (response.status !== 400 && response.status !== 422) return undefined;
  if (/maximum resolution|too many samples|too long/i.test(response.detail())) {
    return new FatalError(said(response, 'Ask for less at once'), { code: 'PROMETHEUS_TOO_MUCH' });
  }
  return new FatalError(said(response, 'Check the query'), { code: 'PROMETHEUS_QUERY' });
}
