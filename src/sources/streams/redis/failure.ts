import {
  AuthenticationError,
  ConnectionError,
  FatalError,
  HeadwaterError,
  NotFoundError,
  PermissionError,
  RetryableError,
} from '../../../core/errors.js';
import { redactText } from '../../../core/secret.js';
import { messageOf } from '../../../core/thrown.js';

/** Answers that pass: a server that loads, fails over, is busy with a script, or is full. */
const PASSING = /^(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|BUSY|OOM|NOREPLICAS|UNBLOCKED|MISCONF)\b/;

/**
 * What an error of Redis or of its client means for who reads. Answers begin with a word in capitals; whatever has none
 * is about the connection.
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
export function toReadFailure(error: unknown, sourceId: string): unknown {
  if (HeadwaterError.isInstance(error)) return error;
  const said = redactText(messageOf(error));
  const fields = (code: string) => ({ code, sourceId, cause: error });
  if (/^(WRONGPASS|NOAUTH)\b|^ERR .*(AUTH|invalid password)/i.test(said)) {
    return new AuthenticationError(`Redis lets nobody in (${said}): check user and password`, fields('REDIS_LOGIN'));
  }
  if (/^NOPERM\b/.test(said)) {
    const message = `Redis does not allow it (${said}): give the user the command and the key by ACL SETUSER`;
    return new PermissionError(message, fields('REDIS_NOT_ALLOWED'));
  }
  if (/^NOGROUP\b/.test(said)) {
    const message = `there is no such consumer group (${said}): create it, or set createGroup`;
    return new NotFoundError(message, fields('REDIS_NO_GROUP'));
  }
  if (/^WRONGTYPE\b/.test(said)) {
    const message = `a key holds another type than is read from it (${said}): check mode and key`;
    return new FatalError(message, fields('REDIS_WRONG_TYPE'));
  }
  if (PASSING.test(said)) return new RetryableError(`Redis cannot answer now (${said})`, fields('REDIS_BUSY'));
  if (/^[A-Z]{2,} /.test(said)) {
    const message = `Redis refused a command (${said}): see which version and which commands it has`;
    return new FatalError(message, fields('REDIS_COMMAND'));
  }
  return new ConnectionError(
    `Redis cannot be reached (${said}): see that it runs, and its address`,
    fields('REDIS_CONNECTION'),
  );
}
