import { SecretVerifier } from '../../toolkit/signature.js';
import type { Refusal, WebhookRequest } from './provider.js';
import { secretFormat } from './secret-format.js';

/**
 * How a sender that signs nothing says who it is:
 * - `bearer`: `Authorization: Bearer <secret>` (RFC 6750);
 * - `basic`: `Authorization: Basic …` (RFC 7617), where the secret is `user:password`;
 * - `query`: the secret as a parameter of the address. It ends up in logs on the way: the last resort;
 * - `none`: everybody is believed. For what only a network that is trusted can reach.
 */
export type Authorization = 'bearer' | 'basic' | 'query' | 'none';

export type CheckAuthorization = (request: Pick<WebhookRequest, 'header' | 'url'>) => Refusal | undefined;

/**
 * What checks the authorization of requests, in constant time, with any of several secrets.
 *
 * @param parameter what the parameter is called with `query`
 * @throws ConfigError where there is no secret, an empty one, or with `basic` one without a colon, unless it is `none`
 */
export function checkAuthorization(
  authorization: Authorization,
  secrets: readonly string[],
  parameter = 'token',
): CheckAuthorization {
  switch (authorization) {
    case 'none':
      return () => undefined;
    case 'bearer':
      return checkScheme('Bearer', new SecretVerifier(secrets));
    case 'basic':
      return checkScheme('Basic', basicVerifier(secrets));
    case 'query':
      return checkQuery(parameter, new SecretVerifier(secrets));
  }
}

/** The text is compared, not what it stands for: several texts stand for the same bytes. */
function basicVerifier(secrets: readonly string[]): SecretVerifier {
  if (secrets.some((secret) => secret !== '' && !secret.includes(':'))) {
    throw secretFormat('a secret for basic authorization has no colon', 'write it as user:password');
  }
  return new SecretVerifier(secrets.map((secret) => Buffer.from(secret).toString('base64')));
}

function checkScheme(scheme: 'Bearer' | 'Basic', verifier: SecretVerifier): CheckAuthorization {
  const pattern = new RegExp(`^${scheme} +([^\\s]+)$`, 'i');
  const refusal: Refusal = {
    reason: `the header authorization is missing, came more than once, or is not the ${scheme} credentials that are expected`,
    headers: { 'www-authenticate': `${scheme} realm="webhook"` },
  };
  return (request) => {
    const given = pattern.exec(request.header('authorization') ?? '')?.[1];
    return given !== undefined && verifier.isOneOf(given) ? undefined : refusal;
  };
}

function checkQuery(parameter: string, verifier: SecretVerifier): CheckAuthorization {
  const reason = `the parameter ${parameter} of the address is missing, came more than once, or is not what is expected`;
  return (request) => {
    const [given, ...more] = queryOf(request.url).getAll(parameter);
    return given !== undefined && more.length === 0 && verifier.isOneOf(given) ? undefined : { reason };
  };
}

/** The parameters of an address; never throws, whatever was sent. */
export function queryOf(url: string): URLSearchParams {
  const mark = url.indexOf('?');
  return new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
}
