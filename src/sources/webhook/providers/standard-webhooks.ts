import * as z from 'zod';
import type { SourceEvent } from '../../../core/event.js';
import { readObject, rfc3339, text, typePath } from '../payload.js';
import type { Delivery, WebhookProvider, WebhookRequest } from '../provider.js';
import { StandardSignature } from './standard-signature.js';

export const standardWebhooksOptions = z.strictObject({
  /** How far the time of a request may be from the time here, either way. Five minutes unless told. */
  toleranceMs: z.int().positive().default(300_000),
  /** How long the sender waits for its answer, in milliseconds. 15 seconds unless told. */
  timeoutMs: z.int().positive().default(15_000),
  /** For how long the sender tries again, in milliseconds. Four days unless told. */
  redeliveryMs: z
    .int()
    .positive()
    .default(4 * 86_400_000),
});

export type StandardWebhooksOptions = z.output<typeof standardWebhooksOptions>;

/** What the specification recommends; senders add to it, or leave it out. */
export interface StandardWebhookPayload {
  /** 'user.created' */
  readonly type?: string;
  readonly timestamp?: string;
  readonly data?: unknown;
  readonly [field: string]: unknown;
}

export type StandardWebhookEvent = SourceEvent<`standard-webhooks.${string}`, StandardWebhookPayload>;

const SENDER = 'a sender of Standard Webhooks';

/**
 * Any sender that keeps to Standard Webhooks, such as those that use Svix, with secrets `whsec_…` (HMAC) and public keys
 * `whpk_…` (Ed25519), several of both. Events are `standard-webhooks.<type>` after the `type` in the body, and
 * `standard-webhooks.received` without one. Bodies are JSON objects.
 *
 * The specification recommends senders to wait 15 seconds at least and to try again for days: its example goes on for 76
 * hours.
 *
 * @throws ConfigError where there is no secret, an empty one, or one that is neither base64 nor such a key
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function standardWebhooks(
  options: StandardWebhooksOptions,
  secrets: readonly string[],
): WebhookProvider<StandardWebhookEvent> {
  const signature = new StandardSignature(secrets, options.toleranceMs);
  return {
    name: 'standard-webhooks',
    // 20 KB are recommended, and no limit is set.
    maxBodyBytes: 1_048_576,
    deadlineMs: options.timeoutMs,
    redeliveryMs: options.redeliveryMs,
    retries: true,
    verify: (request) => signature.check(request),
    read: readStandardWebhook,
  };
}

/** @throws DecodeError for what is no JSON object */
export function readStandardWebhook(
  request: Pick<WebhookRequest, 'header' | 'content'>,
): Delivery<StandardWebhookEvent> {
  const data = readObject(request, SENDER) as StandardWebhookPayload;
  const id = request.header('webhook-id') ?? '';
  const type = typePath(data.type) ?? 'received';
  return { id, events: [{ type: `standard-webhooks.${type}`, id, data, time: rfc3339(text(data, 'timestamp')) }] };
}
