import * as z from 'zod';
import { ConfigError } from '../../../core/errors.js';
import { HmacVerifier, isRecent, SecretVerifier } from '../../../toolkit/signature.js';
import type { Refusal, WebhookRequest } from '../provider.js';
import { secretFormat } from '../secret-format.js';

const header = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected the name of a header')
  .transform((name) => name.toLowerCase());

/** `Authorization: Bearer …` (RFC 6750) */
export const bearerAuth = z.strictObject({ scheme: z.literal('bearer') });
/** `Authorization: Basic …` (RFC 7617); the secret is `user:password`. */
export const basicAuth = z.strictObject({ scheme: z.literal('basic') });
/** A token in the query of the address, which ends up in logs on the way: where nothing else can be set. */
export const queryAuth = z.strictObject({
  scheme: z.literal('query'),
  parameter: z.string().min(1).default('token'),
});
/** Anybody who reaches the endpoint may send. */
export const noAuth = z.strictObject({ scheme: z.literal('none') });

/** How senders of a generic endpoint show who they are. The secrets are the credentials of the endpoint. */
export const genericAuth = z.discriminatedUnion('scheme', [
  z.strictObject({
    /** A signature over the body. */
    scheme: z.literal('hmac'),
    /** Where the signature is: `x-signature`. */
    header,
    algorithm: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).default('sha256'),
    encoding: z.enum(['hex', 'base64', 'base64url']).default('hex'),
    /** What stands before the signature: `sha256=`. */
    prefix: z.string().default(''),
    /** A time that is signed with the body, so that a request cannot be played again later. */
    timestamp: z
      .strictObject({
        /** Where it is, in seconds since the epoch. */
        header,
        /** Between the time and the body, in what is signed. */
        separator: z.string().default('.'),
        toleranceMs: z.int().positive().default(300_000),
      })
      .optional(),
  }),
  /** A key in a header. */
  z.strictObject({ scheme: z.literal('key'), header: header.default('x-api-key') }),
  bearerAuth,
  basicAuth,
  queryAuth,
  noAuth,
]);

type GenericAuth = z.output<typeof genericAuth>;

/** Who sent a request, as far as that can be told: `key` is the same for the same sender, and no secret. */
export type Identify = (request: WebhookRequest) => Refusal | { readonly key: string };

/** @throws ConfigError where secrets are missing, or are given and nobody asks for them. */
export function createVerifier(auth: GenericAuth, secrets: readonly string[]): Identify {
  if (auth.scheme === 'none') return anybody(secrets);
  if (auth.scheme === 'hmac') return bySignature(auth, new HmacVerifier(secrets, auth));
  const texts = auth.scheme === 'basic' ? secrets.map(toBasic) : secrets;
  // One for each, so that a limit on the rate tells them apart.
  const verifiers = texts.map((secret) => new SecretVerifier([secret]));
  if (verifiers.length === 0) new SecretVerifier([]);
  if (auth.scheme === 'key') return bySecret(verifiers, (request) => request.header(auth.header), auth.header);
  if (auth.scheme === 'query') {
    return bySecret(verifiers, ({ url }) => fromQuery(url, auth.parameter), `the parameter ${auth.parameter}`);
  }
  return bySecret(verifiers, (request) => fromAuthorization(request, auth.scheme), 'authorization', {
    'www-authenticate': auth.scheme === 'basic' ? 'Basic realm="webhook", charset="UTF-8"' : 'Bearer',
  });
}

function anybody(secrets: readonly string[]): Identify {
  if (secrets.length === 0) return () => ({ key: '' });
  const message = `auth.scheme is 'none', and there are credentials that nobody would ask for`;
  throw new ConfigError([{ severity: 'error', code: 'CREDENTIALS_UNUSED', message, fix: 'choose another scheme' }]);
}

function bySignature(auth: Extract<GenericAuth, { scheme: 'hmac' }>, verifier: HmacVerifier): Identify {
  const { header: name, prefix, timestamp } = auth;
  return (request) => {
    const given = request.header(name);
    if (given === undefined) return { reason: `${name} is missing, or there several times` };
    if (!given.startsWith(prefix)) return { reason: `${name} does not begin with ${prefix}` };
    const time = timestamp === undefined ? undefined : request.header(timestamp.header);
    if (timestamp !== undefined && time === undefined) return { reason: `${timestamp.header} is missing` };
    const parts = time === undefined ? [request.body] : [time, timestamp?.separator ?? '', request.body];
    if (!verifier.isSigned(parts, [given.slice(prefix.length)])) return { reason: 'the signature is not right' };
    const isNow = time === undefined || isRecent(time, request.receivedAt, timestamp?.toleranceMs ?? 0);
    return isNow ? { key: '' } : { reason: 'the request is too old, or from the future: is the clock right?' };
  };
}

function bySecret(
  verifiers: readonly SecretVerifier[],
  read: (request: WebhookRequest) => string | undefined,
  name: string,
  headers?: Readonly<Record<string, string>>,
): Identify {
  return (request) => {
    const given = read(request);
    if (given === undefined) return { reason: `${name} is missing, or there several times`, headers };
    // All of them are looked at: how long it takes tells nothing.
    const matching = verifiers.map((verifier) => verifier.isOneOf(given)).lastIndexOf(true);
    return matching < 0 ? { reason: `${name} is not right`, headers } : { key: `${matching}` };
  };
}

function fromAuthorization(request: WebhookRequest, scheme: 'bearer' | 'basic'): string | undefined {
  const [, given, value] = /^([A-Za-z]+) +(\S+)$/.exec(request.header('authorization') ?? '') ?? [];
  return given?.toLowerCase() === scheme ? value : undefined;
}

/** What is sent is compared as it is: several texts stand for the same bytes. */
function toBasic(secret: string): string {
  if (secret !== '' && !secret.includes(':')) {
    throw secretFormat('a secret for basic authorization has no colon', 'write it as user:password');
  }
  return Buffer.from(secret).toString('base64');
}

function fromQuery(url: string, parameter: string): string | undefined {
  const [given, ...more] = queryOf(url).getAll(parameter);
  return more.length === 0 ? given : undefined;
}

/** The parameters of an address; never throws, whatever was sent. */
export function queryOf(url: string): URLSearchParams {
  const mark = url.indexOf('?');
  return new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
}

/** What verifies requests of a sender that signs nothing. */
export function authorize(
  auth: GenericAuth,
  secrets: readonly string[],
): (request: WebhookRequest) => Refusal | undefined {
  const identify = createVerifier(auth, secrets);
  return (request) => {
    const identity = identify(request);
    return 'reason' in identity ? identity : undefined;
  };
}
