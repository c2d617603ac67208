import type { RedisClient } from './client.js';
import type { GroupConfig } from './config.js';
import type { DeadLetters } from './dead-letters.js';
import type { EntryMaker, RawEntry } from './entries.js';
import type { InFlight } from './in-flight.js';
import type { ModeContext, RedisBatch } from './mode.js';

export interface PendingOptions {
  readonly mode: ModeContext;
  readonly config: GroupConfig;
  readonly consumer: string;
  readonly maker: EntryMaker;
  readonly inFlight: InFlight;
  readonly deadLetters: DeadLetters;
}

/** As XPENDING answers. */
type Pending = readonly [id: string, consumer: string, idleMs: number, deliveries: number];

/** Entries that were delivered before and not acknowledged: our own, and those of consumers that are gone. */
export class PendingReader {
  readonly #options: PendingOptions;

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  /** What is ours and is not in flight, oldest first. */
  own(client: RedisClient, stream: string): AsyncGenerator<RedisBatch, void, undefined> {
    return this.#read(client, stream, 0, [this.#options.consumer]);
  }

  /** What anybody left for too long: it becomes ours. */
  forgotten(client: RedisClient, stream: string): AsyncGenerator<RedisBatch, void, undefined> {
    return this.#read(client, stream, this.#options.config.claimIdleMs, []);
  }

  async *#read(
    client: RedisClient,
    stream: string,
    idleMs: number,
    consumer: readonly string[],
  ): AsyncGenerator<RedisBatch, void, undefined> {
    const { config, inFlight } = this.#options;
    const idle = idleMs > 0 ? ['IDLE', `${idleMs}`] : [];
    let after = '-';
    for (;;) {
      const words = ['XPENDING', stream, config.group, ...idle, after, '+', `${config.batchSize}`, ...consumer];
      const page = await client.command<readonly Pending[]>(...words);
      const held = inFlight.of(stream);
      const left = page.filter(([id]) => !held.has(id));
      for (const part of this.#parts(left)) yield* this.#deliver(client, stream, part, idleMs);
      const last = page.at(-1);
      if (last === undefined || page.length < config.batchSize) return;
      after = `(${last[0]}`;
    }
  }

  /** One at a time where deliveries are counted: what kills its consumer must not take others with it. */
  *#parts(pending: readonly Pending[]): Generator<readonly Pending[]> {
    if (this.#options.config.maxDeliveries === undefined) {
      if (pending.length > 0) yield pending;
      return;
    }
    for (const each of pending) yield [each];
  }

  async *#deliver(
    client: RedisClient,
    stream: string,
    pending: readonly Pending[],
    idleMs: number,
  ): AsyncGenerator<RedisBatch, void, undefined> {
    const { config, consumer, maker, inFlight } = this.#options;
    // Looked for before they are claimed: Redis forgets those that are gone when they are.
    const isThere = await Promise.all(pending.map(([id]) => this.#isThere(client, stream, id)));
    const gone = pending.filter((_, at) => !isThere[at]).map(([id]) => id);
    if (gone.length > 0) yield this.#gap(stream, gone);
    const { maxDeliveries = Number.POSITIVE_INFINITY } = config;
    const there = pending.filter((_, at) => isThere[at]);
    for (const [id, , , deliveries] of there) {
      if (deliveries >= maxDeliveries) await this.#bury(client, stream, id, deliveries);
    }
    const alive = there.filter(([, , , deliveries]) => deliveries < maxDeliveries);
    if (alive.length === 0) return;
    const words = ['XCLAIM', stream, config.group, consumer, `${idleMs}`, ...alive.map(([id]) => id)];
    const answer = await maker.ask<readonly (RawEntry | null)[]>(client, ...words);
    // Of what was forgotten, another consumer may have been given some in between.
    const entries = answer.filter((entry) => entry !== null && entry[1] !== null) as RawEntry[];
    if (entries.length === 0) return;
    const held = inFlight.hold(
      stream,
      entries.map(([id]) => String(id)),
    );
    const deliveries = new Map(alive.map(([id, , , times]) => [id, times + 1]));
    yield { events: await maker.make(stream, entries, deliveries), ...held };
  }

  async #isThere(client: RedisClient, stream: string, id: string): Promise<boolean> {
    return (await client.command<readonly unknown[]>('XRANGE', stream, id, id)).length > 0;
  }

  /** Acknowledged when the gap is: there is nothing of them left to come again. */
  #gap(stream: string, ids: readonly string[]): RedisBatch {
    const { mode, inFlight } = this.#options;
    const detail = `${ids.length} entries of stream ${stream} were removed before they were acknowledged`;
    const range = { from: `${stream}:${ids[0]}`, to: `${stream}:${ids.at(-1)}`, count: ids.length };
    return {
      events: [mode.gap('retention', detail, range)],
      settle: async (acknowledged) => {
        if (acknowledged > 0) await inFlight.acknowledge(stream, ids);
      },
    };
  }

  async #bury(client: RedisClient, stream: string, id: string, deliveries: number): Promise<void> {
    const { deadLetters, inFlight } = this.#options;
    const why = { 'headwater-deliveries': `${deliveries}` };
    await deadLetters.add(client, stream, id, why, 'an entry that was never acknowledged was set aside');
    await inFlight.acknowledge(stream, [id]);
  }
}
