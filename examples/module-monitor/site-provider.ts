import { createHash, randomUUID } from 'node:crypto';
import {
  type Delivery,
  InvalidBodyError,
  parseJson,
  RateLimit,
  type Refusal,
  type WebhookProvider,
  type WebhookRequest,
} from 'headwater/sources/webhook';
import type { Audit } from './audit.js';
import type { Sites } from './sites.js';
import type { SyncEvent } from './sync.js';
import { syncRequest } from './sync-request.js';

const MEGABYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;
/** Of the problems of a body: enough to mend it by. */
const MOST_PROBLEMS = 50;

export const REFUSALS = {
  'no key': { reason: 'x-api-key is missing', status: 401 },
  'wrong key': { reason: 'x-api-key is not a key of this site', status: 401 },
  'unknown site': { reason: 'there is no such site, or it is not active', status: 404 },
} as const satisfies Record<string, Refusal>;

export interface SiteProviderOptions {
  readonly sites: Sites;
  readonly audit: Audit;
  /** Syncs of more modules wait on disk, and are answered with 202. */
  readonly largeModules: number;
  /** Requests of one site in an hour. */
  readonly perHour: number;
}

/** How sites send: with a key of their own, so often, and bodies that are checked. */
export class SiteProvider implements WebhookProvider<SyncEvent> {
  readonly name = 'site';
  readonly maxBodyBytes = MEGABYTE;
  readonly deadlineMs = 30_000;
  readonly redeliveryMs = 24 * HOUR_MS;
  readonly retries = true;
  readonly #options: SiteProviderOptions;
  readonly #rate: RateLimit;
  #time = 0;

  constructor(options: SiteProviderOptions) {
    this.#options = options;
    this.#rate = new RateLimit({ requests: options.perHour, perMs: HOUR_MS });
  }

  async verify({ params, header, receivedAt }: WebhookRequest): Promise<Refusal | undefined> {
    const site = params['site'] ?? '';
    const problem = await this.#options.sites.check(site, header('x-api-key'));
    return problem === undefined ? this.#rate.take(site, receivedAt) : REFUSALS[problem];
  }

  async read({ params, header, content }: WebhookRequest): Promise<Delivery<SyncEvent>> {
    const site = params['site'] ?? '';
    const key = header('idempotency-key');
    const id = key === undefined ? randomUUID() : syncIdOf(site, key);
    const at = this.#nextTime();
    const { data, error } = syncRequest.safeParse(parseJson(content));
    if (data === undefined) {
      const problems = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
      const summary = `${problems.length} problems, the first: ${problems[0]?.path}: ${problems[0]?.message}`;
      await this.#options.audit.fail(
        { id: randomUUID(), site, mode: 'unknown', modules: [], receivedAt: at },
        'refused',
        summary,
      );
      throw new InvalidBodyError(problems.slice(0, MOST_PROBLEMS));
    }
    const { mode, modules, site: info } = data;
    const isLarge = modules.length > this.#options.largeModules;
    return {
      id: key === undefined ? undefined : id,
      events: [
        { type: 'monitor.sync', id, time: at, subject: site, data: { id, site, mode, info, modules, receivedAt: at } },
      ],
      answerWhen: isLarge ? 'spooled' : 'acknowledged',
    };
  }

  /** Times tell the order in which syncs were accepted. */
  #nextTime(): string {
    this.#time = Math.max(Date.now(), this.#time + 1);
    return new Date(this.#time).toISOString();
  }
}

/** What a site calls a sync, so that it can ask again without doing it twice, as an id among those of all sites. */
function syncIdOf(site: string, key: string): string {
  return createHash('sha256').update(`${site}\n${key}`).digest('hex').slice(0, 32);
}
