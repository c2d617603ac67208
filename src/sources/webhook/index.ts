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
export type { WebhookReceived, WebhookReceivedEvent } from './providers/generic.js';
export type { BodyForm } from './providers/generic-body.js';
export type { GitHubPayload, GitHubWebhookEvent, GitHubWebhookEvents } from './providers/github.js';
export { RateLimit } from './rate-limit.js';
export type { Answering, Respond } from './respond.js';
export type { WebhookAddress } from './server.js';
export { WebhookSource } from './source.js';
