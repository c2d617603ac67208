import type { Clock } from '../../core/clock.js';
import { ConfigError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { Secret } from '../../core/secret.js';
import type { AddressGuard } from '../../toolkit/http/address-guard.js';
import {
  basic,
  bearer,
  credentialIdentity,
  givenByHost,
  type HttpCredentials,
} from '../../toolkit/http/credentials.js';
import type { RestAuth, RestCredentials } from './config.js';
import { OAuth2 } from './oauth2.js';

export interface Surroundings {
  readonly sourceId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dispatcher: object | undefined;
  readonly guard: AddressGuard;
}

/**
 * How requests are authorised; undefined: not at all.
 * @throws ConfigError when scheme and credentials do not belong together
 */
export function toHttpCredentials(
  auth: RestAuth | undefined,
  credentials: RestCredentials | undefined,
  surroundings: Surroundings,
): (HttpCredentials & { close?(): Promise<void> }) | undefined {
  if (credentials === undefined) {
    if (auth === undefined) return undefined;
    throw mismatch(surroundings.sourceId, `auth ${auth.scheme} needs credentials`);
  }
  if ('headers' in credentials) {
    const { headers } = credentials;
    return { identity: 'host', headers: (signal) => givenByHost(() => headers(signal), signal) };
  }
  if ('token' in credentials && (auth === undefined || auth.scheme === 'bearer'))
    return bearer(new Secret(credentials.token));
  if ('user' in credentials && (auth === undefined || auth.scheme === 'basic')) {
    return basic(credentials.user, new Secret(credentials.password));
  }
  if ('key' in credentials && auth?.scheme === 'key') return byKey(auth, new Secret(credentials.key));
  if ('clientId' in credentials && auth?.scheme === 'oauth2') {
    const { clientId, clientSecret, refreshToken, onRefreshToken } = credentials;
    if (auth.grant === 'refresh_token' && refreshToken === undefined) {
      throw mismatch(surroundings.sourceId, 'grant refresh_token needs credentials.refreshToken');
    }
    return new OAuth2({
      ...surroundings,
      auth,
      clientId,
      clientSecret: new Secret(clientSecret),
      refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
      onRefreshToken,
    });
  }
  const given = Object.keys(credentials).join(', ');
  throw mismatch(surroundings.sourceId, `credentials ${given} do not belong to auth ${auth?.scheme ?? '(none)'}`);
}

function byKey(auth: Extract<RestAuth, { scheme: 'key' }>, key: Secret): HttpCredentials {
  const identity = credentialIdentity(key.reveal());
  return auth.in === 'header'
    ? { identity, headers: () => ({ [auth.name]: key.reveal() }) }
    : { identity, query: () => ({ [auth.name]: key.reveal() }) };
}

function mismatch(sourceId: string, message: string): ConfigError {
  const fix =
    'bearer: { token }; basic: { user, password }; key: { key }; oauth2: { clientId, clientSecret }; or { headers }';
  return new ConfigError([{ severity: 'error', code: 'REST_AUTH', message, fix }], { code: 'REST_AUTH', sourceId });
}
