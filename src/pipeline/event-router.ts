import type { SourceEvent } from '../core/event.js';
import { compileMask } from './event-mask.js';
import { isOutage } from './outage.js';
import type { SinkBatch } from './sink.js';

/** Which events a handler is for: all that is given has to match. */
export interface EventMask {
  /** Mask on the type: `github.*`, `file.**`; `github/push` is `github.push`. */
  type?: string | undefined;
  /** The kind of source, a mask as well. */
  sourcetype?: string | undefined;
  /** The host's name of the source, as it is. */
  sourceid?: string | undefined;
}

export interface EventRouterOptions {
  /**
   * Hears of every handler that fails, and the event counts as delivered. Without it `write` rejects once all handlers
   * had all events, so that `ingest` tries again, or puts the event aside.
   */
  onError?: ((error: unknown, event: SourceEvent) => void) | undefined;
}

interface Route<Event> {
  readonly takes: (event: Event) => boolean;
  readonly handle: (event: Event) => void | Promise<void>;
}

/**
 * A sink that gives each event to the handlers that asked for its kind, one event at a time, in the order in which they
 * were registered. A handler that fails does not stop the others; when the batch comes again it alone is called again.
 *
 * ```ts
 * const router = new EventRouter<GitEvent>();
 * router.on('git.commit', (event) => announce(event));
 * router.on({ type: '**', sourceid: 'audit' }, keep);
 * await ingest({ source, sink: router });
 * ```
 */
export class EventRouter<Event extends SourceEvent = SourceEvent> {
  readonly #onError: EventRouterOptions['onError'];
  #routes: readonly Route<Event>[] = [];
  /** Handlers that are done with an event which failed with another one. */
  readonly #done = new WeakMap<Event, Set<Route<Event>>>();
  #unhandled = 0;

  constructor(options: EventRouterOptions = {}) {
    this.#onError = options.onError;
  }

  /** How many events nobody asked for. */
  get unhandled(): number {
    return this.#unhandled;
  }

  /** Returns what takes the handler away again, also while events are handed out. */
  on(mask: string | EventMask, handler: (event: Event) => void | Promise<void>): () => void {
    const route: Route<Event> = { takes: compile(typeof mask === 'string' ? { type: mask } : mask), handle: handler };
    this.#routes = [...this.#routes, route];
    return () => {
      this.#routes = this.#routes.filter((other) => other !== route);
    };
  }

  /** @throws what a handler threw, once all of them had all events: an outage before anything else */
  async write(batch: Pick<SinkBatch<Event>, 'events' | 'signal'>): Promise<void> {
    const failures: unknown[] = [];
    for (const event of batch.events) {
      batch.signal.throwIfAborted();
      const routes = this.#routes.filter((route) => route.takes(event));
      if (routes.length === 0) this.#unhandled += 1;
      for (const route of routes) await this.#give(event, route, failures);
    }
    // Trying again helps against an outage, and is of no use for what is wrong with an event.
    if (failures.length > 0) throw failures.find(isOutage) ?? failures[0];
  }

  async #give(event: Event, route: Route<Event>, failures: unknown[]): Promise<void> {
    const done = this.#done.get(event) ?? new Set();
    if (done.has(route) || !this.#routes.includes(route)) return;
    try {
      await route.handle(event);
      done.add(route);
      this.#done.set(event, done);
    } catch (error) {
      if (this.#onError === undefined) failures.push(error);
      else this.#onError(error, event);
    }
  }
}

function compile({ type, sourcetype, sourceid }: EventMask): (event: SourceEvent) => boolean {
  const takesType = compileMask(type ?? '**');
  const takesKind = compileMask(sourcetype ?? '**');
  return (event) =>
    takesType(event.type) && takesKind(event.sourcetype) && (sourceid === undefined || sourceid === event.sourceid);
}
