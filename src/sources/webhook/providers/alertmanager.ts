import * as z from 'zod';
import type { SourceEvent } from '../../../core/event.js';
import { badPayload, digestOf, isObject, number, type Payload, part, readObject, rfc3339, text } from '../payload.js';
import type { DeliveredEvent, Delivery, WebhookProvider, WebhookRequest } from '../provider.js';
import { authorize, basicAuth, bearerAuth, noAuth } from './generic-auth.js';

export const alertmanagerOptions = z.strictObject({
  /** How Alertmanager shows who it is, as its `http_config` has it. Default: bearer. */
  auth: z.discriminatedUnion('scheme', [bearerAuth, basicAuth, noAuth]).default({ scheme: 'bearer' }),
});

export type AlertmanagerOptions = z.output<typeof alertmanagerOptions>;

/** One alert, and the group that it was told of in. */
export interface AlertmanagerAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339, of every digit that was sent. */
  readonly startsAt: string;
  /** Absent while it fires. */
  readonly endsAt?: string;
  /** The page of the rule in Prometheus. */
  readonly generatorURL?: string;
  /** Of the labels: the same for the same alert. */
  readonly fingerprint: string;
  readonly groupKey: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly commonLabels: Readonly<Record<string, string>>;
  readonly commonAnnotations: Readonly<Record<string, string>>;
  readonly receiver: string;
  /** Of the Alertmanager. */
  readonly externalURL?: string;
}

export type AlertmanagerEvent = SourceEvent<'alertmanager.alert', AlertmanagerAlert>;

/** What Go writes for a time that is not set. */
const NO_TIME = '0001-01-01T00:00:00Z';
const SENDER = 'Alertmanager';

/**
 * The webhook receiver of Prometheus Alertmanager: an event for each alert of a notification. The id stays while
 * Alertmanager repeats itself (`repeat_interval`), tells the group of it again for the sake of another alert, or tries again.
 *
 * It signs nothing; say how it authorizes itself. It tries again after network errors and 5xx until the next notification
 * of the group is due (`group_interval`, 5 minutes by default and 10 seconds at least), drops the notification for any 4xx, and
 * keeps for 5 days (`--data.retention`) what it has told.
 *
 * @throws ConfigError where there is no secret, or an empty one, unless `auth` is none
 * @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 * @see https://github.com/prometheus/alertmanager/blob/main/notify/webhook/webhook.go
 */
export function alertmanager(
  options: AlertmanagerOptions,
  secrets: readonly string[],
): WebhookProvider<AlertmanagerEvent> {
  return {
    name: 'alertmanager',
    // It has no limit of its own unless `max_alerts` is set: some ten thousand alerts.
    maxBodyBytes: 16_777_216,
    deadlineMs: 10_000,
    redeliveryMs: 5 * 86_400_000,
    retries: true,
    verify: authorize(options.auth, secrets),
    read: readAlerts,
  };
}

/** @throws DecodeError for what is no notification of version 4 */
export function readAlerts(request: Pick<WebhookRequest, 'content'>): Delivery<AlertmanagerEvent> {
  const payload = readObject(request, SENDER);
  const { alerts } = payload;
  if (payload['version'] !== '4' || !Array.isArray(alerts)) {
    throw badPayload(SENDER, 'the body has no alerts, or is not of version 4');
  }
  const group = groupOf(payload);
  const events = alerts.map((alert) => toEvent(alert, group));
  const truncated = number(payload, 'truncatedAlerts') ?? 0;
  return {
    id: events.length === 0 ? undefined : digestOf(...events.map((event) => event.id), String(truncated)),
    events,
    truncated: truncated > 0 ? { detail: truncation(truncated, group.groupKey), count: truncated } : undefined,
  };
}

function truncation(count: number, groupKey: string): string {
  return `Alertmanager left ${count} alerts of the group ${groupKey} out; raise max_alerts, or group by more labels`;
}

type Group = Omit<AlertmanagerAlert, 'status' | 'labels' | 'annotations' | 'startsAt' | 'endsAt' | 'fingerprint'>;

function groupOf(payload: Payload): Group {
  const externalURL = text(payload, 'externalURL');
  return {
    groupKey: text(payload, 'groupKey') ?? '',
    groupLabels: labelsOf(payload, 'groupLabels'),
    commonLabels: labelsOf(payload, 'commonLabels'),
    commonAnnotations: labelsOf(payload, 'commonAnnotations'),
    receiver: text(payload, 'receiver') ?? '',
    ...(externalURL !== undefined && { externalURL }),
  };
}

function toEvent(alert: unknown, group: Group): DeliveredEvent<AlertmanagerEvent> {
  if (!isObject(alert)) throw badPayload(SENDER, 'one of the alerts is not an object');
  const { status } = alert;
  const startsAt = text(alert, 'startsAt');
  if ((status !== 'firing' && status !== 'resolved') || startsAt === undefined) {
    throw badPayload(SENDER, 'one of the alerts has no status or no startsAt');
  }
  const labels = labelsOf(alert, 'labels');
  const fingerprint = text(alert, 'fingerprint') ?? digestOf(...Object.entries(labels).sort().flat());
  const endsAt = endOf(alert);
  const generatorURL = text(alert, 'generatorURL');
  const version = status === 'resolved' ? [startsAt, endsAt ?? ''] : [startsAt];
  return {
    type: 'alertmanager.alert',
    id: [digestOf(group.groupKey), fingerprint, status, ...version].join(':'),
    time: rfc3339(status === 'resolved' ? endsAt : startsAt),
    subject: labels['alertname'],
    data: {
      status,
      labels,
      annotations: labelsOf(alert, 'annotations'),
      startsAt,
      ...(endsAt !== undefined && { endsAt }),
      fingerprint,
      ...(generatorURL !== undefined && { generatorURL }),
      ...group,
    },
  };
}

function endOf(alert: Payload): string | undefined {
  const endsAt = text(alert, 'endsAt');
  return endsAt === NO_TIME ? undefined : endsAt;
}

type Labels = AlertmanagerAlert['labels'];

/** By own members: a label may be called `__proto__`. */
function labelsOf(payload: Payload, name: string): Labels {
  const entries = Object.entries(part(payload, name) ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
