import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { ConfigError } from '../core/errors.js';

export type HmacAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';
export type SignatureEncoding = 'hex' | 'base64' | 'base64url';

export interface HmacOptions {
  /** Default 'sha256'. */
  readonly algorithm?: HmacAlgorithm | undefined;
  /** How the signature is written down. Default 'hex', in either case. */
  readonly encoding?: SignatureEncoding | undefined;
}

/** The signature of the parts, one after another: what a sender puts into its header. */
export function signHmac(
  secret: string | Uint8Array | KeyObject,
  parts: readonly (string | Uint8Array)[],
  { algorithm = 'sha256', encoding = 'hex' }: HmacOptions = {},
): string {
  const hmac = createHmac(algorithm, secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest(encoding);
}

/**
 * Tells whether something was signed with one of several secrets: more than one while a secret is replaced. Takes as
 * long for a wrong signature as for a right one, and never throws for what a request may hold.
 */
export class HmacVerifier {
  readonly #keys: readonly KeyObject[];
  readonly #options: HmacOptions;

  /** @throws ConfigError where there is no secret, or an empty one: anybody could sign with that. */
  constructor(secrets: readonly (string | Uint8Array)[], options: HmacOptions = {}) {
    requireSecrets(secrets);
    this.#keys = secrets.map((secret) => createSecretKey(typeof secret === 'string' ? Buffer.from(secret) : secret));
    this.#options = options;
  }

  /** Whether any of the signatures is one of any of the secrets over the parts, one after another. */
  isSigned(parts: readonly (string | Uint8Array)[], signatures: readonly string[]): boolean {
    if (signatures.length === 0) return false;
    const given = signatures.map((signature) => Buffer.from(this.#toUsualCase(signature)));
    let isSigned = false;
    for (const key of this.#keys) {
      // The text is compared, not what it stands for: decoders skip over what they do not understand.
      const expected = Buffer.from(signHmac(key, parts, this.#options));
      for (const one of given) if (isSame(one, expected)) isSigned = true;
    }
    return isSigned;
  }

  #toUsualCase(signature: string): string {
    return this.#options.encoding === undefined || this.#options.encoding === 'hex'
      ? signature.toLowerCase()
      : signature;
  }
}

/** Tells whether a token, a key or a password is one of several, in a time that tells nothing about them. */
export class SecretVerifier {
  readonly #salt = createSecretKey(randomBytes(32));
  readonly #digests: readonly Buffer[];

  /** @throws ConfigError where there is no secret, or an empty one. */
  constructor(secrets: readonly string[]) {
    requireSecrets(secrets);
    this.#digests = secrets.map((secret) => this.#digest(secret));
  }

  isOneOf(given: string): boolean {
    const digest = this.#digest(given);
    let isKnown = false;
    for (const one of this.#digests) if (timingSafeEqual(digest, one)) isKnown = true;
    return isKnown;
  }

  /** Of one length for all: how long a secret is, is not told either. */
  #digest(text: string): Buffer {
    return createHmac('sha256', this.#salt).update(text).digest();
  }
}

/** Whether a time in whole seconds, as text, is within the tolerance of now, in both directions. False for what is none. */
export function isRecent(seconds: string, nowMs: number, toleranceMs: number): boolean {
  return /^\d{1,12}$/.test(seconds) && Math.abs(nowMs - Number(seconds) * 1_000) <= toleranceMs;
}

function isSame(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function requireSecrets(secrets: readonly (string | Uint8Array)[]): void {
  if (secrets.length > 0 && secrets.every((secret) => secret !== undefined && secret.length > 0)) return;
  const message = 'a secret that signatures are checked with is missing or empty';
  throw new ConfigError([{ severity: 'error', code: 'SECRET_EMPTY', message, fix: 'set it as the sender has it' }], {
    code: 'SECRET_EMPTY',
  });
}
