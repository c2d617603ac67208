import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'headwater';
import pThrottle from 'p-throttle';
import { type Hearing, IrcConnection } from './irc-connection.js';
import { toLines } from './irc-text.js';
import type { IrcSettings } from './settings.js';

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;

/** Is in the channel, and comes back whenever it is thrown out of it. */
export class IrcClient {
  readonly #settings: IrcSettings;
  readonly #logger: Logger;
  readonly #hearing: Hearing;
  readonly #turn: () => Promise<void>;
  readonly #leaving = new AbortController();
  #running: Promise<void> | undefined;
  #connection: IrcConnection | undefined;
  #waiting = new Set<() => void>();

  constructor(settings: IrcSettings, logger: Logger, hearing: Hearing) {
    this.#settings = settings;
    this.#logger = logger;
    this.#hearing = hearing;
    const { lines: limit, perMs: interval } = settings.pace;
    this.#turn = pThrottle({ limit, interval, strict: true })(async () => {});
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the bot is in the channel, at once where it is. */
  async joined(): Promise<IrcConnection> {
    while (this.#connection === undefined) {
      this.#leaving.signal.throwIfAborted();
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    return this.#connection;
  }

  /**
   * Says any text, however hostile, in the channel. Waits while the bot is not there, and until the server has taken it.
   * @throws RetryableError when it is not known whether it was said: say it again
   */
  async say(text: string): Promise<void> {
    const lines = toLines(text, this.#settings.maxLines);
    if (lines.length === 0) return;
    for (const _ of lines) await this.#turn();
    const connection = await this.joined();
    await connection.say(lines);
  }

  /** Leaves. Who still waits is told so. */
  async close(): Promise<void> {
    this.#leaving.abort(new DOMException('the bot leaves', 'AbortError'));
    this.#wake();
    this.#connection?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#leaving;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const reason = await this.#stay(() => {
        failures = 0;
      });
      if (signal.aborted) return;
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS);
      this.#logger.warn({ error: reason, delayMs }, 'not in the channel');
      await delay(delayMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Gives the reason why it is over. */
  async #stay(onJoined: () => void): Promise<unknown> {
    try {
      const connection = await IrcConnection.open(this.#settings, this.#hearing);
      if (this.#leaving.signal.aborted) connection.close();
      this.#connection = connection;
      onJoined();
      this.#logger.info({ channel: this.#settings.channel }, 'in the channel');
      this.#wake();
      return await connection.ended;
    } catch (error) {
      return error;
    } finally {
      this.#connection = undefined;
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
