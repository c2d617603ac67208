import { ConfigError } from '../core/errors.js';
import type { SourceEvent } from '../core/event.js';
import type { EventSource } from '../core/event-source.js';
import type { EventGenerator, ReadOptions } from '../core/read-options.js';

/** What a source emits. */
type EventOf<Source> = Source extends { generateEvents(options?: ReadOptions): EventGenerator<infer Event> }
  ? Event
  : never;

/**
 * The events of several sources as one iterator, in the order in which they come. Asking for the next acknowledges the
 * one in hand with its own source; `break` and a throw do not. Of each source at most one event is read ahead, and that
 * one comes again. A source that fails ends all of it, after the event in hand.
 *
 * ```ts
 * for await (const event of mergeSources([commits, files], { follow: true })) await store(event);
 * ```
 *
 * Not itself a source: each keeps its own frontier. To store what they bring, run one `ingest` per source.
 *
 * @throws ConfigError 'MERGED_TWICE' when a source is there twice
 */
export function mergeSources<
  Sources extends readonly Pick<EventSource<SourceEvent, unknown, unknown>, 'id' | 'generateEvents'>[],
>(sources: Sources, options: ReadOptions = {}): AsyncGenerator<EventOf<Sources[number]>, void, undefined> {
  const twice = sources.find((source, index) => sources.indexOf(source) !== index);
  if (twice !== undefined) {
    const message = `source "${twice.id}" is there twice: a source has one iteration at a time`;
    throw new ConfigError([{ severity: 'error', code: 'MERGED_TWICE', message }], { sourceId: twice.id });
  }
  const { limit = Number.POSITIVE_INFINITY, ...each } = options;
  return new MergedEvents<EventOf<Sources[number]>>(
    sources.map((source) => source.generateEvents(each) as unknown as EventGenerator<EventOf<Sources[number]>>),
    limit,
  );
}

type Result<Event> = IteratorResult<Event, void>;

class MergedEvents<Event> implements AsyncGenerator<Event, void, undefined> {
  readonly #generators: readonly EventGenerator<Event>[];
  /** What was read and not handed out, first come first served: none can keep another from its turn. */
  readonly #ready: { generator: EventGenerator<Event>; event: Event }[] = [];
  #left: number;
  #running: number;
  #hasBegun = false;
  #held: EventGenerator<Event> | undefined;
  #failure: { error: unknown } | undefined;
  #ended: Promise<void> | undefined;
  #wake: () => void = () => {};
  #calls: Promise<unknown> = Promise.resolve();

  constructor(generators: readonly EventGenerator<Event>[], limit: number) {
    this.#generators = generators;
    this.#running = generators.length;
    this.#left = limit;
  }

  next(): Promise<Result<Event>> {
    const answer = this.#calls.then(() => this.#next());
    this.#calls = answer.catch(() => {});
    return answer;
  }

  async return(): Promise<Result<Event>> {
    await this.#end();
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<Result<Event>> {
    await this.#end();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<Result<Event>> {
    if (this.#ended !== undefined) return { value: undefined, done: true };
    this.#acknowledge();
    // Even one that is lost already is told only now, when the event in hand is dealt with.
    while (this.#failure === undefined && this.#left > 0 && this.#ready.length === 0 && this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (this.#ended !== undefined) return { value: undefined, done: true };
    }
    const failure = this.#failure;
    const next = failure === undefined && this.#left > 0 ? this.#ready.shift() : undefined;
    if (next === undefined) {
      await this.#end();
      if (failure !== undefined) throw failure.error;
      return { value: undefined, done: true };
    }
    this.#left -= 1;
    this.#held = next.generator;
    return { value: next.event, done: false };
  }

  /** Asks the source of the event in hand for its next, which is what acknowledges it. The first time asks them all. */
  #acknowledge(): void {
    const asked = this.#hasBegun ? [this.#held] : this.#left > 0 ? this.#generators : [];
    this.#hasBegun = true;
    this.#held = undefined;
    for (const generator of asked) if (generator !== undefined) void this.#ask(generator);
  }

  async #ask(generator: EventGenerator<Event>): Promise<void> {
    try {
      const { value, done } = await generator.next();
      if (done === true) this.#running -= 1;
      else this.#ready.push({ generator, event: value });
    } catch (error) {
      this.#running -= 1;
      this.#failure ??= { error };
    }
    this.#wake();
  }

  /** Releases every source; what was read ahead is not acknowledged and comes again. */
  #end(): Promise<void> {
    this.#ended ??= Promise.all(this.#generators.map((generator) => generator.return())).then(() => {});
    this.#wake();
    return this.#ended;
  }
}
