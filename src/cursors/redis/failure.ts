import { ConnectionError, CursorError, HeadwaterError, PermissionError, RetryableError } from '../../core/errors.js';
import { messageOf } from '../../core/thrown.js';

/**
 * What an error of Redis or its client means for the caller. Redis begins its errors with a code; older ones put that of
 * a command in a script behind a dash.
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
export function toRedisFailure(error: unknown, sourceId: string | undefined): unknown {
  if (HeadwaterError.isInstance(error)) return error;
  const text = messageOf(error);
  const code = /^(?:ERR .*-)?([A-Z]+)\b/.exec(text)?.[1] ?? '';
  const fields = { sourceId, cause: error };
  if (code === 'OOM') {
    const message = `Redis has no memory left (${text}): nothing was saved; raise maxmemory, or make room`;
    return new RetryableError(message, { ...fields, code: 'REDIS_FULL' });
  }
  if (NOT_NOW.has(code)) {
    const message = `Redis does not take it now (${text}): nothing was saved; it is worth another try`;
    return new RetryableError(message, { ...fields, code: 'REDIS_BUSY' });
  }
  if (REFUSALS.has(code)) {
    const message = `Redis does not let us in (${text}): check user, password and what the user may do`;
    return new PermissionError(message, { ...fields, code: 'REDIS_REFUSED' });
  }
  if (code === 'WRONGTYPE') {
    const message = `a key of the cursors holds something else (${text}): give the store a prefix of its own`;
    return new CursorError(message, { ...fields, code: 'CURSOR_CORRUPT' });
  }
  if (!isOfConnection(error)) return error;
  const message = `Redis cannot be reached (${text}): whether a save under way was made is not known; check that it runs`;
  return new ConnectionError(message, { ...fields, code: 'REDIS_CONNECTION' });
}

/** It did not answer in time. */
export function tooLate(ms: number, sourceId: string | undefined): ConnectionError {
  const message = `Redis did not answer within ${ms} ms: whether a save under way was made is not known; check that it runs`;
  return new ConnectionError(message, { code: 'REDIS_CONNECTION', sourceId });
}

const NOT_NOW = new Set([
  'READONLY',
  'MISCONF',
  'BUSY',
  'LOADING',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'NOREPLICAS',
  'MOVED',
  'ASK',
]);
const REFUSALS = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM', 'DENIED']);

const SOCKET_ERRORS = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/;

/** Errors of node-redis have no codes, those of sockets have. */
const CLIENT_ERRORS =
  /^(Client(Closed|Offline)|Socket|Connection|Disconnects|Reconnect|RootNodes|MaxCommand|Timeout|Abort|CommandTimeout)/;

function isOfConnection(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && SOCKET_ERRORS.test(code)) return true;
  return CLIENT_ERRORS.test(error.constructor.name);
}
