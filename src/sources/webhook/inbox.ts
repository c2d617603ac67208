import { createHash } from 'node:crypto';
import type { SourceEvent } from '../../core/event.js';
import type { Endpoint } from './endpoint.js';
import type { Outcome, Pending } from './pending.js';
import type { Delivery, WebhookAnswer } from './provider.js';

/** A delivery that was believed and understood. */
export interface Taken {
  readonly endpoint: Endpoint;
  readonly delivery: Delivery;
  /** What was made of it, gaps included, in order. */
  readonly events: readonly SourceEvent[];
  /** Size of the body. */
  readonly bytes: number;
  readonly receivedAt: number;
}

/** Where deliveries wait for the consumer: in memory until they are acknowledged, or on disk. */
export interface Inbox {
  take(taken: Taken): Pending;
  /** The sender stops waiting: where it will come again, what the consumer has not seen is taken back. */
  giveUp(pending: Pending, endpoint: Endpoint): void;
  /** Answers everybody who waits. */
  tellAll(outcome: Outcome): void;
  /** The consumer is done with an event; false where nobody waits for that. */
  answer(event: { readonly source: string; readonly id: string }, answer: WebhookAnswer): boolean;
}

const LONGEST_ID = 200;

/** What a delivery is remembered by; undefined: nothing tells it from another. */
export function keyOf({ endpoint, delivery: { id } }: Taken): string | undefined {
  if (id === undefined || id === '') return undefined;
  // Ids are the sender's; so many of any length are held.
  const short = id.length <= LONGEST_ID ? id : createHash('sha256').update(id).digest('hex');
  return `${endpoint.name}/${short}`;
}

/** Deliveries under way, by their keys and by the events made of them. */
export class UnderWay {
  readonly #byKey = new Map<string, Pending>();
  readonly #all = new Map<Pending, readonly SourceEvent[]>();

  find(key: string | undefined): Pending | undefined {
    return key === undefined ? undefined : this.#byKey.get(key);
  }

  all(): readonly Pending[] {
    return [...this.#all.keys()];
  }

  add(pending: Pending, events: readonly SourceEvent[]): void {
    this.#all.set(pending, events);
    if (pending.key !== undefined) this.#byKey.set(pending.key, pending);
  }

  remove(pending: Pending): void {
    this.#all.delete(pending);
    if (pending.key !== undefined) this.#byKey.delete(pending.key);
  }

  /** Looked for among all: there are few, and most sources never ask. */
  answer({ source, id }: { readonly source: string; readonly id: string }, answer: WebhookAnswer): boolean {
    for (const [pending, events] of this.#all) {
      if (!events.some((event) => event.id === id && event.source === source)) continue;
      if (pending.tell({ kind: 'answered', answer })) return true;
    }
    return false;
  }

  tellAll(outcome: Outcome): void {
    for (const pending of this.all()) pending.tell(outcome);
  }
}
