import * as z from 'zod';
import type { SourceEvent } from '../../../core/event.js';
import { HmacVerifier, isRecent } from '../../../toolkit/signature.js';
import { badPayload, number, type Payload, part, readObject, text, timeOfSeconds, typeWord } from '../payload.js';
import type { Delivery, Refusal, WebhookProvider, WebhookRequest } from '../provider.js';

export const slackOptions = z.strictObject({
  /** How far the time of a request may be from the time here, either way. Five minutes unless told. */
  toleranceMs: z.int().positive().default(300_000),
  /** Whether delayed events are turned on in the settings of the app: then Slack tries for a day. Default false. */
  delayedEvents: z.boolean().default(false),
});

export type SlackOptions = z.output<typeof slackOptions>;

/** What is within a callback. */
export interface SlackInnerEvent {
  readonly type: string;
  readonly subtype?: string;
  readonly user?: unknown;
  readonly channel?: unknown;
  readonly ts?: string;
  readonly event_ts?: string;
  readonly [field: string]: unknown;
}

/** A callback of the Events API, without the tokens in it. */
export interface SlackCallback<Inner = SlackInnerEvent> {
  readonly type: 'event_callback';
  /** Of this event; the same when it is sent again. */
  readonly event_id: string;
  /** Seconds since the epoch. */
  readonly event_time: number;
  readonly team_id: string;
  readonly api_app_id: string;
  readonly event: Inner;
  readonly [field: string]: unknown;
}

/** Slack sent no events for the rest of a minute, since there were more than 30,000 within an hour. */
export interface SlackRateLimited {
  readonly type: 'app_rate_limited';
  readonly team_id: string;
  readonly api_app_id: string;
  /** Seconds since the epoch. */
  readonly minute_rate_limited: number;
  readonly [field: string]: unknown;
}

export type SlackRateLimitedEvent = SourceEvent<'slack.app_rate_limited', SlackRateLimited>;

export type SlackWebhookEvent = SourceEvent<`slack.${string}`, SlackCallback | SlackRateLimited>;

/**
 * The events of Slack, typed by a union such as `SlackEvent` of the package `@slack/types`, which only who wants those
 * types installs.
 *
 * ```ts
 * import type { SlackEvent } from '@slack/types';
 * type Events = SlackWebhookEvents<SlackEvent>;   // 'slack.app_mention' | 'slack.message' | …
 * ```
 */
export type SlackWebhookEvents<Inner extends { readonly type: string }> =
  | SlackRateLimitedEvent
  | (Inner extends unknown
      ? SourceEvent<`slack.${Exclude<Inner['type'], 'app_rate_limited'>}`, SlackCallback<Inner>>
      : never);

const VERSION = 'v0=';
const MISSING: Refusal = { reason: 'x-slack-signature or x-slack-request-timestamp is missing or came more than once' };
const OLD: Refusal = { reason: 'x-slack-request-timestamp is too far from the time here; look at the clock' };
const WRONG: Refusal = {
  reason: 'x-slack-signature is not the signature of this body with a signing secret known here',
};

/**
 * The Events API of Slack over HTTP. Its `url_verification` is answered as any other request is believed: with the right
 * signature only. It waits 3 seconds, tries again three times within six minutes (with delayed events: for a day), and
 * turns the subscription off when most of them fail. What is sent again is known by its `event_id`, whatever
 * `x-slack-retry-num` says: that it was sent before does not mean that it arrived.
 *
 * The fields `token` of the callback and `bot_access_token` of its event are left out: who has them acts as the app.
 *
 * @throws ConfigError where there is no secret, or an empty one
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 * @see https://docs.slack.dev/apis/events-api/
 */
export function slack(options: SlackOptions, secrets: readonly string[]): WebhookProvider<SlackWebhookEvent> {
  const verifier = new HmacVerifier(secrets);
  return {
    name: 'slack',
    maxBodyBytes: 1_048_576,
    deadlineMs: 3_000,
    redeliveryMs: options.delayedEvents ? 86_400_000 : 600_000,
    retries: true,
    verify(request) {
      const time = request.header('x-slack-request-timestamp');
      const signature = request.header('x-slack-signature');
      if (time === undefined || signature === undefined) return MISSING;
      if (!isRecent(time, request.receivedAt, options.toleranceMs)) return OLD;
      const known = signature.startsWith(VERSION) ? [signature.slice(VERSION.length)] : [];
      return verifier.isSigned([`v0:${time}:`, request.body], known) ? undefined : WRONG;
    },
    read: readSlack,
  };
}

/** @throws DecodeError for what the Events API does not send */
export function readSlack(request: Pick<WebhookRequest, 'header' | 'content'>): Delivery<SlackWebhookEvent> {
  if (/^application\/x-www-form-urlencoded\b/i.test(request.header('content-type') ?? '')) {
    throw badPayload(
      'the Events API of Slack',
      'the body is a form: a command or an interaction, which needs an answer of the app itself and an address of its own',
    );
  }
  const payload = readObject(request, 'Slack');
  switch (payload['type']) {
    case 'url_verification':
      return challenged(payload);
    case 'event_callback':
      return called(payload);
    case 'app_rate_limited':
      return limited(payload);
    default:
      throw badPayload('the Events API of Slack', 'the body is no callback');
  }
}

function challenged(payload: Payload): Delivery<SlackWebhookEvent> {
  const challenge = text(payload, 'challenge');
  if (challenge === undefined) throw badPayload('Slack', 'the body is a url_verification without a challenge');
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  return { id: undefined, events: [], answer: { status: 200, headers, body: challenge } };
}

function called(payload: Payload): Delivery<SlackWebhookEvent> {
  const id = text(payload, 'event_id');
  const event = part(payload, 'event');
  const type = typeWord(event?.['type']);
  if (id === undefined || event === undefined || type === undefined) {
    throw badPayload('Slack', 'the body is a callback without an event_id or an event');
  }
  const { token: _, ...rest } = payload;
  const { bot_access_token: __, ...inner } = event;
  const data = { ...rest, event: inner } as unknown as SlackCallback;
  const time = timeOfSeconds(number(payload, 'event_time'));
  return { id, events: [{ type: `slack.${type}`, id, data, time, subject: channelOf(event) }] };
}

/** An id, or an object with one; of a reaction the channel of the message. */
function channelOf(event: Payload): string | undefined {
  return (
    text(event, 'channel') ??
    text(part(event, 'channel'), 'id') ??
    text(event, 'channel_id') ??
    text(part(event, 'item'), 'channel')
  );
}

function limited(payload: Payload): Delivery<SlackWebhookEvent> {
  const { token: _, ...data } = payload;
  const minute = number(payload, 'minute_rate_limited');
  const id = `app_rate_limited:${text(payload, 'team_id') ?? ''}:${minute ?? ''}`;
  const time = timeOfSeconds(minute);
  const detail =
    `Slack sent no more events of the workspace ${text(payload, 'team_id') ?? ''} in the minute of ${time ?? 'its choice'}; ` +
    'subscribe to less, or read what is missing with the source slack';
  const event = { type: 'slack.app_rate_limited', id, data: data as unknown as SlackRateLimited, time } as const;
  return { id, events: [event], truncated: { detail } };
}
