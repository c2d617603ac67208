import * as z from 'zod';
import { SecretVerifier } from '../../../toolkit/signature.js';
import { digestOf, number, type Payload, part, parts, readObject, rfc3339, text, typeWord } from '../payload.js';
import type { DeliveredEvent, Delivery, Refusal, WebhookProvider, WebhookRequest } from '../provider.js';
import type { GitlabEvent } from './gitlab-events.js';
import { StandardSignature } from './standard-signature.js';

export const gitlabOptions = z.strictObject({
  /** How far the time of a signed request may be from the time here, either way. Five minutes unless told. */
  toleranceMs: z.int().positive().default(300_000),
});

export type GitlabOptions = z.output<typeof gitlabOptions>;

const SIGNING_TOKEN = 'whsec_';
const REFUSED: Refusal = {
  reason: 'x-gitlab-token is missing, came more than once, or is not the token that is known here',
};

/**
 * Webhooks of GitLab projects, groups and systems. A secret `whsec_…` is a signing token, any other the older secret token,
 * which is sent as it is. With both, a request that is signed must be signed well, whatever token it has: so a webhook is
 * moved from one to the other.
 *
 * GitLab waits 10 seconds and sends nothing again by itself; people and its API can, for the requests in its log, which
 * are called the same then. After four failures it puts the webhook aside for a while.
 *
 * @throws ConfigError where there is no secret, or an empty one
 * @see https://docs.gitlab.com/user/project/integrations/webhooks/
 * @see https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944 for the signature
 */
export function gitlab(options: GitlabOptions, secrets: readonly string[]): WebhookProvider<GitlabEvent> {
  const signing = secrets.filter((secret) => secret.startsWith(SIGNING_TOKEN));
  const plain = secrets.filter((secret) => !secret.startsWith(SIGNING_TOKEN));
  const signature = signing.length === 0 ? undefined : new StandardSignature(signing, options.toleranceMs);
  const token = plain.length === 0 && signature !== undefined ? undefined : new SecretVerifier(plain);
  return {
    name: 'gitlab',
    // REQUEST_BODY_SIZE_LIMIT of its WebHookService.
    maxBodyBytes: 26_214_400,
    deadlineMs: 10_000,
    // Its log of requests keeps a week.
    redeliveryMs: 7 * 86_400_000,
    retries: false,
    verify(request) {
      const isSigned = token === undefined || request.headerNames().includes('webhook-signature');
      if (signature !== undefined && isSigned) return signature.check(request);
      const given = request.header('x-gitlab-token');
      return given !== undefined && token?.isOneOf(given) ? undefined : REFUSED;
    },
    read: readGitlab,
  };
}

/** @throws DecodeError for what is no JSON object */
export function readGitlab(request: WebhookRequest): Delivery<GitlabEvent> {
  const payload = readObject(request, 'GitLab');
  const id = deliveryId(request);
  return { id, events: [toEvent(payload, id)], truncated: truncation(payload) };
}

/**
 * `Idempotency-Key` (GitLab 17.4) stays over repetitions, and `webhook-id` is the same, signed. `X-Gitlab-Event-UUID` does
 * not name a delivery: all webhooks that one of them sets off have it in common. Older servers only name the request.
 */
function deliveryId(request: WebhookRequest): string {
  const header = (name: string): string | undefined => request.header(name) || undefined;
  const named = header('webhook-id') ?? header('idempotency-key') ?? header('x-gitlab-webhook-uuid');
  return named ?? digestOf(header('x-gitlab-event-uuid') ?? '', request.content.toString('latin1'));
}

function toEvent(payload: Payload, id: string): DeliveredEvent<GitlabEvent> {
  const kind = typeWord(payload['object_kind']) ?? typeWord(payload['event_name']) ?? 'custom';
  const type = kind === 'build' ? 'job' : kind;
  const what = detailOf(type, payload);
  return {
    type: (what === undefined ? `gitlab.${type}` : `gitlab.${type}.${what}`) as GitlabEvent['type'],
    id,
    data: payload as GitlabEvent['data'],
    time: timeOf(type, payload),
    subject: subjectOf(payload),
  };
}

/** The action or the state, which is the last part of the type. */
function detailOf(type: string, payload: Payload): string | undefined {
  const attributes = part(payload, 'object_attributes');
  switch (type) {
    case 'pipeline':
      return typeWord(attributes?.['status']);
    case 'job':
      return typeWord(payload['build_status']);
    case 'deployment':
      return typeWord(payload['status']);
    case 'feature_flag':
    case 'access_token':
    case 'vulnerability':
      return undefined;
    default:
      return typeWord(attributes?.['action']) ?? typeWord(payload['action']);
  }
}

function timeOf(type: string, payload: Payload): string | undefined {
  const attributes = part(payload, 'object_attributes');
  switch (type) {
    case 'pipeline':
      return toTime(text(attributes, 'finished_at'));
    case 'job':
      return toTime(text(payload, 'build_finished_at') ?? text(payload, 'build_started_at'));
    case 'deployment':
      return toTime(text(payload, 'status_changed_at'));
    default:
      return toTime(text(attributes, 'updated_at') ?? text(payload, 'updated_at'));
  }
}

const SPACED = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) (?:UTC|([+-]\d\d):?(\d\d))$/;

/** GitLab writes times as RFC 3339, '2016-08-12 15:26:29 UTC', and '2021-04-28 21:50:00 +0200'. */
function toTime(written: string | undefined): string | undefined {
  const found = SPACED.exec(written ?? '');
  if (found === null) return rfc3339(written);
  const [, date, time, hours, minutes] = found;
  return rfc3339(`${date}T${time}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`);
}

function subjectOf(payload: Payload): string | undefined {
  const project = part(payload, 'project');
  return (
    text(project, 'path_with_namespace') ??
    text(payload, 'path_with_namespace') ??
    text(payload, 'full_path') ??
    text(payload, 'group_path')
  );
}

/** Of many commits GitLab lists only the newest. */
function truncation(payload: Payload): Delivery['truncated'] {
  const total = number(payload, 'total_commits_count') ?? 0;
  const listed = parts(payload, 'commits').length;
  if (total <= listed) return undefined;
  const where = `${text(payload, 'ref') ?? 'a branch'} of ${subjectOf(payload) ?? 'a project'}`;
  const detail = `GitLab lists ${listed} of ${total} commits pushed to ${where}; read the others from the repository`;
  return { detail, count: total - listed };
}
