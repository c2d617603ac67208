import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { ReadContext } from '../../core/read-options.js';
import { ChannelReader, DAY_MS, type Step } from './channel-reader.js';
import { chooseChannels } from './channels.js';
import type { SlackClient } from './client.js';
import type { SlackConfig } from './config.js';
import type { ChannelPosition, SlackCursor } from './cursor.js';
import type { Fields } from './events.js';
import { isAboutOneChannel } from './failure.js';
import { KnownMessages } from './known-messages.js';
import { tsOfTime } from './timestamp.js';

export interface ReaderOptions {
  client: SlackClient;
  config: SlackConfig;
  context: ReadContext<SlackCursor>;
  cursor: SlackCursor;
  clock: Clock;
  logger: Logger;
  /** Told when there is something to be delivered. */
  onWork: () => void;
}

/** Some events, and the cursor after them. Without `cursorAt` they belong together. */
export interface ReaderStep {
  channel: string;
  fields: readonly Fields[];
  cursor: SlackCursor;
  cursorAt: ((count: number) => SlackCursor) | undefined;
}

/** One iteration: rounds over all channels, one after another. */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #known: KnownMessages;
  #cursor: SlackCursor;
  #channels: ChannelReader[] = [];
  #rescanAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#cursor = options.cursor;
    this.#known = new KnownMessages(options.context.state);
  }

  async load(): Promise<void> {
    const { threads, reread } = this.#options.config;
    if (threads !== false || reread !== false) await this.#known.load();
  }

  /**
   * What is new in every channel, then, when it is time, what changed within the windows. A channel that cannot be read
   * does not keep the others from being read: it is told when they were.
   */
  async *round(): AsyncGenerator<ReaderStep, void, undefined> {
    const { clock, config } = this.#options;
    const isRescan = clock.now() >= this.#rescanAt;
    if (isRescan) await this.#choose();
    const failures: unknown[] = [];
    for (const channel of [...this.#channels]) yield* this.#guard(channel, channel.readNew(), failures);
    if (isRescan) {
      this.#rescanAt = clock.now() + config.rescanIntervalMs;
      for (const channel of [...this.#channels]) yield* this.#guard(channel, channel.reread(), failures);
    }
    if (failures.length > 0) throw failures[0];
  }

  async *#guard(
    channel: ChannelReader,
    steps: AsyncGenerator<Step, void, undefined>,
    failures: unknown[],
  ): AsyncGenerator<ReaderStep, void, undefined> {
    const { config, logger } = this.#options;
    try {
      for await (const step of steps) yield this.#step(channel.id, step);
    } catch (error) {
      if (!isAboutOneChannel(error)) throw error;
      this.#channels = this.#channels.filter((other) => other !== channel);
      // It was left, deleted or archived since the list was read: it is not one of those asked for any more.
      if (config.channels === 'joined') logger.warn({ channel: channel.id, code: error.code }, error.message);
      else failures.push(error);
    }
  }

  #step(channel: string, { fields, position, positionAt }: Step): ReaderStep {
    const before = this.#cursor;
    const withPosition = (at: ChannelPosition): SlackCursor => ({
      ...before,
      channels: { ...before.channels, [channel]: at },
    });
    this.#cursor = withPosition(position);
    if (fields.length > 0) this.#options.onWork();
    const cursorAt = positionAt && ((count: number) => withPosition(positionAt(count)));
    return { channel, fields, cursor: this.#cursor, cursorAt };
  }

  /** Channels that are read already go on where they are. */
  async #choose(): Promise<void> {
    const { client, config, clock } = this.#options;
    const known = new Map<string, string>();
    for (const [id, { name }] of Object.entries(this.#cursor.channels)) if (name !== undefined) known.set(name, id);
    const chosen = await chooseChannels(client, config, known);
    this.#channels = chosen.map(
      (channel) =>
        this.#channels.find(({ id }) => id === channel.id) ??
        new ChannelReader({
          client,
          config,
          channel,
          position: this.#cursor.channels[channel.id] ?? {},
          memory: this.#known.of(channel.id),
          now: () => clock.now(),
        }),
    );
    const days = Math.max(
      ...[config.threads, config.reread].map((window) => (window === false ? 0 : window.windowDays)),
    );
    this.#known.forgetOthers(new Set(chosen.map(({ id }) => id)), tsOfTime(clock.now() - days * DAY_MS));
  }
}
