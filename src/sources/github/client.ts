import type { Octokit } from '@octokit/rest';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { SourceStatus } from '../../core/status.js';
import { createFetch, ownErrorIn } from '../../toolkit/http/fetch.js';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../../toolkit/http/http-client.js';
import type { HttpResponse } from '../../toolkit/http/http-response.js';
import type { Validators } from '../../toolkit/http/validators.js';
import { peerFailure } from '../../toolkit/import-peer.js';
import { classify } from './answers.js';
import type { GithubConfig } from './config.js';
import { type KeptCredentials, type OpenCredentials, openCredentials } from './credentials.js';
import { type RateLimit, readLimit } from './rate-limit.js';

export interface ClientOptions {
  config: Pick<GithubConfig, 'baseUrl' | 'concurrency' | 'reserve'>;
  credentials: KeptCredentials;
  signal: AbortSignal | undefined;
  clock: Clock;
  logger: Logger;
  dispatcher: object | undefined;
  count?: ((counter: 'requests' | 'retries' | 'bytes', by: number) => void) | undefined;
  onStatus?: ((status: SourceStatus) => void) | undefined;
  onLimit?: ((limit: RateLimit) => void) | undefined;
}

export interface GetOptions {
  accept?: string | undefined;
  /** Makes the request conditional; the answer may be 304 then. */
  validators?: Validators | undefined;
  acceptStatus?: readonly number[] | undefined;
}

const JSON_TYPE = 'application/vnd.github+json';
/** https://docs.github.com/rest/about-the-rest-api/api-versions */
const API_VERSION = '2022-11-28';

/**
 * GitHub's REST API. Octokit makes the requests; the toolkit's client sends them, and is the one owner of retries,
 * limits, redirects and conditions.
 */
export class GithubClient {
  readonly baseUrl: string;
  /** Whether the credentials can be those of a person. */
  readonly mayBeUser: boolean;
  readonly #octokit: Octokit;
  readonly #http: HttpClient;
  readonly #credentials: OpenCredentials;
  readonly #signal: AbortSignal | undefined;

  /** @throws MissingPeerError without `@octokit/rest`; AuthenticationError when a token function gives none */
  static async open(options: ClientOptions): Promise<GithubClient> {
    const OctokitClass = await loadOctokit();
    const { config, clock, logger, signal } = options;
    const base: HttpClientOptions = {
      origin: config.baseUrl,
      dispatcher: options.dispatcher,
      clock,
      logger,
      headers: { accept: JSON_TYPE, 'x-github-api-version': API_VERSION },
      varyBy: ['accept', 'x-github-api-version'],
      count: options.count,
      onStatus: options.onStatus,
    };
    const credentials = await openCredentials(options.credentials, { clock, client: base, signal });
    const http = createHttpClient({
      ...base,
      credentials: credentials.http,
      limits: { concurrency: config.concurrency, reserve: config.reserve },
      classify: (response, attempt) => {
        const limit = readLimit(response.headers);
        if (limit !== undefined) options.onLimit?.(limit);
        return classify(response, attempt, clock.now());
      },
    });
    // Only warnings, of what GitHub is about to remove: the toolkit logs the rest.
    const log = { debug() {}, info() {}, error() {}, warn: (text: string) => logger.warn({}, text) };
    return new GithubClient(new OctokitClass({ baseUrl: config.baseUrl, log }), http, credentials, options);
  }

  private constructor(octokit: Octokit, http: HttpClient, credentials: OpenCredentials, options: ClientOptions) {
    this.baseUrl = options.config.baseUrl.replace(/\/+$/, '');
    this.mayBeUser = options.credentials.kind === 'token' || options.credentials.kind === 'function';
    this.#octokit = octokit;
    this.#http = http;
    this.#credentials = credentials;
    this.#signal = options.signal;
  }

  /**
   * @param url absolute, or below `baseUrl`: '/repos/octokit/rest.js'
   * @throws our own errors, see `classify`; `signal.reason`
   */
  async get(url: string, { accept, validators, acceptStatus }: GetOptions = {}): Promise<HttpResponse> {
    const answer: { response?: HttpResponse } = {};
    const fetch = createFetch(this.#http, {
      request: { signal: this.#signal, validators, acceptStatus },
      onResponse: (response) => {
        answer.response = response;
      },
    });
    const headers = { accept: accept ?? JSON_TYPE, 'user-agent': 'headwater', 'x-github-api-version': API_VERSION };
    try {
      // The body is read once, by the toolkit.
      const request = { fetch, parseSuccessResponseBody: false };
      await this.#octokit.request({ method: 'GET', url, headers, request });
    } catch (error) {
      // Octokit takes a 304, and what `acceptStatus` names, for errors.
      if (answer.response === undefined) throw ownErrorIn(error, this.#signal);
    }
    if (answer.response === undefined) throw new TypeError('Octokit did not send the request');
    return answer.response;
  }

  async close(): Promise<void> {
    await this.#credentials.close();
    await this.#http.close();
  }
}

async function loadOctokit(): Promise<typeof Octokit> {
  try {
    return (await import('@octokit/rest')).Octokit;
  } catch (error) {
    throw peerFailure('@octokit/rest', error);
  }
}
