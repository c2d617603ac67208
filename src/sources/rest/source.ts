import { BatchEventSource } from '../../core/batch-event-source.js';
import { parseConfig, parseCredentials } from '../../core/config.js';
import { checkCredentials } from '../../core/credentials.js';
import type { ReadContext } from '../../core/read-options.js';
import { Secret } from '../../core/secret.js';
import type { Problem, SourceOptions, ValidationResult } from '../../core/source-definition.js';
import { publicAddresses } from '../../toolkit/http/address-guard.js';
import { createHttpClient, type HttpClient } from '../../toolkit/http/http-client.js';
import { poll } from '../../toolkit/poll.js';
import { validation } from '../../toolkit/validation.js';
import { type RestConfig, type RestConfigInput, type RestCredentials, restConfig, restCredentials } from './config.js';
import { toHttpCredentials } from './credentials.js';
import { parseCursor, type RestCursor, restCursor } from './cursor.js';
import type { RestEvent } from './events.js';
import { createItemReader } from './item.js';
import { KnownItems } from './known-items.js';
import type { ModeContext } from './mode.js';
import { PageMemory } from './page-memory.js';
import { addressOf, nextFinder, readPages } from './pages.js';
import { Pass, type RestBatch } from './pass.js';

/**
 * The items of any JSON API, asked again and again: what is created, updated and deleted. Needs a cursor store, which keeps
 * what is known of each item; paths beyond names, indexes and `[*]` need the package `jsonpath-rfc9535`.
 *
 * @example
 * const factory = new EventSourceFactory({ sources: builtinSources, cursorStore: new FileCursorStore('.cursors') });
 * const source = await factory.create('rest', {
 *   id: 'orders',
 *   credentials: { token: process.env.SHOP_TOKEN },
 *   config: { url: 'https://shop.example.com/api/orders', items: '$.orders[*]', pagination: { by: 'link' } },
 * });
 * for await (const event of source.generateEvents({ follow: true })) console.log(event.type, event.subject);
 */
export class RestSource extends BatchEventSource<RestEvent, RestCursor, RestConfig> {
  static readonly definition = {
    type: 'rest',
    config: restConfig,
    credentials: restCredentials,
    cursor: { version: 1, schema: restCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'state',
      ids: 'stable',
      deletes: true,
      notes: [
        'An item that changes several times between two passes gives one event; one that changes back gives none.',
        'Deletions are told after a complete pass only; where pages are counted, after two. By watermark they are not seen.',
      ],
    },
    events: {
      'rest.item.created': { description: 'An item is there that was not.' },
      'rest.item.updated': { description: 'An item is another than it was.' },
      'rest.item.deleted': { description: 'An item is there no longer.' },
      'rest.item.invalid': { description: 'An item does not fit `schema`, and was set aside.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration or credentials; nothing is asked. */
  static async create(options: SourceOptions<RestConfigInput, RestCredentials, RestCursor>): Promise<RestSource> {
    const config = await parseConfig(restConfig, options);
    return new RestSource({ ...options, config }, await readCredentials(options));
  }

  readonly type = 'rest';
  readonly #credentials: Secret<RestCredentials | undefined>;
  readonly #dispatcher: object | undefined;

  private constructor(
    options: SourceOptions<RestConfig, RestCredentials, RestCursor>,
    credentials: Secret<RestCredentials | undefined>,
  ) {
    super(options as SourceOptions<RestConfig, unknown, RestCursor>);
    this.#credentials = credentials;
    this.#dispatcher = options.dispatcher;
    // What does not belong together is refused before anything is asked.
    void this.#open().close();
  }

  /** Where the items are. */
  override origin(): string {
    const { origin, pathname } = addressOf(this.config);
    return `rest:${origin}${pathname}`;
  }

  /** Whether the API answers, with items where they are looked for, each with an id. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    const signal = options.signal ?? new AbortController().signal;
    const client = this.#open();
    try {
      return await validation(signal, async () => this.#findProblems(await this.#mode(client.http, signal)));
    } finally {
      await client.close();
    }
  }

  protected async *readBatches(context: ReadContext<RestCursor>): AsyncGenerator<RestBatch, void, undefined> {
    const { signal, follow, state } = context;
    const client = this.#open();
    context.defer(() => client.close());
    const mode = await this.#mode(client.http, signal);
    let cursor = parseCursor(context.cursor, this.id);
    const known = await KnownItems.load(state);
    const memory = new PageMemory();
    const round = async function* (): AsyncGenerator<RestBatch, void, undefined> {
      const pass = new Pass(mode, known, cursor, memory);
      const batches = pass.batches();
      for (let step = await batches.next(); ; step = await batches.next()) {
        if (step.done === true) {
          cursor = step.value;
          return;
        }
        yield step.value;
      }
    };
    const { pollIntervalMs: intervalMs, maxPollIntervalMs: maxIntervalMs } = this.config;
    const onCaughtUp = (): void => this.setStatus({ state: 'caught-up' });
    const options = { clock: this.clock, signal, follow, intervalMs, maxIntervalMs, onCaughtUp };
    yield* poll(round, options);
  }

  async #findProblems(mode: ModeContext): Promise<readonly Problem[]> {
    const { client, config, reader, next, signal } = mode;
    for await (const { items } of readPages({
      client,
      config,
      reader,
      next,
      signal,
      query: {},
      validators: undefined,
    })) {
      for (const item of items ?? []) reader.key(item);
      if (items !== undefined && items.length > 0) return [];
      const message = 'there are no items now: whether they can be read is not known';
      return [{ severity: 'warning', code: 'REST_EMPTY', message }];
    }
    return [];
  }

  async #mode(client: HttpClient, signal: AbortSignal): Promise<ModeContext> {
    const { config, clock } = this;
    return {
      config,
      client,
      reader: await createItemReader(config, this.id),
      next: await nextFinder(config, this.id),
      signal,
      clock,
      make: (fields) => this.event(fields as never) as RestEvent,
      onInvalid: (key, problems) => {
        this.countDropped('invalid');
        this.logger.warn({ key, problems: problems.slice(0, 3) }, 'an item does not fit the schema, and is set aside');
      },
      onReading: () => this.setStatus({ state: 'reading' }),
    };
  }

  #open(): { http: HttpClient; close(): Promise<void> } {
    const { config, clock, logger } = this;
    const guard = publicAddresses({ allow: config.allowHosts });
    const dispatcher = this.#dispatcher;
    const surroundings = { sourceId: this.id, clock, logger, dispatcher, guard };
    const credentials = toHttpCredentials(config.auth, this.#credentials.reveal(), surroundings);
    const http = createHttpClient({
      origin: addressOf(config).origin,
      dispatcher,
      clock,
      logger,
      credentials,
      guard,
      deadlines: { headersMs: config.timeoutMs },
      maxBodyBytes: config.maxBodyBytes,
      count: (counter, by) => this.count(counter, by),
      onStatus: (status) => this.setStatus(status),
    });
    const close = async (): Promise<void> => {
      await http.close();
      await credentials?.close?.();
    };
    return { http, close };
  }
}

async function readCredentials(options: {
  id: string;
  credentials?: unknown;
}): Promise<Secret<RestCredentials | undefined>> {
  checkCredentials(options.id, options.credentials);
  if (options.credentials === undefined || options.credentials === 'anonymous') return new Secret(undefined);
  return new Secret(await parseCredentials(restCredentials, options));
}
