import type { SourceEvent } from '../core/event.js';
import { EventSource } from '../core/event-source.js';
import type { ReadContext } from '../core/read-options.js';
import type { SourceOptions, ValidationResult } from '../core/source-definition.js';

/** What is told of an event; the rest of its envelope is made. */
export type FakeEvent<Event extends SourceEvent> = Pick<Event, 'type' | 'data'> & Partial<Omit<Event, 'type' | 'data'>>;

export interface FakeSourceOptions extends Partial<Omit<SourceOptions<undefined, undefined, FakeCursor>, 'config'>> {
  /** After so many events the source fails instead of giving the next. */
  failAt?: number | undefined;
  /** What it fails with. Default: an Error. */
  error?: unknown;
  /** How often it fails there. Default 1: the next run goes on. */
  failures?: number | undefined;
}

/** How many events were given. */
export interface FakeCursor {
  readonly given: number;
}

/**
 * A source of the events that it is given, for tests of what a host does with them.
 *
 * ```ts
 * const source = fakeSource<OrderEvent>([{ type: 'order.paid', data: { id: 1 } }, …], { failAt: 1 });
 * await assert.rejects(importOrders(source));      // fails once, after the first event
 * await importOrders(source);                      // goes on
 * assert.equal(source.acknowledged, 2);
 * ```
 */
export function fakeSource<Event extends SourceEvent>(
  events: readonly FakeEvent<Event>[],
  options: FakeSourceOptions = {},
): FakeSource<Event> {
  return new FakeSource(events, options);
}

/** Ids are made of the type and the place in the list, so that every source of the same events makes the same. */
export class FakeSource<Event extends SourceEvent> extends EventSource<Event, FakeCursor, undefined> {
  readonly type = 'fake';
  readonly #events: FakeEvent<Event>[];
  readonly #failAt: number;
  readonly #error: unknown;
  #failures: number;
  #wake: () => void = () => {};

  /** @internal Use `fakeSource`. */
  constructor(events: readonly FakeEvent<Event>[], options: FakeSourceOptions) {
    const { failAt, error, failures = 1, ...rest } = options;
    super({ id: 'fake', ...rest, config: undefined });
    this.#events = [...events];
    this.#failAt = failAt ?? -1;
    this.#failures = failures;
    this.#error = error ?? new Error(`the fake source fails after ${failAt} events, as it was told to`);
  }

  /** How many events were acknowledged, from the first on. */
  get acknowledged(): number {
    return this.getCursor()?.given ?? 0;
  }

  /** More happens upstream: what follows gets it at once. */
  add(...events: readonly FakeEvent<Event>[]): void {
    this.#events.push(...events);
    this.#wake();
  }

  async validate(): Promise<ValidationResult> {
    return { ok: true, problems: [] };
  }

  protected async *read({ cursor, follow, signal }: ReadContext<FakeCursor>): AsyncGenerator<Event, void, undefined> {
    for (let index = cursor?.given ?? 0; ; index += 1) {
      if (index === this.#failAt && this.#failures > 0) {
        this.#failures -= 1;
        throw this.#error;
      }
      while (index >= this.#events.length) {
        if (!follow) return;
        await this.#more(signal);
      }
      const { type, ...fields } = this.#events[index] as FakeEvent<Event>;
      const made = this.event({ id: `${type}-${index + 1}`, ...fields, type } as never, { given: index + 1 });
      yield made as unknown as Event;
    }
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason);
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop, { once: true });
      this.#wake = () => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
    });
  }
}
