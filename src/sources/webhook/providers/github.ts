import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { SourceEvent } from '../../../core/event.js';
import { decodeError } from '../../../toolkit/decode/decode-error.js';
import { HmacVerifier } from '../../../toolkit/signature.js';
import { parseJsonText, requireObject, textOf } from '../json-body.js';
import type { Delivery, ProviderFactory, WebhookRequest } from '../provider.js';

/** What every payload of GitHub may have. */
export interface GitHubPayload {
  readonly action?: string;
  readonly repository?: { readonly id: number; readonly full_name: string; readonly [key: string]: unknown };
  readonly organization?: { readonly login: string; readonly [key: string]: unknown };
  readonly sender?: { readonly login: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/**
 * The events of GitHub, typed by a map of payloads: `EventPayloadMap` of the package `@octokit/webhooks-types`, which
 * only who wants those types installs.
 *
 * ```ts
 * import type { EventPayloadMap } from '@octokit/webhooks-types';
 * type Events = GitHubWebhookEvents<EventPayloadMap>;   // 'github.push' | 'github.issues.opened' | …
 * ```
 */
export type GitHubWebhookEvents<Payloads> = {
  [Name in keyof Payloads & string]: EventOfPayload<Name, Payloads[Name]>;
}[keyof Payloads & string];

type EventOfPayload<Name extends string, Payload> = Payload extends { action: infer Action extends string }
  ? SourceEvent<`github.${Name}.${Action}`, Payload>
  : SourceEvent<`github.${Name}`, Payload>;

/** An event of GitHub as it is typed without such a map. */
export type GitHubWebhookEvent = SourceEvent<`github.${string}`, GitHubPayload>;

const word = /^[A-Za-z0-9._-]+$/;

const reconcile = z
  .strictObject({
    /** Whose webhook it is: `owner/repository`, or an organisation. */
    repository: z
      .string()
      .regex(/^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/, 'expected owner/repository')
      .optional(),
    organization: z.string().regex(word, 'expected the name of an organisation').optional(),
    /** The number of the webhook: the last part of its address in the settings. */
    hookId: z.int().positive(),
    /** How often it is asked for what failed, besides at the start, in milliseconds. */
    everyMs: z.int().positive().default(300_000),
    apiUrl: z.url({ protocol: /^https?$/ }).default('https://api.github.com'),
  })
  .refine(
    ({ repository, organization }) => (repository === undefined) !== (organization === undefined),
    'expected repository or organization, one of them',
  );

export type GitHubReconcile = z.output<typeof reconcile>;

export const githubOptions = z.strictObject({
  /**
   * Asks GitHub for the deliveries that failed, and to send them again: those of the time in which nobody listened, and
   * those that got 503. Needs a token that may read and write webhooks, as `apiToken` of the endpoint's credentials.
   */
  reconcile: reconcile.optional(),
});

const DAY_MS = 86_400_000;

/**
 * Webhooks of repositories, organisations and apps, as JSON or as a form. Only `X-Hub-Signature-256` is believed.
 *
 * GitHub sends a delivery once and waits 10 seconds; it can be asked to send it again for three days.
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 * @see https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
 */
export const github: ProviderFactory<z.output<typeof githubOptions>, GitHubWebhookEvent> = (_options, secrets) => {
  const verifier = new HmacVerifier(secrets);
  return {
    name: 'github',
    maxBodyBytes: 25 * 1024 * 1024,
    deadlineMs: 10_000,
    redeliveryMs: 3 * DAY_MS,
    retries: false,
    verify(request) {
      const signature = request.header('x-hub-signature-256');
      if (signature === undefined) return { reason: 'x-hub-signature-256 is missing: the webhook has no secret' };
      const isSigned = signature.startsWith('sha256=') && verifier.isSigned([request.body], [signature.slice(7)]);
      return isSigned ? undefined : { reason: 'the signature is not right' };
    },
    read,
  };
};

const NAME = /^[a-z0-9_]{1,100}$/;
/** That of repository_dispatch is of its caller's choice. */
const ACTION = /^[\w.-]{1,100}$/;

function read(request: WebhookRequest): Delivery<GitHubWebhookEvent> {
  const name = request.header('x-github-event') ?? '';
  if (!NAME.test(name)) throw decodeError('WEBHOOK_HEADER', {}, 'x-github-event is missing, or names no event');
  const json = jsonOf(request);
  const data = requireObject(parseJsonText(json)) as GitHubPayload;
  const id = request.header('x-github-delivery');
  const { action, repository, organization } = data;
  const hasAction = typeof action === 'string' && ACTION.test(action);
  const event = {
    type: hasAction ? (`github.${name}.${action}` as const) : (`github.${name}` as const),
    id: id ?? createHash('sha256').update(request.body).digest('hex'),
    subject: wordOf(repository?.full_name) ?? wordOf(organization?.login),
    data,
    json,
  };
  return { id, events: [event] };
}

/** With the content type `application/x-www-form-urlencoded` the JSON is the field `payload` of a form. */
function jsonOf(request: WebhookRequest): string {
  const type = request.header('content-type') ?? '';
  if (!type.startsWith('application/x-www-form-urlencoded')) return textOf(request.content);
  const payload = new URLSearchParams(textOf(request.content)).get('payload');
  if (payload === null) throw decodeError('WEBHOOK_FORM', {}, 'the form has no field payload');
  return payload;
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
