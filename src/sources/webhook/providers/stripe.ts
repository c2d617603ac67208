import * as z from 'zod';
import type { SourceEvent } from '../../../core/event.js';
import { HmacVerifier, isRecent } from '../../../toolkit/signature.js';
import { badPayload, type Payload, part, readObject, rfc3339, text, timeOfSeconds, typePath } from '../payload.js';
import type { Delivery, Refusal, WebhookProvider, WebhookRequest } from '../provider.js';

export const stripeOptions = z.strictObject({
  /** How far the time of a request may be from the time here, either way. Five minutes unless told. */
  toleranceMs: z.int().positive().default(300_000),
});

export type StripeOptions = z.output<typeof stripeOptions>;

/** What an event of Stripe has in any case. */
export interface StripePayload {
  readonly id: string;
  /** 'event', or 'v2.core.event' for one that names its object and does not hold it. */
  readonly object: string;
  /** 'invoice.paid' */
  readonly type: string;
  /** Seconds since the epoch, or RFC 3339 with 'v2.core.event'. */
  readonly created: number | string;
  readonly livemode: boolean;
  readonly api_version?: string | null;
  /** With Connect: the account that it happened in. */
  readonly account?: string;
  readonly data?: {
    /** As the API has it; its `client_secret`, which only the customer may know, is null. */
    readonly object: Readonly<Record<string, unknown>>;
    readonly previous_attributes?: Readonly<Record<string, unknown>>;
  };
  readonly [field: string]: unknown;
}

export type StripeWebhookEvent = SourceEvent<`stripe.${string}`, StripePayload>;

/**
 * The events of Stripe, typed by a union such as `Stripe.Event` of the package `stripe`, which only who wants those types
 * installs.
 *
 * ```ts
 * import type Stripe from 'stripe';
 * type Events = StripeWebhookEvents<Stripe.Event>;   // 'stripe.invoice.paid' | …
 * ```
 */
export type StripeWebhookEvents<Payload extends { readonly type: string }> = Payload extends unknown
  ? SourceEvent<`stripe.${Payload['type']}`, Payload>
  : never;

const MISSING: Refusal = { reason: 'stripe-signature is missing, came more than once, or has no time of its own' };
const OLD: Refusal = { reason: 'the time in stripe-signature is too far from the time here; look at both clocks' };
const WRONG: Refusal = { reason: 'no v1 signature in stripe-signature is one of this body with a secret known here' };

/**
 * Webhooks of Stripe. It tries again for three days, in no certain order and now and then twice; events of 30 days can be
 * listed by its API. How long it waits it does not say: 10 seconds are taken.
 *
 * @throws ConfigError where there is no secret, or an empty one
 * @see https://docs.stripe.com/webhooks#verify-manually
 * @see https://docs.stripe.com/webhooks/process-undelivered-events
 */
export function stripe(options: StripeOptions, secrets: readonly string[]): WebhookProvider<StripeWebhookEvent> {
  const verifier = new HmacVerifier(secrets);
  return {
    name: 'stripe',
    maxBodyBytes: 1_048_576,
    deadlineMs: 10_000,
    redeliveryMs: 3 * 86_400_000,
    retries: true,
    verify(request) {
      const fields = (request.header('stripe-signature') ?? '').split(',');
      const [time, ...more] = valuesOf(fields, 't=');
      if (time === undefined || more.length > 0) return MISSING;
      if (!isRecent(time, request.receivedAt, options.toleranceMs)) return OLD;
      return verifier.isSigned([`${time}.`, request.body], valuesOf(fields, 'v1=')) ? undefined : WRONG;
    },
    read: readStripe,
  };
}

/** `v0` is made for tests, with any secret. */
function valuesOf(fields: readonly string[], prefix: string): string[] {
  return fields.filter((field) => field.startsWith(prefix)).map((field) => field.slice(prefix.length));
}

/** @throws DecodeError for what is no event */
export function readStripe(request: Pick<WebhookRequest, 'content'>): Delivery<StripeWebhookEvent> {
  const payload = readObject(request, 'Stripe');
  const id = text(payload, 'id');
  const type = typePath(payload['type']);
  if (id === undefined || type === undefined) throw badPayload('Stripe', 'the body has no id or no type');
  const { created } = payload;
  const object = part(part(payload, 'data'), 'object') ?? part(payload, 'related_object');
  return {
    id,
    events: [
      {
        type: `stripe.${type}`,
        id,
        data: withoutSecret(payload) as unknown as StripePayload,
        time: typeof created === 'number' ? timeOfSeconds(created) : rfc3339(text(payload, 'created')),
        subject: text(object, 'id'),
      },
    ],
  };
}

/** Who has the client secret of a payment can confirm it. */
function withoutSecret(payload: Payload): Payload {
  const data = part(payload, 'data');
  const object = part(data, 'object');
  if (text(object, 'client_secret') === undefined) return payload;
  return { ...payload, data: { ...data, object: { ...object, client_secret: null } } };
}
