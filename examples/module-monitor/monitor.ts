import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventRouter, isGap, type Logger, SkippableError, type SourceEvent } from 'headwater';
import { SourceManager } from 'headwater/manager';
import { KyselyDeadLetterStore } from 'headwater/sinks/kysely';
import { type Answering, type WebhookAnswer, WebhookSource } from 'headwater/sources/webhook';
import type { Kysely } from 'kysely';
import { type AlertEvent, AlertSource } from './alerts.js';
import { Audit, queued } from './audit.js';
import { type Tables, tablePrefix } from './database.js';
import { Inventory } from './inventory.js';
import { REFUSALS, SiteProvider } from './site-provider.js';
import { Sites } from './sites.js';
import type { SyncEvent, SyncResult } from './sync.js';
import { SyncRunner } from './sync-runner.js';

const SYNC_PATH = '/api/v1/sites/:site/modules/sync';
const STATUS_PATH = /^\/api\/v1\/sites\/([\w.-]+)\/syncs\/([\w-]+)$/;
/** Those that send slowly must not hold connections for long. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 60_000 };
const CLOSE_GRACE_MS = 5_000;
/** Syncs of different sites at once. */
const CONCURRENCY = 16;

export interface MonitorOptions {
  readonly database: Kysely<Tables>;
  /** Where syncs wait that were accepted: a directory of its own. */
  readonly spool: string;
  readonly logger: Logger;
  readonly largeModules?: number;
  readonly perHour?: number;
  readonly alertIntervalMs?: number;
}

/** The whole application: receives syncs, applies them, tells alerts. */
export class Monitor {
  /** Who wants to hear of alerts: `monitor.alerts.on('monitor.**', …)`. */
  readonly alerts = new EventRouter<AlertEvent>();
  readonly sites: Sites;
  readonly deadLetters: KyselyDeadLetterStore<Tables>;
  readonly #options: MonitorOptions;
  readonly #audit: Audit;
  readonly #inventory: Inventory;
  readonly #runner: SyncRunner;
  readonly #provider: SiteProvider;
  readonly #manager: SourceManager;
  readonly #server: Server;
  #source: WebhookSource<SyncEvent> | undefined;

  constructor(options: MonitorOptions) {
    const { database, logger } = options;
    this.#options = options;
    this.sites = new Sites(database);
    this.deadLetters = new KyselyDeadLetterStore(database, { tablePrefix });
    this.#audit = new Audit(database);
    this.#inventory = new Inventory(database);
    this.#runner = new SyncRunner(database, this.#inventory, this.#audit, logger);
    const { largeModules = 1_000, perHour = 60 } = options;
    this.#provider = new SiteProvider({ sites: this.sites, audit: this.#audit, largeModules, perHour });
    this.#manager = this.#createManager();
    this.#server = createServer(TIMEOUTS, (request, response) => void this.#answer(request, response));
  }

  /** @returns the port it listens on */
  async start(port: number, host = '127.0.0.1'): Promise<number> {
    await this.#inventory.prepare();
    await this.#manager.start();
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more; what is in work is finished, and what is on disk goes on at the next start. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    await this.#manager.stop();
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(timer);
  }

  /** Tries once more what had failed; whether it went through. */
  async retryDeadLetter(event: SourceEvent): Promise<SyncResult> {
    return this.#runner.run((event as SyncEvent).data);
  }

  #createManager(): SourceManager {
    // A database that is away is waited for; meanwhile syncs are kept on disk, or told to come again.
    const manager = new SourceManager({
      restart: { retries: Number.POSITIVE_INFINITY, minDelayMs: 500, maxDelayMs: 10_000 },
      retry: { retries: 0 },
      logger: this.#options.logger,
    });
    // The spool knows which syncs are done, and the audit knows one that comes again.
    manager.add({
      id: 'syncs',
      create: () => this.#createSource(),
      concurrency: CONCURRENCY,
      batch: { maxEvents: 1 },
      deadLetters: this.deadLetters,
      maxDeadLetterRatio: 1,
      sink: ({ events }) => this.#applyAll(events),
    });
    manager.add({
      id: 'alerts',
      create: async () => {
        const { database, alertIntervalMs = 1_000 } = this.#options;
        return new AlertSource({ id: 'alerts', config: { database, intervalMs: alertIntervalMs } });
      },
      sink: this.alerts,
    });
    return manager;
  }

  async #createSource(): Promise<WebhookSource<SyncEvent>> {
    const { spool, logger } = this.#options;
    const provider = this.#provider;
    this.#source = await WebhookSource.create<SyncEvent>({
      id: 'syncs',
      logger,
      config: {
        endpoints: { sync: { provider, path: SYNC_PATH, respond: (delivery) => this.#respond(delivery) } },
        spool: { dir: spool },
      },
    });
    return this.#source;
  }

  async #applyAll(events: readonly (SyncEvent | SourceEvent)[]): Promise<void> {
    for (const event of events) {
      if (isGap(event)) this.#options.logger.warn({ gap: event.data }, 'something was lost');
      else await this.#apply(event as SyncEvent);
    }
  }

  async #apply(event: SyncEvent): Promise<void> {
    const result = await this.#runner.run(event.data);
    this.#source?.answer(event, answerTo(result));
    // It is put aside, for somebody to look at.
    if (result.status === 'failed')
      throw new SkippableError(result.errors[0]?.message ?? 'it failed', { code: 'SYNC_FAILED' });
  }

  /** To those that do not wait: it is on disk, and here is where to ask for it. */
  async #respond({ events, outcome }: Answering): Promise<WebhookAnswer | undefined> {
    const [event] = events as readonly SyncEvent[];
    if (event === undefined) return undefined;
    const { id, site } = event.data;
    if (outcome === 'spooled') await this.#audit.queue(event.data);
    const result = (await this.#audit.find(site, id)) ?? queued(id);
    if (result.status !== 'queued') return answerTo(result);
    const statusUrl = `/api/v1/sites/${encodeURIComponent(site)}/syncs/${id}`;
    return json(202, { ...result, statusUrl }, { location: statusUrl });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, site, sync] = STATUS_PATH.exec(request.url ?? '') ?? [];
    if (this.#source !== undefined && (site === undefined || sync === undefined || request.method !== 'GET')) {
      this.#source.nodeHandler()(request, response);
      return;
    }
    const { status, headers, body } = await this.#status(site ?? '', sync ?? '', request.headers['x-api-key']);
    response.writeHead(status, headers).end(body);
  }

  async #status(site: string, sync: string, key: string | string[] | undefined): Promise<WebhookAnswer> {
    try {
      const problem = await this.sites.check(site, typeof key === 'string' ? key : undefined);
      if (problem !== undefined) return json(REFUSALS[problem].status, { error: REFUSALS[problem].reason });
      const result = await this.#audit.find(site, sync);
      return result === undefined ? json(404, { error: 'there is no such sync' }) : json(200, result);
    } catch (error) {
      this.#options.logger.error({ error }, 'a status could not be told');
      return json(503, { error: 'try again later' }, { 'retry-after': '10' });
    }
  }
}

function answerTo(result: SyncResult): WebhookAnswer {
  return json(result.status === 'failed' ? 500 : 200, result);
}

function json(status: number, body: object, headers: Record<string, string> = {}): WebhookAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
