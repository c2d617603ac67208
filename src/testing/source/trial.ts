import assert from 'node:assert/strict';
import type { Clock } from '../../core/clock.js';
import type { SourceEvent } from '../../core/event.js';
import type { EventSource } from '../../core/event-source.js';
import { EventSourceFactory } from '../../core/event-source-factory.js';
import type { ReadOptions } from '../../core/read-options.js';
import type { SourceMap } from '../../core/source-class.js';
import type { SourceOptions } from '../../core/source-definition.js';
import { runtimeOf } from '../../core/source-runtime.js';
import { MemoryCursorStore } from '../../cursors/memory/memory-cursor-store.js';
import type { Statement } from '../contract-case.js';
import { RecordingLogger } from '../recording-logger.js';
import type { Need, SourceHarness, SourceWorld } from './harness.js';
import { HurriedClock } from './hurried-clock.js';

/** A statement about a source. */
export interface SourceCase extends Statement<Trial> {
  readonly needs?: readonly Need[] | undefined;
}

export interface StartOptions {
  /** What was saved. Default: the store of the trial. */
  store?: MemoryCursorStore | undefined;
  clock?: Clock | undefined;
  id?: string | undefined;
  credentials?: unknown;
  config?: unknown;
}

/** One case at work: a world, what was saved, and the sources that were made of them. */
export class Trial {
  readonly harness: SourceHarness;
  readonly world: SourceWorld;
  readonly store = new MemoryCursorStore();
  readonly logger = new RecordingLogger();
  readonly #factories = new Map<EventSource, EventSourceFactory>();

  readonly #others: Trial[] = [];
  readonly #ownsWorld: boolean;

  static async open(harness: SourceHarness): Promise<Trial> {
    return new Trial(harness, await harness.open(), true);
  }

  private constructor(harness: SourceHarness, world: SourceWorld, ownsWorld: boolean) {
    this.harness = harness;
    this.world = world;
    this.#ownsWorld = ownsWorld;
  }

  /** The same again with nothing saved; with a world of its own where what is acknowledged upstream is gone. */
  async another(): Promise<Trial> {
    const isGone = this.definition.capabilities.position === 'upstream' || this.isPush;
    const trial = isGone ? await Trial.open(this.harness) : new Trial(this.harness, this.world, false);
    this.#others.push(trial);
    return trial;
  }

  get definition(): SourceHarness['source']['definition'] {
    return this.harness.source.definition;
  }

  get isPush(): boolean {
    return this.definition.capabilities.kind === 'push';
  }

  /** The most events that may be unacknowledged at once. */
  get window(): number {
    return Math.min(this.world.events, this.definition.capabilities.window ?? Number.POSITIVE_INFINITY);
  }

  /** What `create` is given in every case. */
  options(): SourceOptions {
    const { config, credentials, dispatcher } = this.world;
    const options: SourceOptions = { id: 'trial', config };
    if (credentials !== undefined) options.credentials = credentials;
    if (dispatcher !== undefined) options.dispatcher = dispatcher;
    return options;
  }

  /** The source as a process makes it that was just started: all it can know of earlier ones is in the store. */
  async start({ store = this.store, clock = new HurriedClock(), ...changes }: StartOptions = {}): Promise<EventSource> {
    const { type } = this.definition;
    const sources: SourceMap = { [type]: this.harness.source };
    const { logger } = this;
    const factory = new EventSourceFactory({ sources, cursorStore: store, autosave: false, logger, clock });
    const source = await factory.create(type, { ...this.options(), ...changes });
    this.#factories.set(source, factory);
    return source;
  }

  /** Saves what was acknowledged, as the process would before it goes. */
  async save(source: EventSource): Promise<void> {
    await this.#factories.get(source)?.saveCursor(source);
  }

  /** Everything there is: to the end, or so many where there is none. */
  async read(source: EventSource, options: ReadOptions = {}): Promise<SourceEvent[]> {
    const events: SourceEvent[] = [];
    for await (const event of this.iterate(source, options)) events.push(event);
    return events;
  }

  /** The same one by one; a loop that hangs or goes on for ever fails. */
  async *iterate(source: EventSource, options: ReadOptions = {}): AsyncGenerator<SourceEvent, void, undefined> {
    const endless = this.isPush ? { limit: this.world.events } : {};
    yield* this.guard(source.generateEvents({ ...endless, ...options }));
  }

  /** An iteration whose every step comes within the patience, and that ends. */
  async *guard<Item>(iteration: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined> {
    const most = this.world.events * 4 + 100;
    try {
      for (let count = 0; ; count += 1) {
        const step = iteration.next();
        if (count === 0) await this.deliver();
        const { done, value } = await this.within(step, `the answer to next() after ${count} items`);
        if (done === true) return;
        assert.ok(count < most, `the run does not end: ${count} items, of ${this.world.events} events`);
        yield value;
      }
    } finally {
      await this.within(iteration.return(), 'the end of the iteration');
    }
  }

  /** Has what is there to receive sent. */
  async deliver(): Promise<void> {
    await this.harness.deliver?.(this.world);
  }

  /** @throws AssertionError when it takes longer than the patience of the harness */
  async within<Value>(promise: Promise<Value>, what: string): Promise<Value> {
    const { patienceMs = 10_000 } = this.harness;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `${what} did not come within ${patienceMs} ms`;
      timer = setTimeout(() => reject(new assert.AssertionError({ message })), patienceMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until something holds. */
  async eventually(holds: () => boolean, what: string | (() => string)): Promise<void> {
    const { patienceMs = 10_000 } = this.harness;
    const until = performance.now() + patienceMs;
    while (!holds()) {
      if (performance.now() >= until) {
        assert.fail(`${typeof what === 'string' ? what : what()} (waited for ${patienceMs} ms)`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async close(): Promise<void> {
    for (const other of this.#others) await other.close();
    for (const source of this.#factories.keys()) {
      await source.close().catch(() => {});
      void runtimeOf(source).iteration?.finish();
    }
    if (this.#ownsWorld) await this.world.close?.();
  }
}

/** Lets everything run that is ready to. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What tells an event from every other. */
export function keyOf({ source, id }: SourceEvent): string {
  return `${id} of ${source}`;
}

/** @throws AssertionError naming what is missing from, and what is too much in, a list of events */
export function assertSame(found: readonly SourceEvent[], expected: readonly SourceEvent[], what: string): void {
  assertNothingMissing(found, expected, what);
  const known = new Set(expected.map(keyOf));
  const wrong = found.map(keyOf).filter((key) => !known.has(key));
  assert.ok(wrong.length === 0, `${what}: ${brief(wrong)} should not be there`);
  const twice = repeated(found);
  assert.ok(twice.length === 0, `${what}: ${brief(twice)} came twice`);
}

export function assertNothingMissing(
  found: readonly SourceEvent[],
  expected: readonly SourceEvent[],
  what: string,
): void {
  const known = new Set(found.map(keyOf));
  const missing = expected.map(keyOf).filter((key) => !known.has(key));
  assert.ok(missing.length === 0, `${what}: ${brief(missing)} is missing`);
}

/** What is there more than once. */
export function repeated(events: readonly SourceEvent[]): string[] {
  const seen = new Set<string>();
  return events.map(keyOf).filter((key) => seen.has(key) || !seen.add(key));
}

function brief(keys: readonly string[]): string {
  const [first] = keys;
  return keys.length > 1 ? `${first} (and ${keys.length - 1} more)` : `${first}`;
}
