import * as z from 'zod';
import { ConfigError } from '../../../core/errors.js';
import { HmacVerifier, isRecent, SecretVerifier } from '../../../toolkit/signature.js';
import type { Refusal, WebhookRequest } from '../provider.js';

const header = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected the name of a header')
  .transform((name) => name.toLowerCase());

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
  /** `Authorization: Bearer …` */
  z.strictObject({ scheme: z.literal('bearer') }),
  /** `Authorization: Basic …`; the secret is `user:password`. */
  z.strictObject({ scheme: z.literal('basic') }),
  /** Anybody who reaches the endpoint may send. */
  z.strictObject({ scheme: z.literal('none') }),
]);

type GenericAuth = z.output<typeof genericAuth>;

/** Who sent a request, as far as that can be told: `key` is the same for the same sender, and no secret. */
export type Identify = (request: WebhookRequest) => Refusal | { readonly key: string };

/** @throws ConfigError where secrets are missing, or are given and nobody asks for them. */
export function createVerifier(auth: GenericAuth, secrets: readonly string[]): Identify {
  if (auth.scheme === 'none') return anybody(secrets);
  if (auth.scheme === 'hmac') return bySignature(auth, new HmacVerifier(secrets, auth));
  // One for each, so that a limit on the rate tells them apart.
  const verifiers = secrets.map((secret) => new SecretVerifier([secret]));
  if (verifiers.length === 0) new SecretVerifier([]);
  if (auth.scheme === 'key') return bySecret(verifiers, (request) => request.header(auth.header), auth.header);
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
  if (value === undefined || given?.toLowerCase() !== scheme) return undefined;
  return scheme === 'basic' ? Buffer.from(value, 'base64').toString('utf8') : value;
}
