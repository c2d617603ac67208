import * as z from 'zod';
import { isPeer } from '../../toolkit/allow-list.js';
import type { WebhookProvider } from './provider.js';
import { type ProviderName, type ProviderOptionsInput, providers } from './providers/index.js';
import type { Respond } from './respond.js';

const port = z.int().min(0).max(65_535);
const file = z.string().min(1);
const bytes = z.int().positive();
const milliseconds = z.int().positive();

const peer = z.string().refine(isPeer, 'expected an address, or a subnet such as 10.0.0.0/8');

const path = z
  .string()
  .regex(/^\/[^?#\s]*$/, 'expected a path such as /hooks/github, or with names such as /sites/:site/sync')
  .refine((text) => !text.includes('//'), 'must not have two slashes in a row');

/** What every endpoint may say, whoever sends to it. */
const commonShape = {
  /** Where it is reached: `/hooks/github`; `:name` stands for any one part. Default: `/` and the name of the endpoint. */
  path: path.optional(),
  /** The largest body, in bytes, as it comes over the wire. Default: what the sender is known to send at most. */
  maxBodyBytes: bytes.optional(),
  /** The largest body without its content encoding. Default: `maxBodyBytes`. */
  maxContentBytes: bytes.optional(),
  /** When to answer 503 at the latest, in milliseconds since the request came. Default: before the sender gives up. */
  deadlineMs: milliseconds.optional(),
  /** Addresses and subnets that may send here; others get 403. Default: the list of the source. */
  allow: z.array(peer).min(1).optional(),
  /** Makes the answers to what was taken, where 202 without a body will not do. A function of the host. */
  respond: z.custom<Respond>((value) => typeof value === 'function', 'expected a function').optional(),
};

const OWN_SCHEMAS = Object.entries(providers).map(([name, { options }]) =>
  z.strictObject({ provider: z.literal(name), ...commonShape, ...options.shape }),
);

/** An endpoint whose provider is an object of the host: taken out before, since no schema can hold it. */
export const HOST_PROVIDER = 'a WebhookProvider object';
const hostEndpoint = z.strictObject({ provider: z.literal(HOST_PROVIDER), ...commonShape });

const endpoint = z.discriminatedUnion('provider', [hostEndpoint, ...OWN_SCHEMAS]);

const server = z.strictObject({
  /** 127.0.0.1 unless told. */
  host: z.string().min(1).default('127.0.0.1'),
  /** 0 takes a free one, see `addresses()`. */
  port,
  /** PEM files, read when the source begins to listen. */
  tls: z
    .strictObject({
      certFile: file,
      keyFile: file,
      /** Asks senders for a certificate, and refuses those that none of these authorities has signed. */
      clientCaFile: file.optional(),
    })
    .optional(),
  /** Connections at once; more are closed. */
  maxConnections: z.int().positive().default(10_000),
  /** Connections that have not sent the head of a request yet: beyond that the oldest is closed for a new one. */
  maxSilentConnections: z.int().positive().default(1_000),
  /** How long the head of a request may take, in milliseconds. */
  headersTimeoutMs: milliseconds.default(10_000),
  /** How long a connection is kept open for a next request, in milliseconds. */
  keepAliveTimeoutMs: milliseconds.default(65_000),
});

const spool = z.strictObject({
  /** Where it is kept: a directory of its own, on a disk that survives the process. */
  dir: file,
  /** Bytes on disk that wait for the consumer; beyond that senders get 503. */
  maxBytes: bytes.default(1_073_741_824),
  /** Size of one file of the spool. */
  maxSegmentBytes: bytes.optional(),
});

/** What `WebhookSource.create` takes as `config`. */
export const webhookConfig = z.strictObject({
  /** Who sends to where, by names of the host's choice, which credentials and the events' `source` go by. */
  endpoints: z
    .record(z.string().regex(/^[\w.-]+$/, 'expected a name of letters, digits, dots, dashes'), endpoint)
    .refine((endpoints) => Object.keys(endpoints).length > 0, 'expected at least one endpoint'),
  /** An HTTP server of its own. Default: none, it is mounted in the host's (`fetch`, `nodeHandler()`, `fastifyPlugin()`). */
  server: server.optional(),
  /** Answers when a delivery is on disk, not when it is acknowledged. */
  spool: spool.optional(),
  /** Events and bytes that wait to be acknowledged; beyond that senders get 503. With a spool: what is read ahead of it. */
  queueEvents: z.int().positive().default(1_000),
  queueBytes: bytes.default(33_554_432),
  /** Requests in work at once, waiting for the consumer or not; more get 503. */
  maxRequests: z.int().positive().default(2_000),
  /** Bytes of bodies that are not verified yet, over all requests; beyond that senders get 503. */
  maxUnverifiedBytes: bytes.default(67_108_864),
  /** How long a body may take to come, in milliseconds; then it is 408. */
  bodyTimeoutMs: milliseconds.default(30_000),
  /** Ids of deliveries that are remembered, to know them when they come again. The oldest are forgotten first. */
  maxRemembered: z.int().positive().default(200_000),
  /** Addresses and subnets that may send; others get 403. Default: all. */
  allow: z.array(peer).min(1).optional(),
  /** Proxies whose `x-forwarded-for` is believed, for `allow` and what is logged. Default: none. */
  trustedProxies: z.array(peer).min(1).optional(),
});

const secret = z.string().min(1, 'must not be empty');
const secrets = z.union([secret, z.array(secret).min(1)]);

/** By endpoint: its secret, or several, the newest first; where it asks an API as well, with the token for that. */
export const webhookCredentials = z.record(
  z.string(),
  z.union([secrets, z.strictObject({ secret: secrets, apiToken: secret })]),
);

type CommonInput = { [Key in keyof typeof commonShape]?: z.input<(typeof commonShape)[Key]> };

/** One endpoint: a provider that comes with the package and its options, or one of the host. */
export type WebhookEndpointInput =
  | { [Name in ProviderName]: CommonInput & { provider: Name } & ProviderOptionsInput<Name> }[ProviderName]
  | (CommonInput & { provider: WebhookProvider });

export type WebhookConfig = z.output<typeof webhookConfig>;
export type WebhookConfigInput = Omit<z.input<typeof webhookConfig>, 'endpoints'> & {
  endpoints: Readonly<Record<string, WebhookEndpointInput>>;
};
export type WebhookCredentials = z.input<typeof webhookCredentials>;
export type ServerConfig = z.output<typeof server>;
export type EndpointConfig = WebhookConfig['endpoints'][string];
