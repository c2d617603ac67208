import type { HttpRequest } from './http-request.js';

const SLASH = 0x2f;
const ABSOLUTE = /^[a-z][a-z0-9+.-]{0,30}:\/\/([^/?#]*)([^?#]*)/i;
const USER_INFO = /^.*@/s;

/**
 * Path, query and host of what follows the method: '/a?b', 'http://host/a?b', 'host:443' of CONNECT, '*' of OPTIONS.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
export function setTarget(request: HttpRequest, target: string): void {
  const mark = target.indexOf('?');
  if (mark !== -1) request.query = target.slice(mark + 1);
  if (target.charCodeAt(0) === SLASH) request.path = mark === -1 ? target : target.slice(0, mark);
  else setOther(request, mark === -1 ? target : target.slice(0, mark));
}

function setOther(request: HttpRequest, target: string): void {
  const [, authority, path] = ABSOLUTE.exec(target) ?? [];
  if (authority !== undefined) {
    request.host = authority.replace(USER_INFO, '');
    request.path = path === '' ? '/' : (path ?? '/');
  } else if (request.method === 'CONNECT') request.host = target.replace(USER_INFO, '');
  else request.path = target;
}
