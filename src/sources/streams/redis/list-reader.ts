import { type Payload, readPayload } from '../payload.js';
import type { Receipts } from '../receipts.js';
import type { RedisClient } from './client.js';
import type { ListConfig } from './config.js';
import type { RedisEvent } from './events.js';
import { BLOCK_MS, type ModeContext, type ModeReader, type RedisBatch } from './mode.js';

/** A list: each element is moved to a list of those that are being worked on, and goes from there when it is acknowledged. */
export class ListReader implements ModeReader {
  readonly #mode: ModeContext;
  readonly #config: ListConfig;
  readonly #receipts: Receipts;
  readonly #processing: string;
  /** Elements at the head of the processing list that this iteration has handed out. */
  #held = 0;

  constructor(mode: ModeContext, config: ListConfig, receipts: Receipts) {
    this.#mode = mode;
    this.#config = config;
    this.#receipts = receipts;
    this.#processing = config.processing ?? `${config.list}:processing:${mode.sourceId}`;
  }

  async *read(): AsyncGenerator<RedisBatch, void, undefined> {
    const { context } = this.#mode;
    const client = await this.#mode.open();
    yield* this.#left(client);
    while (!context.signal.aborted) {
      const moved = await this.#move(client);
      if (moved.length === 0) {
        if (!context.follow) return;
        this.#mode.onCaughtUp();
        const one = await client.binary<Buffer | null>('BLMOVE', ...this.#way(), `${BLOCK_MS / 1_000}`);
        if (one !== null) moved.push(one);
      }
      if (moved.length > 0) yield await this.#batch(moved, false);
    }
  }

  /** What was moved before, and is neither acknowledged nor in flight. */
  async *#left(client: RedisClient): AsyncGenerator<RedisBatch, void, undefined> {
    for (;;) {
      const from = this.#held;
      const to = from + this.#config.batchSize - 1;
      const elements = await client.binary<Buffer[]>('LRANGE', this.#processing, `${from}`, `${to}`);
      if (elements.length === 0) return;
      yield await this.#batch(elements, true);
    }
  }

  /** All are asked for at once, which takes one turn; those that find nothing cost little. */
  async #move(client: RedisClient): Promise<Buffer[]> {
    const asked = Array.from({ length: this.#config.batchSize }, () =>
      client.binary<Buffer | null>('LMOVE', ...this.#way()),
    );
    return (await Promise.all(asked)).filter((element) => element !== null);
  }

  #way(): readonly string[] {
    return [this.#config.list, this.#processing, this.#config.take === 'left' ? 'LEFT' : 'RIGHT', 'RIGHT'];
  }

  async #batch(elements: readonly Buffer[], redelivered: boolean): Promise<RedisBatch> {
    this.#held += elements.length;
    let told = 0;
    const events: RedisEvent[] = [];
    for (const element of elements) events.push(await this.#event(element, redelivered));
    return {
      events,
      settle: async (acknowledged) => {
        const done = elements.slice(told, acknowledged);
        told = acknowledged;
        if (done.length > 0) await this.#acknowledge(done);
      },
    };
  }

  /** By value: what is equal is the same. The oldest of them, which is at the head. */
  async #acknowledge(elements: readonly Buffer[]): Promise<void> {
    const removed = new Set<Buffer>();
    await this.#mode.side.run(async (client) => {
      const left = elements.filter((element) => !removed.has(element));
      await Promise.all(
        left.map(async (element) => {
          await client.command('LREM', this.#processing, '1', element);
          removed.add(element);
        }),
      );
    });
    this.#held -= elements.length;
  }

  async #event(element: Buffer, redelivered: boolean): Promise<RedisEvent> {
    const { list, format } = this.#config;
    const { value, reason }: Payload = await readPayload(format, element, list);
    const id = this.#receipts.next();
    if (reason !== undefined) {
      const data = { name: list, reason, base64: element.toString('base64') };
      return this.#mode.make({ type: 'redis.message.invalid', id, subject: list, data });
    }
    const data = redelivered ? { list, value, redelivered: true } : { list, value };
    return this.#mode.make({ type: 'redis.message', id, subject: list, data });
  }
}
