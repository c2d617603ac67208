import type { Clock } from '../../core/clock.js';
import { AuthenticationError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { Secret } from '../../core/secret.js';
import type { AddressGuard } from '../../toolkit/http/address-guard.js';
import { credentialIdentity, type HttpCredentials } from '../../toolkit/http/credentials.js';
import { createHttpClient, type HttpClient } from '../../toolkit/http/http-client.js';
import type { HttpResponse } from '../../toolkit/http/http-response.js';
import type { RestAuth } from './config.js';

export interface OAuth2Options {
  readonly auth: Extract<RestAuth, { scheme: 'oauth2' }>;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly refreshToken: Secret | undefined;
  onRefreshToken?: ((token: string) => void) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dispatcher: object | undefined;
  readonly guard: AddressGuard;
}

interface Token {
  readonly value: Secret;
  readonly expiresAt: number;
}

/** A server that names no time: short enough to be asked again in time, as a rule. */
const UNKNOWN_LIFE_S = 300;

/**
 * Tokens of OAuth 2 (RFC 6749), by client credentials or a refresh token: had once for all requests that need one, before
 * the one in hand expires.
 */
export class OAuth2 implements HttpCredentials {
  readonly identity: string;
  readonly #options: OAuth2Options;
  readonly #http: HttpClient;
  #token: Token | undefined;
  #asking: Promise<Token> | undefined;
  #refreshToken: Secret | undefined;
  /** The server does not let this client in: it is not asked again. */
  #refusal: AuthenticationError | undefined;

  constructor(options: OAuth2Options) {
    const { auth, clientId, clock, logger, dispatcher, guard } = options;
    this.#options = options;
    this.#refreshToken = options.refreshToken;
    this.identity = credentialIdentity(auth.tokenUrl, clientId);
    this.#http = createHttpClient({ origin: auth.tokenUrl, clock, logger, dispatcher, guard, classify: refused });
  }

  async headers(signal: AbortSignal): Promise<Record<string, string>> {
    const { value } = await this.#valid(signal);
    return { authorization: `Bearer ${value.reveal()}` };
  }

  /** The server does not take the token though it should be valid: the next request has a new one. */
  async renew(signal: AbortSignal): Promise<void> {
    this.#token = undefined;
    await this.#valid(signal);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #valid(signal: AbortSignal): Promise<Token> {
    const { auth, clock } = this.#options;
    if (this.#token !== undefined && clock.now() < this.#token.expiresAt - auth.skewMs) return this.#token;
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#asking ??= this.#ask(signal).finally(() => {
      this.#asking = undefined;
    });
    try {
      this.#token = await this.#asking;
      return this.#token;
    } catch (error) {
      if (AuthenticationError.isInstance(error)) this.#refusal = error;
      throw error;
    }
  }

  async #ask(signal: AbortSignal): Promise<Token> {
    const { auth, clientId, clientSecret, clock } = this.#options;
    const form = new URLSearchParams({ grant_type: auth.grant, ...auth.parameters });
    if (auth.scope !== undefined) form.set('scope', auth.scope);
    if (auth.grant === 'refresh_token') form.set('refresh_token', this.#refreshToken?.reveal() ?? '');
    const headers: Record<string, string> = {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    };
    if (auth.client === 'basic') {
      // RFC 6749 section 2.3.1: each is encoded as a form is, before.
      const pair = [clientId, clientSecret.reveal()].map(encodeURIComponent).join(':');
      headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    } else {
      form.set('client_id', clientId);
      form.set('client_secret', clientSecret.reveal());
    }
    const url = auth.tokenUrl;
    const body = form.toString();
    const response = await this.#http.request({ url, method: 'POST', body, headers, idempotent: true, signal });
    return this.#read(response, clock.now());
  }

  #read(response: HttpResponse, now: number): Token {
    const answer = response.json() as { access_token?: unknown; expires_in?: unknown; refresh_token?: unknown } | null;
    const token = answer?.access_token;
    if (typeof token !== 'string' || token === '') {
      throw new AuthenticationError(`${response.label} answered without a token: is it the token endpoint?`, {
        code: 'REST_TOKEN',
      });
    }
    if (typeof answer?.refresh_token === 'string') this.#rotate(answer.refresh_token);
    const seconds = Number(answer?.expires_in ?? UNKNOWN_LIFE_S);
    return { value: new Secret(token), expiresAt: now + (Number.isFinite(seconds) ? seconds : UNKNOWN_LIFE_S) * 1_000 };
  }

  /** From now on the old one may be worth nothing. */
  #rotate(token: string): void {
    if (token === this.#refreshToken?.reveal()) return;
    this.#refreshToken = new Secret(token);
    const { onRefreshToken, logger } = this.#options;
    if (onRefreshToken === undefined) {
      logger.warn(
        {},
        'there is a new refresh token, which is lost with this process: take it by credentials.onRefreshToken',
      );
    } else onRefreshToken(token);
  }
}

/** 400 and 401 of a token endpoint: who asks is not let in, now or later (RFC 6749 section 5.2). */
function refused(response: HttpResponse): AuthenticationError | undefined {
  if (response.status !== 400 && response.status !== 401) return undefined;
  return new AuthenticationError(
    `${response.label} gave no token (${response.detail()}). Check client id, secret, scope and refresh token`,
    { code: 'REST_TOKEN' },
  );
}
