import { peerFailure } from '../../../toolkit/import-peer.js';
import { orAborted } from '../../../toolkit/or-aborted.js';
import type { RedisConfig, RedisCredentials } from './config.js';
import { toReadFailure } from './failure.js';

export interface ClientOptions {
  readonly sourceId: string;
  readonly config: RedisConfig;
  readonly credentials: RedisCredentials | undefined;
  readonly count: (counter: 'requests', by?: number) => void;
}

type Argument = string | Buffer;

/** What is used of a client of the package `redis`. */
interface VendorClient {
  connect(): Promise<unknown>;
  destroy(): void;
  readonly isOpen: boolean;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'connect', listener: () => void): unknown;
  sendCommand(commands: readonly Argument[], options?: object): Promise<unknown>;
  subscribe(channels: readonly string[], listener: Listener, isBinary: true): Promise<void>;
  pSubscribe(patterns: readonly string[], listener: Listener, isBinary: true): Promise<void>;
}

/** Hears of a message, and by which channel it came. */
export type Listener = (message: Buffer, channel: Buffer) => void;

/** One connection. It does not mend itself: whoever uses it opens another. */
export class RedisClient {
  readonly #options: ClientOptions;
  readonly #client: VendorClient;
  readonly #binary: object;
  readonly #lost = new AbortController();
  #isConnected = false;
  #isClosed = false;

  private constructor(options: ClientOptions, client: VendorClient, binary: object) {
    this.#options = options;
    this.#client = client;
    this.#binary = binary;
    client.on('connect', () => {
      this.#isConnected = true;
      if (this.#isClosed) this.close();
    });
    client.on('error', (error) => this.#lost.abort(toReadFailure(error, options.sourceId)));
  }

  /** @throws MissingPeerError for `redis`; ConnectionError, AuthenticationError as Redis answers */
  static async open(options: ClientOptions, signal: AbortSignal): Promise<RedisClient> {
    const { createClient, RESP_TYPES } = await importRedis();
    const { url, connectTimeoutMs: connectTimeout } = options.config;
    const { user, password } = options.credentials ?? {};
    const client = createClient({
      url,
      RESP: 2,
      disableOfflineQueue: true,
      socket: { connectTimeout, reconnectStrategy: false },
      ...(user !== undefined && { username: user }),
      ...(password !== undefined && { password }),
    }) as unknown as VendorClient;
    const own = new RedisClient(options, client, { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } });
    try {
      await orAborted(client.connect(), signal);
    } catch (error) {
      own.close();
      signal.throwIfAborted();
      throw toReadFailure(error, options.sourceId);
    }
    return own;
  }

  /** Fires with the error when the connection is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** The answer as RESP 2 has it: texts, numbers, null, arrays. */
  command<Answer>(...words: readonly Argument[]): Promise<Answer> {
    return this.#send(words, undefined) as Promise<Answer>;
  }

  /** The same with bytes for texts. */
  binary<Answer>(...words: readonly Argument[]): Promise<Answer> {
    return this.#send(words, this.#binary) as Promise<Answer>;
  }

  async subscribe(channels: readonly string[], listener: Listener): Promise<void> {
    await this.#failing(() => this.#client.subscribe(channels, listener, true));
  }

  async subscribeToPatterns(patterns: readonly string[], listener: Listener): Promise<void> {
    await this.#failing(() => this.#client.pSubscribe(patterns, listener, true));
  }

  /** What is still being connected is closed when it is: the client would leave its socket open. */
  close(): void {
    this.#isClosed = true;
    if (this.#isConnected && this.#client.isOpen) this.#client.destroy();
  }

  #send(words: readonly Argument[], options: object | undefined): Promise<unknown> {
    this.#options.count('requests');
    return this.#failing(() => this.#client.sendCommand(words, options));
  }

  async #failing<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      throw toReadFailure(error, this.#options.sourceId);
    }
  }
}

async function importRedis(): Promise<typeof import('redis')> {
  try {
    return await import('redis');
  } catch (error) {
    throw peerFailure('redis', error);
  }
}
