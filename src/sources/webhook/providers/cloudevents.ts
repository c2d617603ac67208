import * as z from 'zod';
import type { SourceEvent } from '../../../core/event.js';
import { digestOf } from '../payload.js';
import type { DeliveredEvent, Delivery, Refusal, WebhookAnswer, WebhookProvider, WebhookRequest } from '../provider.js';
import { type CloudEventAttributes, isKnownFormat, readCloudEvents } from './cloudevents-http.js';
import { authorize, basicAuth, bearerAuth, noAuth, queryOf } from './generic-auth.js';

export const cloudeventsOptions = z.strictObject({
  /** How senders show who they are. Default: bearer, also as the parameter `access_token` of the address. */
  auth: z.discriminatedUnion('scheme', [bearerAuth, basicAuth, noAuth]).default({ scheme: 'bearer' }),
  /**
   * Names of the senders (`webhook-request-origin`) that may send, such as `eventgrid.azure.net`: others get no consent, and
   * 403. Default: whoever is authorized.
   */
  origins: z.array(z.string().min(1)).min(1).optional(),
  /** How many requests a minute senders are asked to keep to. Default: no limit is named. */
  requestsPerMinute: z.int().positive().optional(),
  /** How long senders wait for their answer, in milliseconds. */
  timeoutMs: z.int().positive().default(10_000),
  /** Whether senders try again what was answered with 503. Default true. */
  retries: z.boolean().default(true),
  /** For how long they may, in milliseconds. Default: a day. */
  redeliveryMs: z.int().positive().default(86_400_000),
});

export type CloudEventsOptions = z.output<typeof cloudeventsOptions>;

/** A CloudEvent as it was sent. Our own event has a `source` and a type of its own: nobody can pretend to be another. */
export interface CloudEventData<Data = unknown> extends CloudEventAttributes {
  readonly data?: Data;
}

/** `cloudevents.` and the type that the sender gave it. */
export type CloudEventsEvent<Type extends string = string, Data = unknown> = SourceEvent<
  `cloudevents.${Type}`,
  CloudEventData<Data>
>;

const UNKNOWN_FORMAT: Refusal = {
  status: 415,
  reason:
    'the content type is a format of CloudEvents other than JSON; send application/cloudevents+json, or in binary mode',
};
const OTHER_ORIGIN: Refusal = {
  status: 403,
  reason: 'webhook-request-origin is missing, or is no origin that may send here',
};

/**
 * CloudEvents 1.0 over HTTP: structured, binary and batched. A handshake with OPTIONS is consented to, as the specification
 * of webhooks has it; a callback that it names is never called.
 *
 * Senders differ, and no specification says how they try again: 10 seconds and a day are taken, which holds for Azure Event
 * Grid.
 *
 * @throws ConfigError where there is no secret, or an empty one, unless `auth` is none
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md
 */
export function cloudevents(
  options: CloudEventsOptions,
  secrets: readonly string[],
): WebhookProvider<CloudEventsEvent> {
  const check = authorizationOf(options, secrets);
  const origins = options.origins?.map((origin) => origin.toLowerCase());
  const isWelcome = (origin: string | undefined): boolean =>
    origins === undefined || (origin !== undefined && origins.includes(origin.toLowerCase()));
  return {
    name: 'cloudevents',
    maxBodyBytes: 1_048_576,
    deadlineMs: options.timeoutMs,
    redeliveryMs: options.redeliveryMs,
    retries: options.retries,
    verify(request) {
      const refusal = check(request);
      if (refusal !== undefined) return refusal;
      if (!isWelcome(request.header('webhook-request-origin'))) return OTHER_ORIGIN;
      return isKnownFormat(request.header('content-type')) ? undefined : UNKNOWN_FORMAT;
    },
    read: readDelivery,
    handshake(request) {
      if (request.method !== 'OPTIONS') return undefined;
      const origin = request.header('webhook-request-origin');
      if (origin === undefined || !isWelcome(origin)) return { status: 403, headers: { allow: 'POST' } };
      return consent(origin, options.requestsPerMinute);
    },
  };
}

function authorizationOf({ auth }: CloudEventsOptions, secrets: readonly string[]) {
  const byHeader = authorize(auth, secrets);
  if (auth.scheme !== 'bearer') return byHeader;
  const byQuery = authorize({ scheme: 'query', parameter: 'access_token' }, secrets);
  return (request: WebhookRequest): Refusal | undefined =>
    queryOf(request.url).has('access_token') ? byQuery(request) : byHeader(request);
}

function consent(origin: string, requestsPerMinute: number | undefined): WebhookAnswer {
  const headers = {
    allow: 'POST',
    'webhook-allowed-origin': origin,
    'webhook-allowed-rate': requestsPerMinute === undefined ? '*' : String(requestsPerMinute),
  };
  return { status: 200, headers };
}

/** @throws DecodeError for what is no CloudEvent 1.0 */
export function readDelivery(
  request: Pick<WebhookRequest, 'header' | 'headerNames' | 'content'>,
): Delivery<CloudEventsEvent> {
  const events = readCloudEvents(request).map(toEvent);
  const ids = events.map((event) => event.id);
  return { id: ids.length > 1 ? digestOf(...ids) : ids[0], events };
}

/** Source and id together name a CloudEvent. A source is a URI reference, which holds no space. */
function toEvent(data: CloudEventData): DeliveredEvent<CloudEventsEvent> {
  const { type, source, id, time, subject } = data;
  return { type: `cloudevents.${type}`, id: `${source} ${id}`, data, time, subject };
}
