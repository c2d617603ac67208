import type { SourceEvent } from '../../core/event.js';
import type { WebhookAnswer } from './provider.js';

/** What a host's `respond` is told. */
export interface Answering {
  readonly endpoint: string;
  /** What the sender calls the delivery. */
  readonly id: string | undefined;
  /** The events that were made of it, also where it came before and they are not delivered again. */
  readonly events: readonly SourceEvent[];
  /** 'acknowledged' by the consumer, 'spooled' to disk, or a 'duplicate' of one that was. */
  readonly outcome: 'acknowledged' | 'spooled' | 'duplicate';
}

/** Makes the answer to a delivery that was taken; `undefined`: the usual one. */
export type Respond = (delivery: Answering) => WebhookAnswer | undefined | Promise<WebhookAnswer | undefined>;
