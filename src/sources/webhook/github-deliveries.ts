import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Secret } from '../../core/secret.js';
import { bearer } from '../../toolkit/http/credentials.js';
import { createHttpClient, type HttpClient } from '../../toolkit/http/http-client.js';
import { paginate } from '../../toolkit/http/paginate.js';
import type { GitHubReconcile } from './providers/github.js';

/** A delivery as GitHub lists it. The same `guid` comes again with every attempt. */
interface Attempt {
  readonly id: number;
  readonly guid: string;
  readonly delivered_at: string;
  readonly status_code: number;
}

export interface GitHubDeliveriesOptions {
  readonly endpoint: string;
  readonly config: GitHubReconcile;
  readonly token: Secret;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dispatcher: object | undefined;
  count(counter: 'requests' | 'retries' | 'bytes', by: number): void;
}

const PER_PAGE = 100;
/** For so long GitHub can be asked to send a delivery again. */
const KEPT_MS = 3 * 86_400_000;
/** Clocks differ, and what failed last may be listed late. */
const OVERLAP_MS = 60_000;
/** A delivery that fails each time is not asked for for ever. */
const MOST_TRIES = 5;

/**
 * Asks GitHub what it could not deliver, and to send it again: at the start for the time in which nobody listened, and
 * every so often for what was refused meanwhile. What comes again has its old id, so nothing comes twice.
 *
 * @see https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
 * @see https://docs.github.com/en/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
 */
export class GitHubDeliveries {
  readonly #options: GitHubDeliveriesOptions;
  /** How often each was asked for; only those that still fail. */
  readonly #tries = new Map<string, number>();

  constructor(options: GitHubDeliveriesOptions) {
    this.#options = options;
  }

  get endpoint(): string {
    return this.#options.endpoint;
  }

  /**
   * Asks again for everything that failed since then; says how many that were.
   * @throws what asking GitHub throws: nothing is known then
   */
  async sweep(since: number, signal: AbortSignal): Promise<number> {
    const { config, token, clock, logger, dispatcher, count } = this.#options;
    const client = createHttpClient({
      origin: config.apiUrl,
      dispatcher,
      clock,
      logger,
      credentials: bearer(token),
      headers: {
        accept: 'application/vnd.github+json',
        'user-agent': 'headwater',
        'x-github-api-version': '2022-11-28',
      },
      count,
    });
    try {
      const failed = await this.#failedSince(client, Math.max(since - OVERLAP_MS, clock.now() - KEPT_MS), signal);
      for (const { id } of failed) await this.#sendAgain(client, id, signal);
      return failed.length;
    } finally {
      await client.close();
    }
  }

  /** Sweeps every so often, until the signal fires. */
  async run(since: number, signal: AbortSignal): Promise<void> {
    const { config, clock, logger, endpoint } = this.#options;
    let from = since;
    while (!signal.aborted) {
      try {
        await clock.sleep(config.everyMs, signal);
        const begun = clock.now();
        await this.sweep(from, signal);
        from = begun;
      } catch (error) {
        if (!signal.aborted)
          logger.warn({ error, endpoint }, 'webhook: GitHub cannot be asked what it did not deliver');
      }
    }
  }

  /** Newest first, as they are listed: of each delivery the last attempt, unless one went well. */
  async #failedSince(client: HttpClient, since: number, signal: AbortSignal): Promise<readonly Attempt[]> {
    const { config } = this.#options;
    const hook = `${pathOf(config)}/hooks/${config.hookId}`;
    const base = config.apiUrl.endsWith('/') ? config.apiUrl : `${config.apiUrl}/`;
    const pages = paginate({
      start: `${base}${hook}/deliveries?per_page=${PER_PAGE}`,
      read: (url) => client.request({ url, signal }),
      next: { link: ({ headers }) => headers['link'] },
    });
    const last = new Map<string, Attempt>();
    const delivered = new Set<string>();
    for await (const { page } of pages) {
      const attempts = page.json() as readonly Attempt[];
      for (const attempt of attempts) {
        if (attempt.status_code >= 200 && attempt.status_code < 300) delivered.add(attempt.guid);
        if (!last.has(attempt.guid)) last.set(attempt.guid, attempt);
      }
      const oldest = attempts.at(-1);
      if (oldest === undefined || Date.parse(oldest.delivered_at) < since) break;
    }
    return [...last.values()].filter((attempt) => {
      return Date.parse(attempt.delivered_at) >= since && !delivered.has(attempt.guid) && this.#mayTry(attempt.guid);
    });
  }

  #mayTry(guid: string): boolean {
    const tries = (this.#tries.get(guid) ?? 0) + 1;
    this.#tries.set(guid, tries);
    if (tries === MOST_TRIES + 1) {
      this.#options.logger.warn(
        { delivery: guid, endpoint: this.endpoint },
        'webhook: a delivery fails again and again',
      );
    }
    return tries <= MOST_TRIES;
  }

  async #sendAgain(client: HttpClient, id: number, signal: AbortSignal): Promise<void> {
    const { config, logger, endpoint } = this.#options;
    const url = `${pathOf(config)}/hooks/${config.hookId}/deliveries/${id}/attempts`;
    // Asked twice it comes twice, and is one event all the same.
    await client.request({ method: 'POST', url, signal, idempotent: true });
    logger.info({ endpoint, attempt: id }, 'webhook: GitHub was asked to deliver again');
  }
}

function pathOf({ repository, organization }: GitHubReconcile): string {
  return repository !== undefined ? `repos/${repository}` : `orgs/${organization}`;
}
