export type {
  WebhookConfig,
  WebhookConfigInput,
  WebhookCredentials,
  WebhookEndpointInput,
} from './config.js';
export type { WebhookCursor } from './cursor.js';
export type { WebhookEvent } from './events.js';
export type { FastifyLike, FastifyPlugin } from './fastify-plugin.js';
export type { FetchContext } from './fetch-handler.js';
export { type BodyProblem, InvalidBodyError } from './invalid-body.js';
export { parseJson } from './json-body.js';
export type {
  DeliveredEvent,
  Delivery,
  Refusal,
  WebhookAnswer,
  WebhookHead,
  WebhookProvider,
  WebhookRequest,
} from './provider.js';
export type { AlertmanagerAlert, AlertmanagerEvent } from './providers/alertmanager.js';
export type { CloudEventData, CloudEventsEvent } from './providers/cloudevents.js';
export type { CloudEventAttributes } from './providers/cloudevents-http.js';
export type { WebhookReceived, WebhookReceivedEvent } from './providers/generic.js';
export type { BodyForm } from './providers/generic-body.js';
export type { GitHubPayload, GitHubWebhookEvent, GitHubWebhookEvents } from './providers/github.js';
export type {
  GitlabCommit,
  GitlabDeployment,
  GitlabEvent,
  GitlabIssueAction,
  GitlabJob,
  GitlabMergeRequestAction,
  GitlabNote,
  GitlabObject,
  GitlabPayload,
  GitlabPipeline,
  GitlabProject,
  GitlabPush,
  GitlabRelease,
  GitlabStatus,
  GitlabUser,
} from './providers/gitlab-events.js';
export type { JenkinsBuild, JenkinsEvent, JenkinsNotification, JenkinsPhase } from './providers/jenkins.js';
export type {
  PagerDutyEvent,
  PagerDutyIncident,
  PagerDutyPayload,
  PagerDutyReference,
} from './providers/pagerduty.js';
export type {
  SlackCallback,
  SlackInnerEvent,
  SlackRateLimited,
  SlackRateLimitedEvent,
  SlackWebhookEvent,
  SlackWebhookEvents,
} from './providers/slack.js';
export type { StandardWebhookEvent, StandardWebhookPayload } from './providers/standard-webhooks.js';
export type { StripePayload, StripeWebhookEvent, StripeWebhookEvents } from './providers/stripe.js';
export { RateLimit } from './rate-limit.js';
export type { Answering, Respond } from './respond.js';
export type { WebhookAddress } from './server.js';
export { WebhookSource } from './source.js';
