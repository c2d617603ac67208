import { ConnectionError, FatalError, HeadwaterError } from '../../core/errors.js';
import type { Redaction } from './redaction.js';

/** What a certificate is refused for: another try changes nothing. */
const CERTIFICATE =
  /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|HOSTNAME_MISMATCH)/;
/** undici refused to send it at all. */
const INVALID_REQUEST = /^UND_ERR_(INVALID_ARG|REQ_CONTENT_LENGTH_MISMATCH|NOT_SUPPORTED)$/;

/** The error that a failure to send or to read means, with which request and what to do; never with what was sent. */
export function networkError(error: unknown, label: string, redaction: Redaction): HeadwaterError {
  const own = ownError(error);
  if (own !== undefined) return own;
  const code = codeOf(error);
  const cause = redaction.cause(error);
  if (CERTIFICATE.test(code)) {
    const advice = 'Is it a private CA? Then give the source a dispatcher that knows it';
    return new FatalError(`${label}: the certificate was refused (${code}). ${advice}`, { code: 'HTTP_TLS', cause });
  }
  if (INVALID_REQUEST.test(code) || (code === '' && error instanceof TypeError)) {
    return new FatalError(`${label} cannot be sent: a header, the method or the URL is not valid`, {
      code: 'HTTP_INVALID_REQUEST',
      cause,
    });
  }
  const what = code === '' && error instanceof Error ? error.name : code;
  return new ConnectionError(`${label}: the connection failed (${what}). Is the host right and reachable from here?`, {
    cause,
  });
}

/** A guard's refusal comes back through undici. */
function ownError(error: unknown): HeadwaterError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (HeadwaterError.isInstance(at)) return at;
  }
  return undefined;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
