import type { Clock } from '../../../core/clock.js';
import { FatalError } from '../../../core/errors.js';
import type { Logger } from '../../../core/logger.js';
import { Secret } from '../../../core/secret.js';
import type { SourceStatus } from '../../../core/status.js';
import { basic, bearer, credentialIdentity, type HttpCredentials } from '../../../toolkit/http/credentials.js';
import { createHttpClient, type HttpClient } from '../../../toolkit/http/http-client.js';
import type { HttpRequest } from '../../../toolkit/http/http-request.js';
import type { HttpResponse } from '../../../toolkit/http/http-response.js';
import { type Classified, said } from '../../../toolkit/http/status-error.js';
import type { InfluxdbConfig, InfluxdbCredentials } from './config.js';
import { readFluxAnswer } from './flux-answer.js';
import { readInfluxqlAnswer } from './influxql-answer.js';
import { instantText } from './instant.js';
import { type PointAnswer, ReportedError, UnexpectedAnswer } from './point.js';
import { readSqlAnswer } from './sql-answer.js';

export interface ClientOptions {
  readonly sourceId: string;
  readonly config: InfluxdbConfig;
  readonly credentials: InfluxdbCredentials | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dispatcher?: object | undefined;
  count(counter: 'requests' | 'retries' | 'bytes', by: number): void;
  onStatus(status: SourceStatus): void;
}

/** Points of one chunk of an answer in InfluxQL. */
const CHUNK_SIZE = 10_000;

/** The query interfaces of InfluxDB 1, 2 and 3. */
export class InfluxdbClient {
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
      credentials: credentials && toHttp(credentials, config.language),
      deadlines: { headersMs: config.timeoutMs },
      maxBodyBytes: config.maxBodyBytes,
      classify: refused,
      count,
      onStatus,
    });
  }

  /**
   * The points of a query from `from` (included) to `to` (not included), in nanoseconds since 1970.
   * @throws FatalError INFLUXDB_QUERY where it is refused, also within an answer with status 200; INFLUXDB_ANSWER where
   * the answer is none
   */
  async query(query: string, { from, to }: { from: bigint; to: bigint }, signal: AbortSignal): Promise<PointAnswer> {
    const response = await this.#http.request({ ...this.#request(bound(query, this.#language, from, to)), signal });
    try {
      return this.#read(response);
    } catch (error) {
      const fields = { sourceId: this.#options.sourceId };
      if (error instanceof ReportedError) {
        const message = `${response.label} failed: ${error.message.slice(0, 300)}. Check the query`;
        throw new FatalError(message, { ...fields, code: 'INFLUXDB_QUERY' });
      }
      if (!(error instanceof UnexpectedAnswer)) throw error;
      const message = `${response.label} answered ${response.status} with ${error.message}. Is the URL that of InfluxDB, and the language one that it knows?`;
      throw new FatalError(message, { ...fields, code: 'INFLUXDB_ANSWER' });
    }
  }

  /** By the clock of InfluxDB, to the second; by ours where it does not say. In milliseconds since 1970. */
  async now(signal: AbortSignal): Promise<number> {
    const { headers } = await this.#http.request({ url: 'ping', signal, acceptStatus: [404] });
    const stated = Date.parse(headers['date'] ?? '');
    return Number.isNaN(stated) ? this.#options.clock.now() : stated;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  get #language(): InfluxdbConfig['language'] {
    return this.#options.config.language;
  }

  #request(query: string): HttpRequest {
    const { config } = this.#options;
    const post = { method: 'POST', idempotent: true } as const;
    switch (config.language) {
      case 'influxql': {
        const { database: db, retentionPolicy: rp } = config;
        const form = new URLSearchParams({ q: query }).toString();
        const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
        return { ...post, url: 'query', query: { db, rp, chunked: true, chunk_size: CHUNK_SIZE }, headers, body: form };
      }
      case 'flux': {
        const dialect = { header: true, annotations: ['datatype', 'group', 'default'] };
        const headers = { accept: 'application/csv', 'content-type': 'application/json' };
        const body = JSON.stringify({ query, type: 'flux', dialect });
        return { ...post, url: 'api/v2/query', query: { org: config.org }, headers, body };
      }
      default: {
        const headers = { accept: 'application/json', 'content-type': 'application/json' };
        const body = JSON.stringify({ db: config.database, q: query, format: 'json' });
        return { ...post, url: 'api/v3/query_sql', headers, body };
      }
    }
  }

  #read(response: HttpResponse): PointAnswer {
    switch (this.#language) {
      case 'influxql':
        return readInfluxqlAnswer(response.text());
      case 'flux':
        return readFluxAnswer(response.text());
      default:
        return readSqlAnswer(response.json());
    }
  }
}

/** The query with its times: a Flux literal, or the text that InfluxQL and SQL compare times with. */
function bound(query: string, language: InfluxdbConfig['language'], from: bigint, to: bigint): string {
  const literal = (time: bigint): string => (language === 'flux' ? instantText(time) : `'${instantText(time)}'`);
  return query.replaceAll(/\$(from|to)\b/g, (_, name: string) => literal(name === 'from' ? from : to));
}

/** InfluxDB 2 has a scheme of its own: https://docs.influxdata.com/influxdb/v2/api-guide/api_intro/#authentication */
function toHttp(credentials: InfluxdbCredentials, language: InfluxdbConfig['language']): HttpCredentials {
  if (!('token' in credentials)) return basic(credentials.user, new Secret(credentials.password));
  if (language === 'sql') return bearer(new Secret(credentials.token));
  const token = new Secret(credentials.token);
  return {
    identity: credentialIdentity(credentials.token),
    headers: () => ({ authorization: `Token ${token.reveal()}` }),
  };
}

/** 400 and 422: the query. */
function refused(response: HttpResponse): Classified {
  if (response.status !== 400 && response.status !== 422) return undefined;
  return new FatalError(said(response, 'Check the query'), { code: 'INFLUXDB_QUERY' });
}
