import { createHash, randomUUID } from 'node:crypto';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as z from 'zod';
import type { SourceEvent } from '../../../core/event.js';
import { InvalidBodyError } from '../invalid-body.js';
import type { Delivery, ProviderFactory, WebhookRequest } from '../provider.js';
import { RateLimit } from '../rate-limit.js';
import { createVerifier, genericAuth } from './generic-auth.js';
import { type BodyForm, decodeBody } from './generic-body.js';

/** What was received from a sender that no other provider knows. */
export interface WebhookReceived {
  /** What the body says: the JSON value, the fields of a form, text, or bytes in base64. */
  readonly body: unknown;
  readonly form: BodyForm;
  /** What the path has in place of the `:names` of the endpoint's path. */
  readonly params?: Readonly<Record<string, string>>;
  /** The query; of what is there several times, the last. */
  readonly query?: Readonly<Record<string, string>>;
  /** The headers that the endpoint asks for. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type WebhookReceivedEvent = SourceEvent<'webhook.received', WebhookReceived>;

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected the name of a header')
  .transform((name) => name.toLowerCase());

export const genericOptions = z.strictObject({
  /** How senders show who they are. */
  auth: genericAuth,
  /** The type of the events. Default 'webhook.received'. */
  type: z
    .string()
    .min(1)
    .refine((type) => !type.startsWith('headwater.'), 'headwater.* is reserved')
    .default('webhook.received'),
  /**
   * What tells that a delivery is sent again: a header (`idempotency-key`), or the body. Default 'receipt': nothing does,
   * and every request is an event of its own.
   */
  id: z.union([z.literal('receipt'), z.literal('body'), z.strictObject({ header: headerName })]).default('receipt'),
  /** Headers that become part of the events. */
  headers: z.array(headerName).default([]),
  /** What bodies must be: any Standard Schema. What is not is answered with 422 and the list of problems. */
  schema: z.custom<StandardSchemaV1>(isSchema, 'expected a Standard Schema (zod, valibot, arktype, …)').optional(),
  /** Requests of one credential, address or path within a time; more get 429 with Retry-After. */
  rateLimit: z
    .strictObject({
      requests: z.int().positive().max(100_000),
      perMs: z.int().positive(),
      by: z.enum(['credential', 'address', 'path']).default('credential'),
    })
    .optional(),
  /** How long senders wait for their answer, in milliseconds. */
  timeoutMs: z.int().positive().default(10_000),
  /** Whether senders try again what was answered with 503. Default true. */
  retries: z.boolean().default(true),
  /** For how long they may, in milliseconds. Default: a day. */
  redeliveryMs: z.int().positive().default(86_400_000),
});

/** Any sender that signs with an HMAC, or sends a key, a password or a token. */
export const generic: ProviderFactory<z.output<typeof genericOptions>, WebhookReceivedEvent> = (options, secrets) => {
  const identify = createVerifier(options.auth, secrets);
  const limit = options.rateLimit === undefined ? undefined : new RateLimit(options.rateLimit);
  const by = options.rateLimit?.by;
  return {
    name: 'generic',
    maxBodyBytes: 1_048_576,
    deadlineMs: options.timeoutMs,
    redeliveryMs: options.redeliveryMs,
    retries: options.retries,
    verify(request) {
      const identity = identify(request);
      if ('reason' in identity) return identity;
      const keys = { credential: identity.key, address: request.address ?? '', path: pathOf(request.url) };
      return by === undefined ? undefined : limit?.take(keys[by], request.receivedAt);
    },
    async read(request) {
      const { body, form } = decodeBody(request);
      const checked = options.schema === undefined ? body : await check(options.schema, body);
      const id = idOf(options.id, request);
      const data = { body: checked, form, ...surroundings(request, options.headers) };
      const event = { type: options.type as 'webhook.received', id: id ?? randomUUID(), data };
      return { id, events: [event] } satisfies Delivery<WebhookReceivedEvent>;
    },
  };
};

function idOf(from: z.output<typeof genericOptions>['id'], request: WebhookRequest): string | undefined {
  if (from === 'receipt') return undefined;
  if (from !== 'body') return request.header(from.header);
  return createHash('sha256').update(pathOf(request.url)).update('\n').update(request.body).digest('hex');
}

function surroundings(request: WebhookRequest, names: readonly string[]): Omit<WebhookReceived, 'body' | 'form'> {
  const query = request.url.includes('?') ? Object.fromEntries(new URLSearchParams(request.url.split('?')[1])) : {};
  const headers = names.flatMap((name) => {
    const value = request.header(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...(Object.keys(request.params).length > 0 && { params: request.params }),
    ...(Object.keys(query).length > 0 && { query }),
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
  };
}

/** @throws InvalidBodyError */
async function check(schema: StandardSchemaV1, body: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(body);
  if (result.issues === undefined) return result.value;
  throw new InvalidBodyError(
    result.issues.map(({ message, path = [] }) => ({
      path: path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
      message,
    })),
  );
}

function pathOf(url: string): string {
  return url.split('?')[0] ?? '';
}

function isSchema(value: unknown): boolean {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && '~standard' in (value as object);
}
