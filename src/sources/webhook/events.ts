import { DecodeError } from '../../core/errors.js';
import type { GapEvent, SourceEvent } from '../../core/event.js';
import type { DeliveredEvent } from './provider.js';
import type { WebhookReceivedEvent } from './providers/generic.js';
import type { GitHubWebhookEvent } from './providers/github.js';

/** What the providers that come with the package emit. A source of some of them is typed by its type argument. */
export type WebhookEvent = GitHubWebhookEvent | WebhookReceivedEvent;

/** Everything a `WebhookSource` emits that is not told which. */
export type AnyWebhookEvent = SourceEvent | GapEvent;

const RESERVED = 'headwater.';

/** @throws DecodeError for a type that only sources themselves may emit */
export function checkType({ type }: DeliveredEvent): void {
  if (!type.startsWith(RESERVED)) return;
  throw new DecodeError(`types that begin with ${RESERVED} cannot be sent`, { code: 'WEBHOOK_TYPE', at: {} });
}
