import type { BSON, Collection, Db, MongoClient, MongoClientOptions, ReadPreferenceMode, Timestamp } from 'mongodb';
import type { Secret } from '../../core/secret.js';
import { peerFailure } from '../../toolkit/import-peer.js';
import { orAborted } from '../../toolkit/or-aborted.js';
import type { MongoClientInstance, MongodbConfig, MongodbCredentials } from './config.js';
import { configError, noReplicaSet, toReadFailure } from './failure.js';
import { type BsonDocument, ExactText } from './values.js';

export type { Binary, BSON, ChangeStream, ChangeStreamOptions, Db, Document, ResumeToken, Timestamp } from 'mongodb';

export interface ClientOptions {
  readonly sourceId: string;
  readonly config: MongodbConfig;
  readonly credentials: Secret<MongodbCredentials | undefined>;
  readonly count: (counter: 'requests', by?: number) => void;
}

/** How long a server is looked for before it counts as not reached. */
const SELECTION_MS = 10_000;
/** How long a server may be silent beyond what it was given to answer. */
const SILENCE_MS = 5_000;
/** One reads, one asks beside it. */
const CONNECTIONS = 2;

/** What every read is made with: nothing that could still be rolled back, and numbers of 64 bits to the last digit. */
const READING = { promoteLongs: false, readConcern: { level: 'majority' } } as const;

/** The host's database as this source sees it. */
export class MongodbClient {
  readonly exact: ExactText;
  readonly bson: typeof BSON;
  readonly #options: ClientOptions;
  readonly #client: MongoClient;
  readonly #isOwn: boolean;

  private constructor(options: ClientOptions, client: MongoClient, isOwn: boolean, bson: typeof BSON) {
    this.#options = options;
    this.#client = client;
    this.#isOwn = isOwn;
    this.bson = bson;
    this.exact = new ExactText(bson);
  }

  /**
   * Connects nowhere yet.
   * @throws ConfigError when it is not known where the database is; MissingPeerError for `mongodb`
   */
  static async open(options: ClientOptions): Promise<MongodbClient> {
    const { sourceId, config } = options;
    const credentials = options.credentials.reveal();
    const where = whereIs(sourceId, config, credentials);
    const { BSON: bson, MongoClient: Client } = await importMongodb();
    if (typeof where !== 'string') return new MongodbClient(options, where as MongoClient, false, bson);
    try {
      return new MongodbClient(options, new Client(where, ownOptions(where, config, credentials)), true, bson);
    } catch (error) {
      throw toReadFailure(error, sourceId);
    }
  }

  /** Asks the database; rejects at once when the signal fires. */
  run<Result>(signal: AbortSignal, work: (database: Db) => Promise<Result>): Promise<Result> {
    this.#options.count('requests');
    const { config, sourceId } = this.#options;
    const asked = work(this.#client.db(config.database)).catch((error: unknown) => {
      signal.throwIfAborted();
      throw toReadFailure(error, sourceId);
    });
    return orAborted(asked, signal);
  }

  /** The documents of one page, in order. */
  find(
    signal: AbortSignal,
    collection: string,
    { filter, sort, limit, projection }: Query,
  ): Promise<readonly BsonDocument[]> {
    const { maxTimeMs } = this.#options.config;
    const options = { ...this.reading, sort, limit, batchSize: limit, maxTimeMS: maxTimeMs, signal };
    return this.run(signal, (database) =>
      (database.collection(collection) as Collection<BsonDocument>)
        .find(filter, { ...options, ...(projection && { projection }) })
        .toArray(),
    );
  }

  /** What the server says of itself. */
  hello(signal: AbortSignal): Promise<BsonDocument> {
    return this.run(signal, (database) => database.command({ hello: 1 }, { signal }));
  }

  /**
   * The first time of operations that come from now on: a change stream that starts there misses none of them, and tells
   * nothing of what was before.
   */
  operationTime(signal: AbortSignal): Promise<Timestamp> {
    const session = this.#client.startSession();
    return this.run(signal, async (database) => {
      try {
        await database.command({ ping: 1 }, { session });
        const now = session.operationTime;
        if (now === undefined) throw noReplicaSet(this.#options.sourceId);
        return new this.bson.Timestamp({ t: now.getHighBitsUnsigned(), i: now.getLowBitsUnsigned() + 1 });
      } finally {
        await session.endSession();
      }
    });
  }

  get reading() {
    const { readPreference } = this.#options.config;
    return { ...READING, ...(readPreference && { readPreference: readPreference as ReadPreferenceMode }) };
  }

  /** Ends the connections that are our own. */
  async close(): Promise<void> {
    if (this.#isOwn) await this.#client.close();
  }
}

export interface Query {
  readonly filter: BsonDocument;
  readonly sort: Readonly<Record<string, 1 | -1>>;
  readonly limit: number;
  readonly projection?: Readonly<Record<string, 1>> | undefined;
}

async function importMongodb(): Promise<Pick<typeof import('mongodb'), 'MongoClient' | 'BSON'>> {
  try {
    return await import('mongodb');
  } catch (error) {
    throw peerFailure('mongodb', error);
  }
}

/** @throws ConfigError when neither the configuration nor the credentials say where the database is */
function whereIs(
  sourceId: string,
  { client }: MongodbConfig,
  credentials: MongodbCredentials | undefined,
): string | MongoClientInstance {
  const url = credentials !== undefined && 'url' in credentials ? credentials.url : undefined;
  if (client !== undefined && url === undefined) return client;
  const problem =
    client === undefined ? 'config.client is missing' : 'config.client and credentials.url are both given';
  if (url === undefined || client !== undefined) {
    const fix = 'give a MongoClient, a URL, or the whole URL as credentials: { url }';
    throw configError(sourceId, 'MONGODB_ADDRESS', problem, fix);
  }
  if (/^mongodb(\+srv)?:\/\//.test(url)) return url;
  throw configError(
    sourceId,
    'MONGODB_ADDRESS',
    'credentials.url is not the URL of MongoDB',
    'mongodb:// or mongodb+srv://',
  );
}

/** What the URL says of it holds. */
function ownOptions(
  where: string,
  config: MongodbConfig,
  credentials: MongodbCredentials | undefined,
): MongoClientOptions {
  // Longer than the server takes to give up: whoever is silent then is gone.
  const waitMs = config.maxTimeMs + (config.mode === 'changes' ? config.maxAwaitTimeMs : 0) + SILENCE_MS;
  const usual = {
    appName: 'headwater',
    maxPoolSize: CONNECTIONS,
    serverSelectionTimeoutMS: SELECTION_MS,
    socketTimeoutMS: waitMs,
  };
  const isOpen = ([name]: [string, unknown]): boolean => !where.toLowerCase().includes(`${name.toLowerCase()}=`);
  const common: MongoClientOptions = Object.fromEntries(Object.entries(usual).filter(isOpen));
  if (credentials === undefined || 'url' in credentials) return common;
  const { user: username, password, authSource } = credentials;
  return { ...common, auth: { username, password }, ...(authSource && { authSource }) };
}
