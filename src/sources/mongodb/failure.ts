import {
  AuthenticationError,
  ConfigError,
  ConnectionError,
  FatalError,
  HeadwaterError,
  NotFoundError,
  PermissionError,
  RetryableError,
} from '../../core/errors.js';
import { redactText } from '../../core/secret.js';
import { messageOf } from '../../core/thrown.js';

interface ServerFailure {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly errorLabels?: unknown;
  hasErrorLabel?(label: string): boolean;
}

/** Codes of servers that step down, start or stop: another try finds another primary. */
const PASSING = new Set([6, 7, 89, 91, 189, 262, 9001, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436]);

/** The history that a token belongs to is gone. */
const LOST = new Set([280, 286]);

/** Whether a change stream cannot be resumed from where it was: that history is no longer there. */
export function isHistoryLost(error: unknown): boolean {
  const { code } = error as ServerFailure;
  return typeof code === 'number' && LOST.has(code);
}

/**
 * What the error of the driver means for who reads.
 * @see https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
 */
export function toReadFailure(error: unknown, sourceId: string): unknown {
  if (HeadwaterError.isInstance(error) || isHistoryLost(error)) return error;
  const { name, code } = error as ServerFailure;
  const said = redactText(messageOf(error));
  const fields = (of: string) => ({ code: of, sourceId, cause: error });
  if (code === 18 || code === 11 || code === 8_000 || name === 'MongoMissingCredentialsError') {
    const message = `the database does not let this user in (${said}): check user, password and authSource`;
    return new AuthenticationError(message, fields('MONGODB_LOGIN'));
  }
  if (code === 13) {
    const message = `the database does not allow it (${said}): grant this user the role read on the database`;
    return new PermissionError(message, fields('MONGODB_REFUSED'));
  }
  if (code === 26) {
    return new NotFoundError(`there is no such collection (${said}): check its name`, fields('MONGODB_MISSING'));
  }
  if (code === 40_573) {
    return noReplicaSet(sourceId, error);
  }
  if (code === 50) {
    const message = `what was asked took too long (${said}): see what validate() says of an index, or raise maxTimeMs`;
    return new FatalError(message, fields('MONGODB_TIMEOUT'));
  }
  return byKind(error, said, fields);
}

/** Only members of a replica set keep the history that change streams are read from. */
export function noReplicaSet(sourceId: string, cause?: unknown): FatalError {
  const message = "this server is alone, and has no change streams: make it a replica set, or use mode: 'polling'";
  return new FatalError(message, { code: 'MONGODB_NO_REPLICA_SET', sourceId, cause });
}

function byKind(error: unknown, said: string, fields: (code: string) => { code: string; cause: unknown }): unknown {
  const failure = error as ServerFailure;
  const name = String(failure.name);
  if (/^Mongo(Network|ServerSelection|NotConnected|PoolCleared|TopologyClosed|NetworkTimeout|WaitQueue)/.test(name)) {
    const message = `the database cannot be reached (${said}): check that it runs, and where`;
    return new ConnectionError(message, fields('MONGODB_CONNECTION'));
  }
  const isPassing = typeof failure.code === 'number' && PASSING.has(failure.code);
  const isLabelled = ['ResumableChangeStreamError', 'RetryableReadError', 'TransientTransactionError'].some(
    (label) => failure.hasErrorLabel?.(label) === true,
  );
  if (isPassing || isLabelled) {
    return new RetryableError(
      `the database is busy with itself (${said}): it is worth another try`,
      fields('MONGODB_BUSY'),
    );
  }
  if (/^Mongo(Parse|InvalidArgument|API)Error/.test(name)) {
    return configError(undefined, 'MONGODB_CONFIG', `the driver does not take the configuration (${said})`);
  }
  return new FatalError(`the database refused what was asked (${said})`, fields('MONGODB_STATEMENT'));
}

/** One thing that is wrong with the configuration, found out when the database was asked. */
export function configError(sourceId: string | undefined, code: string, message: string, fix?: string): ConfigError {
  return new ConfigError([{ severity: 'error', code, message, ...(fix !== undefined && { fix }) }], { code, sourceId });
}
