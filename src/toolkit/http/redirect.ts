import { FatalError } from '../../core/errors.js';
import { redactUrl } from './redaction.js';
import type { WireRequest } from './transport.js';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const PERMANENT = new Set([301, 308]);

/** All that is sent to another origin than the one asked: whatever else a request holds may be a credential. */
const HARMLESS = new Set(['accept', 'accept-encoding', 'accept-language', 'user-agent']);

/** Whether the value of a request header cannot be a secret, and may be sent anywhere. */
export function isHarmlessHeader(name: string): boolean {
  return HARMLESS.has(name) || name === 'content-type' || name.startsWith('if-');
}

export function isRedirect(status: number, headers: Readonly<Record<string, string>>): boolean {
  return REDIRECTS.has(status) && headers['location'] !== undefined;
}

export function isPermanent(status: number): boolean {
  return PERMANENT.has(status);
}

/**
 * The request that follows a redirect (RFC 9110 section 15.4). To another origin only harmless headers go along, and a
 * body never; from https to http, and with what is not HTTP, nothing goes.
 *
 * @throws FatalError (HTTP_REDIRECT) when it is not followed
 */
export function redirected(wire: WireRequest, status: number, location: string): WireRequest {
  const url = target(wire.url, location);
  if (wire.url.protocol === 'https:' && url.protocol !== 'https:') throw refused(wire, url, 'leads from https to http');
  const isRead = wire.method === 'GET' || wire.method === 'HEAD';
  if (status === 303 && !isRead) return crossing(wire, { ...wire, url, method: 'GET', body: undefined });
  // 301 and 302 of a POST are followed with another method by some and with the same by others: neither is safe to guess.
  if (!isRead && (status === 301 || status === 302)) throw refused(wire, url, `answers ${wire.method}`);
  return crossing(wire, { ...wire, url });
}

function crossing(from: WireRequest, to: WireRequest): WireRequest {
  if (from.url.origin === to.url.origin) return to;
  if (to.body !== undefined) throw refused(from, to.url, 'would take a body to another origin');
  return { ...to, headers: Object.fromEntries(Object.entries(to.headers).filter(([name]) => HARMLESS.has(name))) };
}

function target(from: URL, location: string): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new FatalError(`${redactUrl(from)} redirects to what is no HTTP URL`, { code: 'HTTP_REDIRECT' });
  }
  url.username = '';
  url.password = '';
  if (url.hash === '') url.hash = from.hash;
  return url;
}

function refused(from: WireRequest, to: URL, why: string): FatalError {
  return new FatalError(
    `the redirect of ${redactUrl(from.url)} to ${redactUrl(to)} is not followed: it ${why}. ` +
      'If the new place is right, write it in the configuration',
    { code: 'HTTP_REDIRECT' },
  );
}
