import type { RedisClient } from './client.js';
import type { GroupConfig } from './config.js';
import type { ModeContext } from './mode.js';

export interface DeadLettersOptions {
  readonly mode: ModeContext;
  readonly config: GroupConfig;
}

/** The stream of entries that nobody could deal with. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /**
   * Copies an entry as it is, with where it was and why. It is acknowledged after that: killed in between, it is there
   * twice. One that was removed meanwhile is not there to be copied.
   */
  async add(
    client: RedisClient,
    stream: string,
    id: string,
    why: Readonly<Record<string, string>>,
    told: string,
  ): Promise<void> {
    const { mode, config } = this.#options;
    const [entry] = await client.binary<readonly [Buffer, Buffer[]][]>('XRANGE', stream, id, id);
    const target = config.deadLetterStream ?? `${stream}:dead`;
    const about = { 'headwater-stream': stream, 'headwater-entry': id, ...why };
    if (entry !== undefined) await client.command('XADD', target, '*', ...entry[1], ...Object.entries(about).flat());
    mode.countDropped('dead-letter');
    mode.logger.warn({ stream, entry: id, target, ...why }, told);
  }
}
