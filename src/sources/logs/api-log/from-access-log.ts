import type { AccessFields } from '../format/access-log.js';
import type { HttpRequest } from './http-request.js';
import { setTarget } from './target.js';

/** Of the formats common, combined and nginx, whose fields have one meaning. */
export function fromAccessLog(fields: AccessFields): HttpRequest {
  const { method, target, request, status, bytes, clientAddress, userAgent, referer, protocol, user } = fields;
  const told: HttpRequest = {};
  if (method !== undefined) told.method = method;
  if (target !== undefined) setTarget(told, target);
  if (request !== undefined) told.request = request;
  if (status !== undefined) told.status = status;
  if (bytes !== undefined) told.bytes = bytes;
  if (clientAddress !== undefined) told.clientAddress = clientAddress;
  if (userAgent !== undefined) told.userAgent = userAgent;
  if (referer !== undefined) told.referer = referer;
  if (protocol !== undefined) told.protocol = protocol;
  if (user !== undefined) told.user = user;
  return told;
}
