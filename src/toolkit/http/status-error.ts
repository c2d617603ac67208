import { STATUS_CODES } from 'node:http';
import {
  AuthenticationError,
  FatalError,
  type HeadwaterError,
  NotFoundError,
  PermissionError,
  RateLimitedError,
  RetryableError,
} from '../../core/errors.js';
import type { HttpResponse } from './http-response.js';
import { waitAsked } from './rate-headers.js';

/** What `classify` says of a response: the error that it is, 'accept' for an answer, undefined for "by its status". */
export type Classified = HeadwaterError | 'accept' | undefined;

/** The error that a status outside 2xx and 304 means; undefined for those. */
export function statusError(response: HttpResponse, now: number): HeadwaterError | undefined {
  const { status } = response;
  if ((status >= 200 && status < 300) || status === 304) return undefined;
  const retryAfterMs = waitAsked(response.headers, now);
  if (status === 429) {
    return new RateLimitedError(said(response, 'Too many requests were sent with these credentials'), { retryAfterMs });
  }
  return clientError(response) ?? serverError(response, retryAfterMs) ?? unexpected(response);
}

/** 'GET https://… answered 404 Not Found: <what the body says>. <advice>', for `classify` of a source as well. */
export function said(response: HttpResponse, advice: string): string {
  const reason = STATUS_CODES[response.status];
  const answered = `${response.label} answered ${response.status}${reason === undefined ? '' : ` ${reason}`}`;
  const detail = response.detail().replace(/\.$/, '');
  return detail === '' || detail === reason ? `${answered}. ${advice}` : `${answered}: ${detail}. ${advice}`;
}

function clientError(response: HttpResponse): HeadwaterError | undefined {
  switch (response.status) {
    case 400:
      return fatal(response, 'HTTP_BAD_REQUEST', 'The request is not what this API expects: check the configuration');
    case 401:
      return new AuthenticationError(said(response, 'Check that the credentials are valid and have not expired'));
    case 402:
    case 403:
      return new PermissionError(said(response, 'Check what the credentials are allowed to do'));
    case 404:
    case 410:
      return new NotFoundError(
        said(response, 'Check the name; many APIs answer this also when the credentials may not see it'),
      );
    case 407:
      return new AuthenticationError(said(response, 'The proxy of the dispatcher wants credentials'));
    case 409:
      return fatal(response, 'HTTP_CONFLICT', 'It is in a state in which this cannot be answered');
    case 422:
      return fatal(response, 'HTTP_UNPROCESSABLE', 'A value is not what this API expects: check the configuration');
    case 451:
      return new PermissionError(said(response, 'It is blocked for legal reasons'), { code: 'HTTP_BLOCKED' });
    default:
      return undefined;
  }
}

function serverError(response: HttpResponse, retryAfterMs: number | undefined): HeadwaterError | undefined {
  const { status } = response;
  const isPassing = status === 408 || status === 425 || (status >= 500 && status !== 501 && status !== 505);
  if (!isPassing) return undefined;
  const advice = 'It may pass: try again later';
  return new RetryableError(said(response, advice), { code: 'HTTP_UNAVAILABLE', retryAfterMs });
}

function unexpected(response: HttpResponse): HeadwaterError {
  return fatal(response, 'HTTP_STATUS', 'Nothing is known to do about this status: check the URL');
}

function fatal(response: HttpResponse, code: string, advice: string): FatalError {
  return new FatalError(said(response, advice), { code });
}
