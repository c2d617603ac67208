import * as z from 'zod';
import type { SourceEvent } from '../../../core/event.js';
import { HmacVerifier } from '../../../toolkit/signature.js';
import { badPayload, part, readObject, rfc3339, text, typePath } from '../payload.js';
import type { Delivery, Refusal, WebhookProvider, WebhookRequest } from '../provider.js';

export const pagerdutyOptions = z.strictObject({});

export type PagerDutyOptions = z.output<typeof pagerdutyOptions>;

/** Something of PagerDuty, named within something else. */
export interface PagerDutyReference {
  readonly id: string;
  /** 'user_reference', 'service_reference' … */
  readonly type: string;
  readonly summary?: string;
  readonly self?: string | null;
  readonly html_url?: string | null;
  readonly [field: string]: unknown;
}

export interface PagerDutyIncident {
  readonly id: string;
  readonly type: 'incident';
  readonly number: number;
  readonly title: string;
  readonly status: string;
  readonly urgency: string;
  readonly created_at: string;
  readonly html_url: string;
  readonly service: PagerDutyReference;
  readonly assignees: readonly PagerDutyReference[];
  readonly priority?: PagerDutyReference | null;
  readonly [field: string]: unknown;
}

/** What the `event` of a webhook of version 3 is. */
export interface PagerDutyPayload<Data = Readonly<Record<string, unknown>>> {
  readonly id: string;
  /** 'incident.triggered' */
  readonly event_type: string;
  /** 'incident', 'service' … */
  readonly resource_type: string;
  readonly occurred_at: string;
  /** Who or what did it. */
  readonly agent?: PagerDutyReference | null;
  readonly client?: { readonly name?: string; readonly url?: string } | null;
  /** What it happened to; its own `type` says what that is. */
  readonly data: Data;
  readonly [field: string]: unknown;
}

/** What PagerDuty's documentation lists. Types that it adds come as `pagerduty.<event type>` with what it sent. */
export type PagerDutyEvent =
  | SourceEvent<
      | 'pagerduty.incident.acknowledged'
      | 'pagerduty.incident.delegated'
      | 'pagerduty.incident.escalated'
      | 'pagerduty.incident.priority_updated'
      | 'pagerduty.incident.reassigned'
      | 'pagerduty.incident.reopened'
      | 'pagerduty.incident.resolved'
      | 'pagerduty.incident.triggered'
      | 'pagerduty.incident.unacknowledged',
      PagerDutyPayload<PagerDutyIncident>
    >
  | SourceEvent<
      | 'pagerduty.incident.annotated'
      | 'pagerduty.incident.responder.added'
      | 'pagerduty.incident.responder.replied'
      | 'pagerduty.incident.status_update_published'
      | 'pagerduty.pagey.ping'
      | 'pagerduty.service.created'
      | 'pagerduty.service.deleted'
      | 'pagerduty.service.updated',
      PagerDutyPayload
    >;

const VERSION = 'v1=';
const MISSING: Refusal = { reason: 'x-pagerduty-signature is missing or came more than once' };
const WRONG: Refusal = { reason: 'no signature in x-pagerduty-signature is one of this body with a secret known here' };

/**
 * Webhooks of PagerDuty, version 3. It waits 5 seconds, tries again for 48 hours after 5xx, 429 and network errors, drops
 * what any other 4xx answers, and sends nothing for a day after three that it dropped.
 *
 * Nothing tells when a request was signed: the id of the event, which is signed with it, tells that it came before.
 *
 * @throws ConfigError where there is no secret, or an empty one
 * @see https://developer.pagerduty.com/docs/webhooks-overview
 * @see https://github.com/PagerDuty/developer-docs/blob/main/docs/webhooks/02-Behavior.md
 * @see https://github.com/PagerDuty/developer-docs/blob/main/docs/webhooks/04-Signatures.md
 */
export function pagerduty(_options: PagerDutyOptions, secrets: readonly string[]): WebhookProvider<PagerDutyEvent> {
  const verifier = new HmacVerifier(secrets);
  return {
    name: 'pagerduty',
    maxBodyBytes: 262_144,
    deadlineMs: 5_000,
    redeliveryMs: 48 * 3_600_000,
    retries: true,
    verify(request) {
      const header = request.header('x-pagerduty-signature');
      if (header === undefined) return MISSING;
      const signatures = header.split(',').map((one) => one.trim());
      const known = signatures.filter((one) => one.startsWith(VERSION)).map((one) => one.slice(VERSION.length));
      return verifier.isSigned([request.body], known) ? undefined : WRONG;
    },
    read: readPagerDuty,
  };
}

/** @throws DecodeError for what is no webhook of version 3 */
export function readPagerDuty(request: Pick<WebhookRequest, 'content'>): Delivery<PagerDutyEvent> {
  const event = part(readObject(request, 'PagerDuty'), 'event');
  const id = text(event, 'id');
  const type = typePath(event?.['event_type']);
  if (event === undefined || id === undefined || type === undefined) {
    throw badPayload('PagerDuty, in webhooks of version 3,', 'the body has no event with an id and a type');
  }
  const data = event as unknown as PagerDutyPayload<PagerDutyIncident>;
  const subject = text(part(event, 'data'), 'id');
  const time = rfc3339(text(event, 'occurred_at'));
  return { id, events: [{ type: `pagerduty.${type}` as PagerDutyEvent['type'], id, data, time, subject }] };
}
