import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import { Secret } from '../../core/secret.js';
import { credentialIdentity, type HttpCredentials } from '../../toolkit/http/credentials.js';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../../toolkit/http/http-client.js';
import { serverTime } from '../../toolkit/http/rate-headers.js';
import { classify, unexpectedAnswer } from './answers.js';

export interface AppKey {
  readonly appId: string;
  readonly installationId: string;
  readonly privateKey: Secret;
}

/** A token lives for an hour: a new one is fetched when so much of it is left. */
const REFRESH_BEFORE_MS = 300_000;

/**
 * The token of a GitHub App's installation: fetched when it is first needed, again before it expires, and after a 401;
 * once, however many requests wait for it.
 *
 * @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
 */
export class InstallationToken implements HttpCredentials {
  readonly identity: string;
  readonly #key: AppKey;
  readonly #clock: Clock;
  readonly #client: HttpClient;
  #token: { value: Secret; refreshAt: number } | undefined;
  #fetching: Promise<Secret> | undefined;

  constructor(key: AppKey, clock: Clock, options: HttpClientOptions) {
    this.identity = credentialIdentity('github-app', key.appId, key.installationId);
    this.#key = key;
    this.#clock = clock;
    const signer = new AppSigner(key, clock);
    this.#client = createHttpClient({
      ...options,
      credentials: signer,
      // Who needs the token tries again, and asks for it again.
      retry: { retries: 0 },
      classify: (response, attempt) => {
        signer.learn(serverTime(response.headers, clock.now()));
        return classify(response, attempt, clock.now());
      },
    });
  }

  async headers(signal: AbortSignal | undefined): Promise<Readonly<Record<string, string>>> {
    const isFresh = this.#token !== undefined && this.#clock.now() < this.#token.refreshAt;
    const token = isFresh ? this.#token?.value : await this.#fetchOnce(signal);
    return { authorization: `Bearer ${token?.reveal()}` };
  }

  async renew(signal: AbortSignal | undefined): Promise<void> {
    this.#token = undefined;
    await this.#fetchOnce(signal);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #fetchOnce(signal: AbortSignal | undefined): Promise<Secret> {
    this.#fetching ??= this.#fetch(signal).finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(signal: AbortSignal | undefined): Promise<Secret> {
    const response = await this.#client.request({
      method: 'POST',
      url: `/app/installations/${this.#key.installationId}/access_tokens`,
      // A second token does no harm: the first one expires by itself.
      idempotent: true,
      signal,
    });
    const { token, expires_at: expiresAt } = response.json() as { token?: unknown; expires_at?: unknown };
    const expires = Date.parse(String(expiresAt));
    if (typeof token !== 'string' || Number.isNaN(expires)) throw unexpectedAnswer(response.label, 'has no token');
    const now = this.#clock.now();
    const lifetime = expires - serverTime(response.headers, now);
    const value = new Secret(token);
    this.#token = { value, refreshAt: now + lifetime - Math.min(REFRESH_BEFORE_MS, lifetime / 2) };
    return value;
  }
}

/** Signs as the app itself, which may only ask for tokens of its installations. */
class AppSigner implements HttpCredentials {
  readonly identity: string;
  readonly #appId: string;
  readonly #key: Secret<KeyObject>;
  readonly #clock: Clock;
  /** By how much GitHub's clock is ahead, as far as it is known. */
  #aheadMs = 0;
  #serverAheadMs = 0;

  constructor({ appId, privateKey }: AppKey, clock: Clock) {
    this.identity = credentialIdentity('github-app', appId);
    this.#appId = appId;
    this.#key = new Secret(createPrivateKey(privateKey.reveal()));
    this.#clock = clock;
  }

  learn(serverNow: number): void {
    this.#serverAheadMs = serverNow - this.#clock.now();
  }

  headers(): Readonly<Record<string, string>> {
    const now = Math.floor((this.#clock.now() + this.#aheadMs) / 1_000);
    // A minute back, for a clock that is ahead; and not longer than GitHub takes: ten minutes.
    const parts = [
      { alg: 'RS256', typ: 'JWT' },
      { iat: now - 60, exp: now + 540, iss: this.#appId },
    ];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const signature = sign('RSA-SHA256', Buffer.from(text), this.#key.reveal()).toString('base64url');
    return { authorization: `Bearer ${text}.${signature}` };
  }

  /** After a 401, once: it may be that the clocks differ by more than the minute. */
  async renew(): Promise<void> {
    this.#aheadMs = this.#serverAheadMs;
  }
}
