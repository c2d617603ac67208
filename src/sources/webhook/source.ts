import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseConfig } from '../../core/config.js';
import { FatalError } from '../../core/errors.js';
import type { GapEvent, SourceEvent } from '../../core/event.js';
import { PushEventSource } from '../../core/push-event-source.js';
import type { PushLimits } from '../../core/push-queue.js';
import type { ReadContext, SourceBatch } from '../../core/read-options.js';
import type { Secret } from '../../core/secret.js';
import type { SourceOptions, ValidationResult } from '../../core/source-definition.js';
import type { Upstream } from '../../core/source-runtime.js';
import { createAllowList } from '../../toolkit/allow-list.js';
import { hostText, listenFailure } from '../../toolkit/listen-failure.js';
import { Listening } from '../../toolkit/listening.js';
import {
  type ServerConfig,
  type WebhookConfig,
  type WebhookConfigInput,
  type WebhookCredentials,
  webhookConfig,
} from './config.js';
import { type WebhookCursor, webhookCursor } from './cursor.js';
import { downtimeOf } from './downtime.js';
import type { Endpoint } from './endpoint.js';
import { createEndpoints, splitProviders, warnOf } from './endpoints.js';
import { checkType } from './events.js';
import { createFastifyPlugin, type FastifyPlugin } from './fastify-plugin.js';
import { type FetchContext, handleFetch } from './fetch-handler.js';
import type { Inbox } from './inbox.js';
import { handleNode } from './node-handler.js';
import type { Delivery, WebhookAnswer } from './provider.js';
import { QueueInbox } from './queue-inbox.js';
import { Reading } from './reading.js';
import { Receiver } from './receiver.js';
import { Reconciler } from './reconciler.js';
import { Routes } from './routes.js';
import { readSecrets } from './secrets.js';
import { type WebhookAddress, WebhookServer } from './server.js';
import { SpoolInbox } from './spool-inbox.js';

/** How often a quiet source notes that it still listens. */
const BEAT_MS = 30_000;
/** How exact that is. */
const LISTENED_STEP_MS = 1_000;
/** How long requests that were refused at the end may take to hear of it. */
const FLUSH_MS = 500;

type Batch<Event extends SourceEvent> = SourceBatch<Event | GapEvent, WebhookCursor>;

/**
 * A receiver of webhooks: verified, each delivery once, and answered with 2xx only when the consumer has acknowledged it
 * or it is on disk. It has a server of its own, or is mounted in the host's.
 *
 * @example
 * const source = await WebhookSource.create({
 *   id: 'hooks',
 *   credentials: { github: process.env.GITHUB_WEBHOOK_SECRET },
 *   config: { server: { port: 8080 }, endpoints: { github: { provider: 'github' } }, spool: { dir: '/var/lib/hooks' } },
 * });
 * for await (const event of source.generateEvents()) {
 *   if (event.type === 'github.push') console.log(event.subject, event.data);
 * }
 */
export class WebhookSource<Event extends SourceEvent = SourceEvent> extends PushEventSource<
  Event,
  WebhookConfig,
  WebhookCursor
> {
  static readonly definition = {
    type: 'webhook',
    config: webhookConfig,
    cursor: { version: 1, schema: webhookCursor },
    capabilities: {
      kind: 'push',
      delivery: 'at-least-once',
      position: 'state',
      ids: 'stable',
      deletes: false,
      notes: [
        'Without a spool a delivery waits in memory until it is acknowledged; its sender is told 503 before it gives up.',
        'With a spool the cursor is the position in it: saved in the transaction of a sink, every delivery is taken exactly once.',
        'What senders that send once (GitHub) sent while nothing listened is told by a gap.',
      ],
    },
    events: {
      'github.push': {
        description: 'Provider github: any event of GitHub, `github.<event>` or `github.<event>.<action>`.',
      },
      'gitlab.push': {
        description: 'Provider gitlab: any event, `gitlab.<kind>` or `gitlab.<kind>.<action or status>`.',
      },
      'jenkins.build.completed': { description: 'Provider jenkins: a phase of a build, `jenkins.build.<phase>`.' },
      'alertmanager.alert': { description: 'Provider alertmanager: an alert that fires or is resolved.' },
      'pagerduty.incident.triggered': { description: 'Provider pagerduty: any event, `pagerduty.<event type>`.' },
      'stripe.invoice.paid': { description: 'Provider stripe: any event, `stripe.<event type>`.' },
      'slack.app_mention': { description: 'Provider slack: any event of the Events API, `slack.<event type>`.' },
      'standard-webhooks.received': {
        description: 'Provider standard-webhooks: `standard-webhooks.<type>`, where the body says one.',
      },
      'cloudevents.com.example.created': { description: 'Provider cloudevents: `cloudevents.<type>`.' },
      'webhook.received': { description: 'Provider generic: a request of any other sender.' },
    },
  } as const;

  /**
   * @typeParam Event - what it emits; of GitHub `GitHubWebhookEvents<EventPayloadMap>`
   * @throws ConfigError with everything that is wrong with configuration or credentials; nothing is opened.
   */
  static async create<Event extends SourceEvent = SourceEvent>(
    options: SourceOptions<WebhookConfigInput, WebhookCredentials, WebhookCursor>,
  ): Promise<WebhookSource<Event>> {
    const { config: plain, hosts } = splitProviders(options.config);
    const config = await parseConfig(webhookConfig, { id: options.id, config: plain });
    const { secrets, tokens } = await readSecrets(options);
    const endpoints = createEndpoints({ sourceId: options.id, config, hosts, secrets, tokens });
    const source = new WebhookSource<Event>({ ...options, config }, endpoints, tokens);
    warnOf(endpoints, config, source.logger, options.id);
    return source;
  }

  readonly type = 'webhook';
  protected override readonly limits: PushLimits;
  readonly #endpoints: readonly Endpoint[];
  readonly #queue: QueueInbox;
  /** Where deliveries go in place of the queue. */
  readonly #spool: SpoolInbox | undefined;
  readonly #receiver: Receiver;
  readonly #reconciler: Reconciler;
  readonly #server: Listening<WebhookAddress> | undefined;
  /** Since when requests can come in without a break; undefined while they cannot. */
  #listeningSince: number | undefined;
  /** Whether the host asked to listen beyond iterations. */
  #isHeld = false;
  #isClosed = false;
  #isIterated = false;
  /** Behind what was handed out last, and when it was said that the source listens. */
  #cursor: WebhookCursor | undefined;
  #listenedAt = Number.NEGATIVE_INFINITY;

  private constructor(
    options: SourceOptions<WebhookConfig, WebhookCredentials, WebhookCursor>,
    endpoints: readonly Endpoint[],
    tokens: Readonly<Record<string, Secret>>,
  ) {
    super(options as SourceOptions<WebhookConfig, unknown, WebhookCursor>);
    const { queueEvents, queueBytes, maxRemembered, server } = this.config;
    this.limits = { maxEvents: queueEvents, maxBytes: queueBytes, maxWaiting: 0, whenFull: 'refuse' };
    this.#endpoints = endpoints;
    this.#queue = new QueueInbox({
      clock: this.clock,
      maxRemembered,
      push: (event, pushOptions) => this.push(event as Event, pushOptions),
    });
    this.#spool = this.#createSpool();
    this.#receiver = this.#createReceiver();
    this.#reconciler = new Reconciler(this.config.endpoints, tokens, {
      clock: this.clock,
      logger: this.logger,
      dispatcher: options.dispatcher,
      count: (counter, by) => this.count(counter, by),
    });
    this.#server = server === undefined ? undefined : this.#createServer(server);
    if (server === undefined) this.#listeningSince = this.clock.now();
  }

  /**
   * Answers a request of the web platform: `app.post('/hooks/*', (c) => source.fetch(c.req.raw))`. Its path is compared
   * with the paths of the endpoints.
   */
  readonly fetch = (request: Request, context: FetchContext = {}): Promise<Response> =>
    handleFetch(this.#receiver, request, typeof context.address === 'string' ? context.address : undefined);

  /**
   * A handler for `node:http`, Express, Koa and the like. Mount it before anything that reads bodies: what is signed are
   * the bytes. Below a prefix (`app.use('/hooks', …)`) paths are those that Express leaves in `request.url`.
   */
  nodeHandler(): (request: IncomingMessage, response: ServerResponse) => void {
    return (request, response) => void handleNode(this.#receiver, request, response);
  }

  /** A plugin for Fastify, for everything below a prefix: `app.register(source.fastifyPlugin(), { prefix: '/hooks' })`. */
  fastifyPlugin(): FastifyPlugin {
    return createFastifyPlugin(this.#receiver);
  }

  /**
   * Listens with its own server from now on until `close()`, also before the first iteration and between two. Without it
   * the server listens only while the source is iterated.
   *
   * @returns where it listens: with port 0, the port that it was given
   * @throws RetryableError, PermissionError or FatalError (WEBHOOK_LISTEN); FatalError (SOURCE_CLOSED, WEBHOOK_NO_SERVER)
   */
  async listen(): Promise<readonly WebhookAddress[]> {
    if (this.#isClosed) throw this.#fatal('is closed', 'SOURCE_CLOSED');
    if (this.#server === undefined) throw this.#fatal('has no server: set config.server', 'WEBHOOK_NO_SERVER');
    this.#isHeld = true;
    await this.#spool?.open();
    await this.#server.start();
    return this.addresses();
  }

  /** Where its own server listens now; empty while it does not. */
  addresses(): readonly WebhookAddress[] {
    return this.#server?.addresses ?? [];
  }

  /**
   * The consumer is done with an event, and says what its sender is answered, at once. For synchronous APIs: call it when
   * the work is done, and before asking for the next event. An event that is not answered is answered with 202 when it is
   * acknowledged.
   *
   * @returns false where nobody waits any more: the sender was answered already, or is gone
   */
  answer(event: Pick<SourceEvent, 'source' | 'id'>, answer: WebhookAnswer): boolean {
    return this.#inbox.answer(event, answer);
  }

  /** Tries to listen, and stops at once. Does nothing while the source listens, and without a server of its own. */
  async validate(): Promise<ValidationResult> {
    if (this.config.server === undefined || this.#server?.isOn === true) return { ok: true, problems: [] };
    try {
      const server = await this.#open(this.config.server, () => {});
      await server.close();
      return { ok: true, problems: [] };
    } catch (error) {
      const { code, message } = error as FatalError;
      return { ok: false, problems: [{ severity: 'error', code, message }] };
    }
  }

  /**
   * Takes no more requests (503, `Connection: close`). Those whose events the consumer has in hand are answered when it
   * acknowledges them, or with 503 after `closeGraceMs`; this does not wait for that.
   */
  override async close(): Promise<void> {
    this.#isClosed = true;
    this.#receiver.close();
    await super.close();
    const stopped = this.#server?.stop();
    if (this.#isIterated) return;
    await stopped;
    await this.#spool?.close();
  }

  protected override async begin({ state, defer }: ReadContext<WebhookCursor>): Promise<void> {
    this.#isIterated = true;
    defer(async () => {
      this.#isIterated = false;
      if (this.#server !== undefined && (this.#isClosed || !this.#isHeld)) await this.#server.stop();
      // What was acknowledged last is told to the spool before this.
      if (this.#isClosed) await this.#spool?.close();
    });
    if (this.#spool === undefined) await this.#queue.restore(state);
    else await this.#spool.open();
    await this.#server?.start();
  }

  /** @internal */
  protected override open(context: ReadContext<WebhookCursor>): Upstream {
    const reading = new Reading<Batch<Event>>({
      clock: this.clock,
      signal: context.signal,
      begin: async () => {
        await this.begin(context);
        this.#cursor = context.cursor;
        this.#listenedAt = Number.NEGATIVE_INFINITY;
        const gap = this.#missed(context.cursor, await this.#reconciler.catchUp(context));
        return gap === undefined ? undefined : { events: [gap], cursor: this.position() };
      },
      items: this.#spooled(context) ?? this.pushed(context),
      everyMs: BEAT_MS,
      beat: () => ({ events: [], cursor: this.position() }),
    });
    return { kind: 'batches', iterator: reading } as Upstream;
  }

  /** Behind what was handed out last. */
  protected override position(): WebhookCursor {
    const now = this.clock.now();
    // Text of the time is made once a second: for each event it would cost as much as a part of the event.
    if (now - this.#listenedAt >= LISTENED_STEP_MS || now < this.#listenedAt) {
      this.#listenedAt = now;
      this.#cursor = { ...this.#cursor, listened: new Date(now).toISOString() };
    }
    return this.#cursor as WebhookCursor;
  }

  #spooled(context: ReadContext<WebhookCursor>): AsyncIterator<Batch<Event>, void> | undefined {
    const place = (spool: string, sequence: number): WebhookCursor => {
      const { listened } = this.position();
      this.#cursor = { listened, spool, sequence };
      return this.#cursor;
    };
    return this.#spool?.batches(context, place) as AsyncIterator<Batch<Event>, void> | undefined;
  }

  #missed(cursor: WebhookCursor | undefined, caughtUp: ReadonlySet<string>): GapEvent | undefined {
    const since = this.#listeningSince;
    if (cursor === undefined || since === undefined) return undefined;
    const missing = this.#endpoints.filter(({ name }) => !caughtUp.has(name));
    const downtime = downtimeOf(missing, Date.parse(cursor.listened), since);
    if (downtime === undefined) return undefined;
    return this.gap('downtime', downtime, { from: cursor.listened, to: new Date(since).toISOString() });
  }

  get #inbox(): Inbox {
    return this.#spool ?? this.#queue;
  }

  #createSpool(): SpoolInbox | undefined {
    const { spool, queueBytes, queueEvents, maxRemembered } = this.config;
    if (spool === undefined) return undefined;
    return new SpoolInbox({
      config: spool,
      maxRemembered,
      maxRecentBytes: queueBytes,
      maxEvents: queueEvents,
      clock: this.clock,
      logger: this.logger,
      restore: (event) => this.event(event as never),
      gap: (reason, detail, range) => this.gap(reason, detail, range),
    });
  }

  #createReceiver(): Receiver {
    const { config, clock, logger } = this;
    const { trustedProxies, maxRequests, maxUnverifiedBytes, bodyTimeoutMs } = config;
    return new Receiver({
      routes: new Routes(this.#endpoints, this.id),
      inbox: this.#inbox,
      clock,
      logger,
      maxRequests,
      maxUnverifiedBytes,
      bodyTimeoutMs,
      isTrustedProxy: trustedProxies === undefined ? () => false : createAllowList(trustedProxies),
      toEvents: (endpoint, delivery) => this.#toEvents(endpoint, delivery),
      count: (counter, by) => this.count(counter, by),
    });
  }

  #toEvents({ uri }: Endpoint, { events, truncated, id }: Delivery): readonly SourceEvent[] {
    const made: SourceEvent[] = events.map((event) => {
      checkType(event);
      const { type, id: eventId, data, time, subject } = event;
      return this.event({ type, id: eventId, data, time, subject, source: uri } as never);
    });
    if (truncated === undefined) return made;
    const gap = this.gap('truncated', truncated.detail, { from: id ?? events[0]?.id, count: truncated.count });
    return [...made, { ...gap, source: uri }];
  }

  #createServer(config: ServerConfig): Listening<WebhookAddress> {
    return new Listening({
      open: async () => {
        const server = await this.#open(config, (reason) => this.countDropped(reason));
        this.#listeningSince = this.clock.now();
        return [server];
      },
      beforeClose: async (servers) => {
        this.#listeningSince = undefined;
        for (const server of servers) (server as WebhookServer).stopListening();
        await this.#settleRequests();
      },
    });
  }

  /** Those that wait get what becomes of their events, or 503. */
  async #settleRequests(): Promise<void> {
    const timer = new AbortController();
    const grace = this.#isClosed ? this.clock.sleep(this.closeGraceMs, timer.signal).catch(() => {}) : undefined;
    await Promise.race([this.#receiver.idle(), grace]);
    timer.abort();
    this.#inbox.tellAll({ kind: 'refused', reason: 'the receiver is shutting down' });
    // What is still coming in gets the time that it takes to refuse it.
    const bodies = new AbortController();
    await Promise.race([this.#receiver.idle(), this.clock.sleep(FLUSH_MS, bodies.signal).catch(() => {})]);
    bodies.abort();
  }

  async #open(config: ServerConfig, drop: (reason: string) => void): Promise<WebhookServer> {
    const { bodyTimeoutMs } = this.config;
    const handle = this.nodeHandler();
    try {
      return await WebhookServer.listen(config, bodyTimeoutMs, { handle, drop });
    } catch (error) {
      const where = `http://${hostText(config.host)}:${config.port}`;
      throw listenFailure(error, { where, sourceId: this.id, code: 'WEBHOOK_LISTEN' });
    }
  }

  #fatal(what: string, code: string): FatalError {
    return new FatalError(`source "${this.id}" ${what}`, { code, sourceId: this.id });
  }
}
