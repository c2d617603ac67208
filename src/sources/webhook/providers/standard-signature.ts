import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { HmacVerifier, isRecent } from '../../../toolkit/signature.js';
import type { Refusal, WebhookRequest } from '../provider.js';
import { secretFormat } from '../secret-format.js';

const HMAC_PREFIX = 'whsec_';
const PUBLIC_KEY_PREFIX = 'whpk_';
const PUBLIC_KEY_BYTES = 32;
/** A public key makes each signature cost something: an attacker may not have as many checked as fit into a header. */
const MAX_ASYMMETRIC = 10;

const MISSING: Refusal = {
  reason: 'one of the headers webhook-id, webhook-timestamp and webhook-signature is missing or came more than once',
};
const OLD: Refusal = { reason: 'webhook-timestamp is no time, or too far from the time here; look at both clocks' };
const WRONG: Refusal = {
  reason: 'no signature in webhook-signature is one of this body with a secret that is known here',
};

/**
 * The signature of Standard Webhooks over `id.timestamp.body`: `v1` is an HMAC-SHA256 with a secret `whsec_…` (or one in
 * base64 without the prefix), `v1a` is Ed25519 with a public key `whpk_…`. Any signature of any secret is enough; other
 * versions are passed over, and of more than ten `v1a` the rest.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export class StandardSignature {
  readonly #hmac: HmacVerifier | undefined;
  readonly #keys: readonly KeyObject[];
  readonly #toleranceMs: number;

  /** @throws ConfigError where there is no secret, an empty one, or one that is no base64 or no key */
  constructor(secrets: readonly string[], toleranceMs: number) {
    const keys = secrets.filter((secret) => secret.startsWith(PUBLIC_KEY_PREFIX));
    const symmetric = secrets.filter((secret) => !secret.startsWith(PUBLIC_KEY_PREFIX));
    this.#keys = keys.map(toPublicKey);
    this.#hmac =
      symmetric.length === 0 && keys.length > 0
        ? undefined
        : new HmacVerifier(symmetric.map(toHmacKey), { encoding: 'base64' });
    this.#toleranceMs = toleranceMs;
  }

  check(request: Pick<WebhookRequest, 'header' | 'body' | 'receivedAt'>): Refusal | undefined {
    const id = request.header('webhook-id') ?? '';
    const timestamp = request.header('webhook-timestamp') ?? '';
    const signature = request.header('webhook-signature') ?? '';
    if (id === '' || timestamp === '' || signature === '') return MISSING;
    if (!isRecent(timestamp, request.receivedAt, this.#toleranceMs)) return OLD;
    // Headers come as one character a byte.
    const signed = [Buffer.from(`${id}.${timestamp}.`, 'latin1'), request.body];
    const given = signature.split(' ');
    if (this.#hmac?.isSigned(signed, versions(given, 'v1,'))) return undefined;
    return this.#isSignedByKey(signed, versions(given, 'v1a,')) ? undefined : WRONG;
  }

  #isSignedByKey(signed: readonly Buffer[], texts: readonly string[]): boolean {
    if (this.#keys.length === 0) return false;
    const signatures = texts.slice(0, MAX_ASYMMETRIC).flatMap((text) => decode(text) ?? []);
    if (signatures.length === 0) return false;
    const content = Buffer.concat(signed);
    return this.#keys.some((key) => signatures.some((signature) => verify(null, content, key, signature)));
  }
}

function versions(signatures: readonly string[], prefix: string): string[] {
  return signatures.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
}

function toHmacKey(secret: string): Buffer {
  const text = secret.startsWith(HMAC_PREFIX) ? secret.slice(HMAC_PREFIX.length) : secret;
  const key = decodeSecret(text);
  if (key !== undefined) return key;
  throw secretFormat('a secret of Standard Webhooks is not base64', 'copy it as the sender shows it: whsec_…');
}

function toPublicKey(secret: string): KeyObject {
  const bytes = decodeSecret(secret.slice(PUBLIC_KEY_PREFIX.length));
  if (bytes?.length !== PUBLIC_KEY_BYTES) {
    throw secretFormat(
      'a public key whpk_… is not the 32 bytes of Ed25519 in base64',
      'copy it as the sender shows it',
    );
  }
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' });
}

/** Only the one text that encodes these bytes: Node's decoder passes over what it does not understand. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** Secrets are copied by people: with or without the padding. */
function decodeSecret(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return withoutPadding(bytes.toString('base64')) === withoutPadding(text) ? bytes : undefined;
}

function withoutPadding(text: string): string {
  return text.replace(/=+$/, '');
}
