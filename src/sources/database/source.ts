import { BatchEventSource } from '../../core/batch-event-source.js';
import type { Capabilities } from '../../core/capabilities.js';
import { parseConfig, parseCredentials } from '../../core/config.js';
import { checkCredentials } from '../../core/credentials.js';
import type { ReadContext } from '../../core/read-options.js';
import { Secret } from '../../core/secret.js';
import type { SourceOptions, ValidationResult } from '../../core/source-definition.js';
import type { SourceStats } from '../../core/status.js';
import { capabilitiesOf } from './capabilities.js';
import {
  type DatabaseConfig,
  type DatabaseConfigInput,
  type DatabaseCredentials,
  databaseConfig,
  databaseCredentials,
} from './config.js';
import { type DatabaseCursor, databaseCursor } from './cursor.js';
import { DatabaseClient } from './database-client.js';
import type { DatabaseEvent } from './events.js';
import { configError } from './failure.js';
import { inspect } from './inspect.js';
import { readKeyset } from './keyset/keyset.js';
import type { KeysetMemory } from './keyset/reader.js';
import type { DatabaseBatches, ModeContext } from './mode.js';
import { relationName } from './relation.js';
import { dropSlot } from './replication/provision.js';
import { type ReplicationMemory, readReplication } from './replication/replication.js';
import { readSnapshots } from './snapshot/snapshot.js';

/**
 * The rows of a table, a view or a query of PostgreSQL, MySQL, MariaDB or SQLite: what is new or changed, page after page
 * (`keyset`), or every difference between two looks (`snapshot`). Needs `kysely` and the driver of the database.
 *
 * @example
 * const source = await DatabaseSource.create({
 *   id: 'orders',
 *   credentials: { url: process.env.DATABASE_URL },
 *   config: { mode: 'keyset', table: 'orders', cursorColumn: 'updated_at' },
 * });
 * for await (const event of source.generateEvents({ follow: true })) console.log(event.type, event.data);
 */
export class DatabaseSource extends BatchEventSource<DatabaseEvent, DatabaseCursor, DatabaseConfig> {
  static readonly definition = {
    type: 'database',
    config: databaseConfig,
    credentials: databaseCredentials,
    cursor: { version: 1, schema: databaseCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'state',
      ids: 'stable',
      deletes: true,
      notes: [
        'Each source says by its own `capabilities` what holds for its mode and database: `keyset` keeps a cursor and sees no deletions, `snapshot` keeps state and does.',
      ],
    },
    events: {
      'db.row.inserted': { description: 'A row is there that was not. Where rows may change, only if it can be told.' },
      'db.row.updated': { description: 'A row was changed; or, without createdColumn, was inserted or changed.' },
      'db.row.deleted': { description: 'A row is gone. Modes snapshot and replication only.' },
      'db.table.truncated': { description: 'All rows of a table are gone. Mode replication only.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration or credentials; the database is not asked. */
  static async create(
    options: SourceOptions<DatabaseConfigInput, DatabaseCredentials, DatabaseCursor>,
  ): Promise<DatabaseSource> {
    const config = await parseConfig(databaseConfig, options);
    return new DatabaseSource({ ...options, config }, await readCredentials(options));
  }

  readonly type = 'database';
  /** What holds for this mode and this database. */
  override readonly capabilities: Capabilities;
  readonly #credentials: Secret<DatabaseCredentials | undefined>;
  readonly #memory: KeysetMemory = {};
  readonly #replication: ReplicationMemory = {};

  private constructor(
    options: SourceOptions<DatabaseConfig, DatabaseCredentials, DatabaseCursor>,
    credentials: Secret<DatabaseCredentials | undefined>,
  ) {
    super(options as SourceOptions<DatabaseConfig, unknown, DatabaseCursor>);
    this.#credentials = credentials;
    this.capabilities = capabilitiesOf(this.#client().engine.name, this.config);
  }

  /** The database and what is read of it; the database is asked. */
  override async origin(): Promise<string> {
    const client = this.#client();
    try {
      const signal = new AbortController().signal;
      const identity = await client.read(signal, ({ run }) => client.engine.identity(run));
      return `${identity}#${this.config.mode === 'replication' ? `slot:${this.config.slot}` : relationName(this.config)}`;
    } finally {
      await client.close();
    }
  }

  /** Reach, permission, table, columns, and what helps: an index, a column that tells transactions. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    const signal = options.signal ?? new AbortController().signal;
    const client = this.#client();
    try {
      return await inspect(client, this.config, this.id, signal);
    } finally {
      void client.close();
    }
  }

  /**
   * Mode replication: what it counts, and the bytes of the log that the server keeps for the slot, when last looked: those
   * of a slot that nobody reads grow until the disk is full, or the server throws them away.
   */
  override getStats(): SourceStats & { walRetainedBytes?: number } {
    const { walRetainedBytes } = this.#replication;
    return { ...super.getStats(), ...(walRetainedBytes !== undefined && { walRetainedBytes }) };
  }

  /**
   * Mode replication: gives up the slot, and with it everything that was not read yet. Nothing else ever drops it.
   *
   * @throws ConfigError in another mode, RetryableError while somebody reads it
   */
  async dropReplicationSlot(): Promise<void> {
    const { config } = this;
    if (config.mode !== 'replication')
      throw configError(this.id, 'DATABASE_REPLICATION', `mode ${config.mode} has no replication slot`);
    await dropSlot(this.#client(), config, this.id);
  }

  protected async *readBatches(context: ReadContext<DatabaseCursor>): DatabaseBatches {
    const client = this.#client();
    context.defer(() => client.close());
    const mode = this.#mode(client, context);
    const { config } = this;
    switch (config.mode) {
      case 'keyset':
        return yield* readKeyset(mode, config, this.#memory);
      case 'snapshot':
        return yield* readSnapshots(mode, config);
      case 'replication':
        return yield* readReplication(mode, config, this.#replication);
    }
  }

  #mode(client: DatabaseClient, context: ReadContext<DatabaseCursor>): ModeContext {
    return {
      sourceId: this.id,
      client,
      context,
      clock: this.clock,
      logger: this.logger,
      make: (fields) => this.event(fields as never) as DatabaseEvent,
      gap: (reason, detail, range) => this.gap(reason, detail, range),
      acknowledged: () => this.getCursor(),
      onRetry: () => this.count('retries'),
      onReading: () => this.setStatus({ state: 'reading' }),
      onCaughtUp: () => this.setStatus({ state: 'caught-up' }),
    };
  }

  #client(): DatabaseClient {
    return new DatabaseClient({
      sourceId: this.id,
      config: this.config,
      credentials: this.#credentials.reveal(),
      onStatement: () => this.count('requests'),
    });
  }
}

async function readCredentials(options: {
  id: string;
  credentials?: unknown;
}): Promise<Secret<DatabaseCredentials | undefined>> {
  checkCredentials(options.id, options.credentials);
  if (options.credentials === undefined || options.credentials === 'anonymous') return new Secret(undefined);
  return new Secret(await parseCredentials(databaseCredentials, options));
}
