import type { PushQueue } from '../../../core/push-queue.js';
import { type Payload, readPayload } from '../payload.js';
import type { Receipts } from '../receipts.js';
import type { RedisClient } from './client.js';
import type { ChannelsConfig, KeyspaceConfig } from './config.js';
import type { RedisEvent, RedisFields } from './events.js';
import type { ModeContext, ModeReader, RedisBatch } from './mode.js';

/** Since when nothing is listened to; kept from one iteration to the next. */
export interface Absence {
  since: number | undefined;
}

export interface SubscriptionOptions {
  readonly mode: ModeContext;
  readonly config: ChannelsConfig | KeyspaceConfig;
  readonly receipts: Receipts;
  readonly absence: Absence;
}

/** Channels, or what happens to keys: nothing is kept by Redis for who is not there, and each absence is a gap. */
export class Subscription implements ModeReader {
  readonly #options: SubscriptionOptions;
  readonly #queue: PushQueue<RedisEvent>;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    const { queueEvents: maxEvents, queueBytes: maxBytes } = options.config;
    this.#queue = options.mode.queue({ maxEvents, maxBytes, maxWaiting: 0, whenFull: 'drop-newest' });
  }

  async *read(): AsyncGenerator<RedisBatch, void, undefined> {
    const { mode, absence } = this.#options;
    const { signal } = mode.context;
    const client = await mode.open();
    await this.#subscribe(client);
    const { since } = absence;
    absence.since = undefined;
    mode.context.defer(() => this.#leave());
    if (since !== undefined) yield { events: [this.#gapSince(since)] };
    mode.onCaughtUp();
    // The queue ends with the connection; what is in it stays for the next.
    const ended = AbortSignal.any([signal, client.lost]);
    yield* this.#queue.batches({ ...mode.context, signal: ended }) as AsyncGenerator<RedisBatch>;
    signal.throwIfAborted();
    this.#leave();
    throw client.lost.reason;
  }

  #leave(): void {
    this.#options.absence.since ??= this.#options.mode.clock.now();
  }

  #gapSince(since: number): RedisEvent {
    const { mode } = this.#options;
    const [from, to] = [since, mode.clock.now()].map((time) => new Date(time).toISOString());
    return mode.gap('disconnected', 'what was published while nobody listened is lost', { from, to });
  }

  async #subscribe(client: RedisClient): Promise<void> {
    const { config } = this.#options;
    if (config.mode === 'keyspace') {
      const database = new URL(config.url).pathname.slice(1) || '0';
      const prefix = `__keyspace@${database}__:`;
      const events = config.events === undefined ? undefined : new Set(config.events);
      await client.subscribeToPatterns(
        config.keys.map((pattern) => `${prefix}${pattern}`),
        (message, channel) => this.#happened(String(channel).slice(prefix.length), String(message), events),
      );
      return;
    }
    const { channels, patterns } = config;
    if (channels.length > 0) {
      await client.subscribe(channels, (message, channel) => void this.#published(String(channel), message));
    }
    for (const pattern of patterns) {
      const listener = (message: Buffer, channel: Buffer) => void this.#published(String(channel), message, pattern);
      await client.subscribeToPatterns([pattern], listener);
    }
  }

  #happened(key: string, event: string, events: ReadonlySet<string> | undefined): void {
    if (events !== undefined && !events.has(event)) return;
    this.#take({ type: 'redis.message', subject: key, data: { key, event } }, key.length + event.length);
  }

  async #published(channel: string, message: Buffer, pattern?: string): Promise<void> {
    const { format } = this.#options.config as ChannelsConfig;
    const payload = readPayload(format, message, channel);
    // A value that is there at once is not waited for, so that the order stays that of the channel.
    const { value, reason }: Payload = payload instanceof Promise ? await payload : payload;
    if (reason !== undefined) {
      const data = { name: channel, reason, base64: message.toString('base64') };
      return this.#take({ type: 'redis.message.invalid', subject: channel, data }, message.length);
    }
    const data = { channel, ...(pattern !== undefined && { pattern }), value };
    this.#take({ type: 'redis.message', subject: channel, data }, message.length);
  }

  #take(fields: Omit<RedisFields, 'id'>, bytes: number): void {
    const { mode, receipts } = this.#options;
    const event = mode.make({ ...fields, id: receipts.next() });
    this.#queue.push(event, { bytes }).catch(() => {});
  }
}
