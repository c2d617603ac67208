import type { Clock } from '../../../core/clock.js';
import { dialects } from '../../../toolkit/sql/dialect.js';
import { type Client, connectListener } from '../client.js';
import type { KeysetConfig } from '../config.js';
import { configError } from '../failure.js';
import type { ModeContext } from '../mode.js';

/**
 * Hears when somebody notifies a channel of PostgreSQL. A hint and no more: what it does not hear, the next look finds.
 * @see https://www.postgresql.org/docs/current/sql-listen.html
 */
export class Listener {
  readonly #client: Client;
  #wake: (() => void) | undefined;
  /** Heard while nobody waited. */
  #isDue = false;

  /** @throws ConfigError where nobody can listen */
  static async open(mode: ModeContext, { notifyChannel }: KeysetConfig): Promise<Listener | undefined> {
    if (notifyChannel === undefined) return undefined;
    const { client, sourceId, logger } = mode;
    if (client.address === undefined || client.engine.name !== 'postgres') {
      throw configError(
        sourceId,
        'DATABASE_NOTIFY',
        'notifyChannel needs a URL of PostgreSQL: a Kysely instance does not listen',
      );
    }
    const connection = await connectListener(client.address);
    connection.on('error', (error) =>
      logger.warn({ error, sourceId }, 'the connection that listens was lost: polling goes on'),
    );
    const listener = new Listener(connection);
    try {
      await connection.connect();
      await connection.query(`listen ${dialects.postgres.quote(notifyChannel)}`);
    } catch (error) {
      logger.warn({ error, sourceId }, 'the channel cannot be listened to: polling goes on');
    }
    return listener;
  }

  private constructor(client: Client) {
    this.#client = client;
    client.on('notification', () => {
      this.#isDue = true;
      this.#wake?.();
    });
  }

  /** A clock whose sleep ends when something was heard. */
  wakes(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      sleep: async (ms, signal) => {
        const waiting = new AbortController();
        const heard = new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (this.#isDue) resolve();
        });
        const either = signal === undefined ? waiting.signal : AbortSignal.any([waiting.signal, signal]);
        const slept = clock.sleep(ms, either);
        slept.catch(() => {});
        try {
          await Promise.race([slept, heard]);
        } finally {
          this.#isDue = false;
          this.#wake = undefined;
          waiting.abort();
        }
      },
    };
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}
