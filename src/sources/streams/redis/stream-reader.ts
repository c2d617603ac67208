import type { RedisClient } from './client.js';
import type { StreamConfig } from './config.js';
import { parseCursor, type RedisCursor } from './cursor.js';
import { EntryMaker, type RawEntry } from './entries.js';
import { isAfter } from './events.js';
import { BLOCK_MS, type ModeContext, type ModeReader, type RedisBatch } from './mode.js';
import { lostEntries, streamInfo } from './stream-info.js';

type Position = RedisCursor['streams'][string];

const BEGINNING: Position = { id: '0-0', added: 0 };
/** How often it is looked for entries that went before they were read, in milliseconds. */
const LOOK_MS = 1_000;

/** Streams read by id, the position in our own cursor. */
export class StreamReader implements ModeReader {
  readonly #mode: ModeContext;
  readonly #config: StreamConfig;
  readonly #maker: EntryMaker;
  #positions: Map<string, Position>;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(mode: ModeContext, config: StreamConfig) {
    this.#mode = mode;
    this.#config = config;
    this.#maker = new EntryMaker(mode, config);
    const { streams } = parseCursor(mode.context.cursor, mode.sourceId);
    this.#positions = new Map(Object.entries(streams));
  }

  async *read(): AsyncGenerator<RedisBatch, void, undefined> {
    const { context, clock } = this.#mode;
    const client = await this.#mode.open();
    let isBegun = await this.#begin(client);
    while (!context.signal.aborted) {
      if (clock.now() - this.#lookedAt >= LOOK_MS) yield* this.#gaps(client);
      const found = await this.#ask(client, false);
      if (found.length === 0) {
        await this.#caughtUp(client);
        // Where it begins with what comes from now on, that has to be known even when nothing comes.
        if (isBegun) yield { events: [], cursor: this.#cursor() };
        isBegun = false;
        if (!context.follow) return;
        this.#mode.onCaughtUp();
      }
      const answer = found.length > 0 ? found : await this.#ask(client, true);
      for (const [stream, entries] of answer) yield await this.#batch(String(stream), entries);
    }
  }

  /** Where streams are begun with that no cursor knows; gives whether there are any. */
  async #begin(client: RedisClient): Promise<boolean> {
    const fresh = this.#config.streams.filter((stream) => !this.#positions.has(stream));
    for (const stream of fresh) {
      const info = await streamInfo(client, stream);
      const removed = (info?.added ?? 0) - (info?.length ?? 0);
      const end = { id: info?.last ?? '0-0', added: info?.added ?? 0 };
      this.#positions.set(stream, this.#config.start === '$' ? end : { id: '0-0', added: removed });
    }
    return fresh.length > 0;
  }

  async #ask(client: RedisClient, waits: boolean): Promise<readonly [Buffer | string, readonly RawEntry[]][]> {
    const { streams, batchSize } = this.#config;
    const ids = streams.map((stream) => this.#position(stream).id);
    const block = waits ? ['BLOCK', `${BLOCK_MS}`] : [];
    const words = ['XREAD', 'COUNT', `${batchSize}`, ...block, 'STREAMS', ...streams, ...ids];
    return (await this.#maker.ask<[string, RawEntry[]][] | null>(client, ...words)) ?? [];
  }

  async #batch(stream: string, entries: readonly RawEntry[]): Promise<RedisBatch> {
    const before = new Map(this.#positions);
    const { added } = this.#position(stream);
    const positionAt = (count: number): Position => ({
      id: String((entries[count - 1] as RawEntry)[0]),
      added: added + count,
    });
    this.#positions.set(stream, positionAt(entries.length));
    const cursorAt = (count: number): RedisCursor => {
      if (count > 0) return asCursor(new Map(before).set(stream, positionAt(count)));
      return asCursor(before);
    };
    return { events: await this.#maker.make(stream, entries), cursor: this.#cursor(), cursorAt };
  }

  /** Entries that were removed before they were read, and streams that were made anew. */
  async *#gaps(client: RedisClient): AsyncGenerator<RedisBatch, void, undefined> {
    this.#lookedAt = this.#mode.clock.now();
    for (const stream of this.#config.streams) {
      const position = this.#position(stream);
      const info = await streamInfo(client, stream);
      const isMadeAnew = isAfter(position.id, info?.last ?? '0-0');
      const lost = info === undefined ? 0 : lostEntries(info, position.id, position.added);
      if (!isMadeAnew && lost === 0) continue;
      if (isMadeAnew) {
        this.#positions.set(stream, BEGINNING);
        const detail = `stream ${stream} is another than was read: it is read from its beginning`;
        const event = this.#mode.gap('history-rewritten', detail, { from: `${stream}:${position.id}` });
        yield { events: [event], cursor: this.#cursor() };
        continue;
      }
      this.#positions.set(stream, { id: position.id, added: position.added + lost });
      const detail = `${lost} entries of stream ${stream} were removed before they were read`;
      const range = { from: `${stream}:${position.id}`, to: `${stream}:${info?.first ?? info?.last}`, count: lost };
      yield { events: [this.#mode.gap('retention', detail, range)], cursor: this.#cursor() };
    }
  }

  /** Entries that others deleted were counted, and not read: once everything is read, the numbers are the same again. */
  async #caughtUp(client: RedisClient): Promise<void> {
    for (const stream of this.#config.streams) {
      const info = await streamInfo(client, stream);
      const position = this.#position(stream);
      if (info?.added === undefined || info.last !== position.id || info.added === position.added) continue;
      this.#positions.set(stream, { ...position, added: info.added });
    }
  }

  #position(stream: string): Position {
    return this.#positions.get(stream) ?? BEGINNING;
  }

  #cursor(): RedisCursor {
    return asCursor(this.#positions);
  }
}

function asCursor(positions: ReadonlyMap<string, Position>): RedisCursor {
  return { streams: Object.fromEntries(positions) };
}
