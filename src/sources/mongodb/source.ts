import { BatchEventSource } from '../../core/batch-event-source.js';
import type { Capabilities } from '../../core/capabilities.js';
import { parseConfig, parseCredentials } from '../../core/config.js';
import { checkCredentials } from '../../core/credentials.js';
import type { ReadContext } from '../../core/read-options.js';
import { Secret } from '../../core/secret.js';
import type { SourceOptions, ValidationResult } from '../../core/source-definition.js';
import { readChanges } from './changes.js';
import { MongodbClient } from './client.js';
import {
  type MongodbConfig,
  type MongodbConfigInput,
  type MongodbCredentials,
  mongodbConfig,
  mongodbCredentials,
} from './config.js';
import { type MongodbCursor, mongodbCursor } from './cursor.js';
import type { MongodbEvent } from './events.js';
import { inspect } from './inspect.js';
import type { ModeContext, MongodbBatches } from './mode.js';
import { readPolling } from './polling.js';

/**
 * The documents of a MongoDB collection: what is new or changed, page after page (`polling`), or every change as the server
 * tells it (`changes`, experimental). Needs the package `mongodb`.
 *
 * @example
 * const source = await MongodbSource.create({
 *   id: 'orders',
 *   credentials: { url: process.env.MONGODB_URL },
 *   config: { mode: 'polling', database: 'shop', collection: 'orders', cursorField: 'updatedAt' },
 * });
 * for await (const event of source.generateEvents({ follow: true })) console.log(event.type, event.subject, event.data);
 */
export class MongodbSource extends BatchEventSource<MongodbEvent, MongodbCursor, MongodbConfig> {
  static readonly definition = {
    type: 'mongodb',
    config: mongodbConfig,
    credentials: mongodbCredentials,
    cursor: { version: 1, schema: mongodbCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'cursor',
      ids: 'stable',
      deletes: true,
      notes: [
        'Mode polling sees no deletions, and misses what is written with an earlier cursor value after a later one was read, beyond `lagMs`.',
        'Mode changes needs a replica set, and is experimental: it was tested against a server that was written from the documentation.',
      ],
    },
    events: {
      'db.document.inserted': { description: 'A document is there that was not, or, with a snapshot, that is there.' },
      'db.document.updated': {
        description: 'A document was changed; or, polled without createdField, was inserted or changed.',
      },
      'db.document.deleted': { description: 'A document is gone. Mode changes only.' },
      'db.collection.dropped': { description: 'A collection is gone with all its documents. Mode changes only.' },
      'db.collection.renamed': { description: 'A collection has another name. Mode changes only.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration or credentials; the database is not asked. */
  static async create(
    options: SourceOptions<MongodbConfigInput, MongodbCredentials, MongodbCursor>,
  ): Promise<MongodbSource> {
    const config = await parseConfig(mongodbConfig, options);
    return new MongodbSource({ ...options, config }, await readCredentials(options));
  }

  readonly type = 'mongodb';
  /** What holds for this mode. */
  override readonly capabilities: Capabilities;
  readonly #credentials: Secret<MongodbCredentials | undefined>;

  private constructor(
    options: SourceOptions<MongodbConfig, MongodbCredentials, MongodbCursor>,
    credentials: Secret<MongodbCredentials | undefined>,
  ) {
    super(options as SourceOptions<MongodbConfig, unknown, MongodbCursor>);
    this.#credentials = credentials;
    const { capabilities } = MongodbSource.definition;
    this.capabilities = { ...capabilities, deletes: this.config.mode === 'changes' };
  }

  /** The deployment, the database, and what is read of it; the server is asked. */
  override origin(): Promise<string> {
    const { database, collection = '*' } = this.config;
    return this.#withClient(async (client) => {
      const { setName, hosts } = await client.hello(new AbortController().signal);
      const where = typeof setName === 'string' ? setName : Array.isArray(hosts) ? hosts.join(',') : 'standalone';
      return `mongodb:${where}/${database}.${collection}`;
    });
  }

  /** Reach, permission, the collection, and what helps: an index; for changes, whether the server has them. */
  validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    const signal = options.signal ?? new AbortController().signal;
    return this.#withClient((client) =>
      inspect(client, this.config, { sourceId: this.id, now: this.clock.now() }, signal),
    );
  }

  protected async *readBatches(context: ReadContext<MongodbCursor>): MongodbBatches {
    const client = await this.#open();
    context.defer(() => client.close());
    const mode = this.#mode(client, context);
    const { config } = this;
    if (config.mode === 'polling') yield* readPolling(mode, config);
    else yield* readChanges(mode, config);
  }

  #mode(client: MongodbClient, context: ReadContext<MongodbCursor>): ModeContext {
    return {
      sourceId: this.id,
      client,
      context,
      clock: this.clock,
      make: (fields) => this.event(fields as never) as MongodbEvent,
      gap: (reason, detail, range) => this.gap(reason, detail, range),
      onRetry: () => this.count('retries'),
      onReading: () => this.setStatus({ state: 'reading' }),
      onCaughtUp: () => this.setStatus({ state: 'caught-up' }),
    };
  }

  async #withClient<Result>(use: (client: MongodbClient) => Promise<Result>): Promise<Result> {
    const client = await this.#open();
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }

  #open(): Promise<MongodbClient> {
    return MongodbClient.open({
      sourceId: this.id,
      config: this.config,
      credentials: this.#credentials,
      count: (counter, by) => this.count(counter, by),
    });
  }
}

async function readCredentials(options: {
  id: string;
  credentials?: unknown;
}): Promise<Secret<MongodbCredentials | undefined>> {
  checkCredentials(options.id, options.credentials);
  if (options.credentials === undefined || options.credentials === 'anonymous') return new Secret(undefined);
  return new Secret(await parseCredentials(mongodbCredentials, options));
}
