import * as z from 'zod';
import type { SourceEvent } from '../../../core/event.js';
import { badPayload, type Payload, part, readObject, rfc3339, text, timeOfSeconds, typeWord } from '../payload.js';
import type { DeliveredEvent, Delivery, WebhookProvider, WebhookRequest } from '../provider.js';
import { authorize, basicAuth, bearerAuth, noAuth, queryAuth } from './generic-auth.js';
import { readJenkinsXml } from './jenkins-xml.js';

export const jenkinsOptions = z.strictObject({
  /**
   * How Jenkins shows who it is. The plugin takes a user and a password within the address (basic), or a token in its
   * query; a proxy on the way may add a bearer token. Default: basic.
   */
  auth: z.discriminatedUnion('scheme', [basicAuth, queryAuth, bearerAuth, noAuth]).default({ scheme: 'basic' }),
});

export type JenkinsOptions = z.output<typeof jenkinsOptions>;

export interface JenkinsBuild {
  /** Absent where Jenkins does not know its own address. */
  readonly full_url?: string;
  readonly number: number;
  readonly queue_id?: number;
  readonly phase: string;
  /** How it ended: 'SUCCESS', 'FAILURE', 'UNSTABLE', 'ABORTED', 'NOT_BUILT'. Absent while it is queued or runs. */
  readonly status?: string;
  /** Below the address of Jenkins. */
  readonly url?: string;
  readonly scm?: {
    readonly url?: string;
    readonly branch?: string;
    readonly commit?: string;
    readonly changes?: readonly string[];
    readonly culprits?: readonly string[];
  };
  /** Without those that Jenkins knows to be secret. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Its last lines, where the plugin is told to send them. */
  readonly log?: string;
  readonly notes?: string;
  /** Locations by file: `{ 'app.jar': { archive: 'https://…' } }`. */
  readonly artifacts?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly test_summary?: {
    readonly total: number;
    readonly failed: number;
    readonly passed: number;
    readonly skipped: number;
    readonly failed_tests?: readonly string[];
  };
  readonly [field: string]: unknown;
}

export interface JenkinsNotification {
  readonly name: string;
  readonly display_name?: string;
  readonly url?: string;
  readonly build: JenkinsBuild;
  readonly [field: string]: unknown;
}

/** 'none' is what the step `notifyEndpoints` sends in the midst of a build. */
export type JenkinsPhase = 'queued' | 'started' | 'completed' | 'finalized' | 'none';

export type JenkinsEvent = SourceEvent<`jenkins.build.${JenkinsPhase}`, JenkinsNotification>;

const SENDER = 'the Notification plugin of Jenkins';

/**
 * The Notification plugin of Jenkins, in JSON or XML (which needs the package `saxes`): the same data in both. It signs
 * nothing; say how it authorizes itself. It waits 30 seconds unless told otherwise, tries again only if told, at once, and
 * forgets: what Jenkins tells while nobody listens is lost, so read its builds again after that.
 *
 * @throws ConfigError where there is no secret, or an empty one, unless `auth` is none
 * @see https://plugins.jenkins.io/notification/
 * @see https://github.com/jenkinsci/notification-plugin/blob/master/src/main/java/com/tikal/hudson/plugins/notification/Phase.java
 */
export function jenkins(options: JenkinsOptions, secrets: readonly string[]): WebhookProvider<JenkinsEvent> {
  return {
    name: 'jenkins',
    // It has no limit of its own, and a whole log may be in it.
    maxBodyBytes: 10_485_760,
    deadlineMs: 30_000,
    redeliveryMs: 3_600_000,
    retries: false,
    verify: authorize(options.auth, secrets),
    read: readNotification,
  };
}

/**
 * @throws DecodeError for what is no notification of a build
 * @throws MissingPeerError for XML without the package `saxes`
 */
export async function readNotification(
  request: Pick<WebhookRequest, 'header' | 'content'>,
): Promise<Delivery<JenkinsEvent>> {
  const isXml = /^(application|text)\/xml\b/i.test(request.header('content-type') ?? '');
  const payload = isXml ? await readJenkinsXml(request.content) : readObject(request, SENDER);
  const event = toEvent(payload);
  return { id: event.id, events: [event] };
}

function toEvent(payload: Payload): DeliveredEvent<JenkinsEvent> {
  const build = part(payload, 'build');
  const phase = typeWord(build?.['phase']);
  const number = build?.['number'];
  const address = text(build, 'full_url') ?? text(build, 'url');
  if (build === undefined || phase === undefined || typeof number !== 'number' || address === undefined) {
    throw badPayload(SENDER, 'the body has no build with a phase, a number and an address');
  }
  // What Jenkins says of one that has not ended may be how the one before it ended.
  const { status, ...running } = build;
  const hasEnded = phase !== 'queued' && phase !== 'started';
  return {
    type: `jenkins.build.${phase}` as JenkinsEvent['type'],
    id: [`${address}#${number}`, phase, ...distinction(phase, build)].join(':'),
    time: timeOf(build),
    subject: text(payload, 'name'),
    data: { ...payload, build: hasEnded ? build : running } as JenkinsNotification,
  };
}

/** A job that was deleted and made again counts from 1 again; and a build may notify several times by itself. */
function distinction(phase: string, build: Payload): string[] {
  const queue = Number(build['queue_id'] ?? 0);
  const parts = queue > 0 ? [String(queue)] : [];
  return phase === 'none' ? [...parts, String(build['timestamp'] ?? '')] : parts;
}

/** In milliseconds since the epoch, or as RFC 3339 by forks of the plugin. */
function timeOf(build: Payload): string | undefined {
  const { timestamp } = build;
  return typeof timestamp === 'number' ? timeOfSeconds(timestamp / 1_000) : rfc3339(text(build, 'timestamp'));
}
