import { DecodeError } from '../../core/errors.js';
import type { DeliveredEvent } from './provider.js';
import type { AlertmanagerEvent } from './providers/alertmanager.js';
import type { CloudEventsEvent } from './providers/cloudevents.js';
import type { WebhookReceivedEvent } from './providers/generic.js';
import type { GitHubWebhookEvent } from './providers/github.js';
import type { GitlabEvent } from './providers/gitlab-events.js';
import type { JenkinsEvent } from './providers/jenkins.js';
import type { PagerDutyEvent } from './providers/pagerduty.js';
import type { SlackWebhookEvent } from './providers/slack.js';
import type { StandardWebhookEvent } from './providers/standard-webhooks.js';
import type { StripeWebhookEvent } from './providers/stripe.js';

/** What the providers that come with the package emit. A source of some of them is typed by its type argument. */
export type WebhookEvent =
  | AlertmanagerEvent
  | CloudEventsEvent
  | GitHubWebhookEvent
  | GitlabEvent
  | JenkinsEvent
  | PagerDutyEvent
  | SlackWebhookEvent
  | StandardWebhookEvent
  | StripeWebhookEvent
  | WebhookReceivedEvent;

const RESERVED = 'headwater.';

/** @throws DecodeError for a type that only sources themselves may emit */
export function checkType({ type }: DeliveredEvent): void {
  if (!type.startsWith(RESERVED)) return;
  throw new DecodeError(`types that begin with ${RESERVED} cannot be sent`, { code: 'WEBHOOK_TYPE', at: {} });
}
