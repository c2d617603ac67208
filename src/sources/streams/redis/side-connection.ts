import type { Clock } from '../../../core/clock.js';
import { type ReconnectPolicy, telling } from '../reconnecting.js';
import type { RedisClient } from './client.js';

export interface SideConnectionOptions {
  readonly open: (signal: AbortSignal) => Promise<RedisClient>;
  readonly policy: ReconnectPolicy;
  readonly clock: Clock;
  /** Once it has fired, what fails is tried once more, at once. */
  readonly signal: AbortSignal;
}

/**
 * The connection for acknowledgements and whatever else is asked beside reading: the one that reads may be waiting in a
 * command that blocks. Opened when it is needed, and again when it is lost.
 */
export class SideConnection {
  readonly #options: SideConnectionOptions;
  readonly #closed = new AbortController();
  #client: Promise<RedisClient> | undefined;

  constructor(options: SideConnectionOptions) {
    this.#options = options;
  }

  /** What is asked has to do no harm when it is asked twice. */
  async run<Answer>(ask: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
    const { policy, clock, signal } = this.#options;
    return telling(async () => ask(await this.#open()), { policy, clock, signal });
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the connection was closed'));
    const client = await this.#client?.catch(() => undefined);
    client?.close();
  }

  #open(): Promise<RedisClient> {
    if (this.#client !== undefined) return this.#client;
    const opened = this.#options.open(this.#closed.signal).then((client) => {
      client.lost.addEventListener('abort', () => this.#forget(opened), { once: true });
      return client;
    });
    this.#client = opened;
    opened.catch(() => this.#forget(opened));
    return opened;
  }

  #forget(opened: Promise<RedisClient>): void {
    if (this.#client === opened) this.#client = undefined;
  }
}
