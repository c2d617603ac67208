import { NotFoundError } from '../../../core/errors.js';
import type { RedisClient } from './client.js';
import type { GroupConfig } from './config.js';
import { DeadLetters } from './dead-letters.js';
import { EntryMaker, type RawEntry } from './entries.js';
import { InFlight } from './in-flight.js';
import { BLOCK_MS, type ModeContext, type ModeReader, type RedisBatch } from './mode.js';
import { PendingReader } from './pending-reader.js';
import { groupInfo, lostEntries, streamInfo } from './stream-info.js';

/** How often it is looked for entries that went before anybody read them, in milliseconds. */
const LOOK_MS = 1_000;

/**
 * A consumer group. First what this consumer was given before and did not acknowledge, then what consumers that are gone
 * have left, then what is new.
 */
export class GroupReader implements ModeReader {
  readonly #mode: ModeContext;
  readonly #config: GroupConfig;
  readonly #consumer: string;
  readonly #maker: EntryMaker;
  readonly #inFlight: InFlight;
  readonly #pending: PendingReader;
  readonly #told = new Set<string>();
  #claimedAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(mode: ModeContext, config: GroupConfig) {
    this.#mode = mode;
    this.#config = config;
    this.#consumer = config.consumer ?? mode.sourceId;
    this.#maker = new EntryMaker(mode, config);
    const { group, claimIdleMs } = config;
    const deadLetters = new DeadLetters({ mode, config });
    this.#inFlight = new InFlight({ mode, group, consumer: this.#consumer, claimIdleMs, deadLetters });
    mode.context.defer(() => this.#inFlight.stop());
    this.#pending = new PendingReader({
      mode,
      config,
      consumer: this.#consumer,
      maker: this.#maker,
      inFlight: this.#inFlight,
      deadLetters,
    });
  }

  async *read(): AsyncGenerator<RedisBatch, void, undefined> {
    const { context, clock } = this.#mode;
    const { streams, claimIdleMs } = this.#config;
    const client = await this.#mode.open();
    for (const stream of streams) await this.#ensureGroup(client, stream);
    for (const stream of streams) yield* this.#pending.own(client, stream);
    while (!context.signal.aborted) {
      if (claimIdleMs > 0 && clock.now() - this.#claimedAt >= claimIdleMs / 2) yield* this.#claim(client);
      if (clock.now() - this.#lookedAt >= LOOK_MS) yield* this.#gaps(client);
      const found = await this.#ask(client, false);
      if (found.length === 0) {
        if (!context.follow) return;
        this.#mode.onCaughtUp();
      }
      const answer = found.length > 0 ? found : await this.#ask(client, true);
      for (const [stream, entries] of answer) yield await this.#batch(String(stream), entries);
    }
  }

  async #ask(client: RedisClient, waits: boolean): Promise<readonly [Buffer | string, readonly RawEntry[]][]> {
    const { streams, group, batchSize } = this.#config;
    const block = waits ? ['BLOCK', `${BLOCK_MS}`] : [];
    const words = ['XREADGROUP', 'GROUP', group, this.#consumer, 'COUNT', `${batchSize}`, ...block, 'STREAMS'];
    const ids = streams.map(() => '>');
    return (await this.#maker.ask<[string, RawEntry[]][] | null>(client, ...words, ...streams, ...ids)) ?? [];
  }

  async #batch(stream: string, entries: readonly RawEntry[]): Promise<RedisBatch> {
    const ids = entries.map(([id]) => String(id));
    const held = this.#inFlight.hold(stream, ids);
    return { events: await this.#maker.make(stream, entries), ...held };
  }

  async *#claim(client: RedisClient): AsyncGenerator<RedisBatch, void, undefined> {
    this.#claimedAt = this.#mode.clock.now();
    for (const stream of this.#config.streams) yield* this.#pending.forgotten(client, stream);
  }

  /** @throws NotFoundError (REDIS_NO_GROUP) where it is not there and is not to be made */
  async #ensureGroup(client: RedisClient, stream: string): Promise<void> {
    const { group, createGroup, start } = this.#config;
    const isThere = (await streamInfo(client, stream)) !== undefined;
    if (isThere && (await groupInfo(client, stream, group)) !== undefined) return;
    if (!createGroup) {
      const message = `stream ${stream} has no consumer group ${group}: create it, or set createGroup`;
      throw new NotFoundError(message, { code: 'REDIS_NO_GROUP', sourceId: this.#mode.sourceId });
    }
    try {
      await client.command('XGROUP', 'CREATE', stream, group, start, 'MKSTREAM');
    } catch (error) {
      // Another consumer was faster.
      if (!/BUSYGROUP/.test((error as Error).message)) throw error;
    }
  }

  /** Entries that were removed before they were given to anybody in the group. */
  async *#gaps(client: RedisClient): AsyncGenerator<RedisBatch, void, undefined> {
    this.#lookedAt = this.#mode.clock.now();
    for (const stream of this.#config.streams) {
      const info = await streamInfo(client, stream);
      const group = info === undefined ? undefined : await groupInfo(client, stream, this.#config.group);
      if (info === undefined || group?.read === undefined) continue;
      const lost = lostEntries(info, group.last, group.read);
      const from = `${stream}:${group.last}`;
      if (lost === 0 || this.#told.has(from)) continue;
      const detail = `${lost} entries of stream ${stream} were removed before group ${this.#config.group} was given them`;
      yield {
        events: [
          this.#mode.gap('retention', detail, { from, to: `${stream}:${info.first ?? info.last}`, count: lost }),
        ],
        settle: (acknowledged) => void (acknowledged > 0 && this.#told.add(from)),
      };
      this.#told.add(from);
    }
  }
}
