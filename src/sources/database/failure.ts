import {
  AuthenticationError,
  ConfigError,
  ConnectionError,
  CursorError,
  FatalError,
  HeadwaterError,
  NotFoundError,
  PermissionError,
  RetryableError,
} from '../../core/errors.js';
import { redactText } from '../../core/secret.js';
import { messageOf } from '../../core/thrown.js';
import { failureCode, failureKind } from '../../toolkit/sql/failure.js';

/** What the database's error means for who reads. */
export function toReadFailure(error: unknown, sourceId: string): unknown {
  if (HeadwaterError.isInstance(error)) return error;
  const code = failureCode(error) ?? '';
  const said = redactText(messageOf(error));
  const fields = (name: string) => ({ code: name, sourceId, cause: error });
  if (
    /^(28|ER_ACCESS_DENIED_ERROR|ER_DBACCESS_DENIED_ERROR|ER_ACCOUNT)/.test(code) ||
    /SASL|password must be/i.test(said)
  ) {
    return new AuthenticationError(
      `the database does not let this user in (${said}): check user and password`,
      fields('DATABASE_LOGIN'),
    );
  }
  if (
    /^(42P01|42703|3D000|3F000|ER_NO_SUCH_TABLE|ER_BAD_FIELD_ERROR|ER_BAD_DB_ERROR)/.test(code) ||
    NO_SUCH.test(said)
  ) {
    return new NotFoundError(
      `the database has no such thing (${said}): check table, columns and query`,
      fields('DATABASE_MISSING'),
    );
  }
  if (/^(42883|42804|42846|22P02|2200[37])/.test(code)) {
    const message = `a column has another type than it had (${said}): start without a cursor to read everything again`;
    return new CursorError(message, fields('DATABASE_TYPE_CHANGED'));
  }
  if (/^(57014|ER_QUERY_INTERRUPTED)/.test(code) || isTimeout(error)) {
    const message = `a statement took too long (${said}): see what validate() says of an index, or raise statementTimeoutMs`;
    return new FatalError(message, fields('DATABASE_TIMEOUT'));
  }
  return byKind(error, said, fields);
}

/** MariaDB's number, for which the driver has no name, and MySQL's. */
function isTimeout(error: unknown): boolean {
  return [1969, 3024].includes((error as { errno?: number }).errno ?? 0);
}

const NO_SUCH = /^(no such (table|column)|unable to open database)/i;

function byKind(error: unknown, said: string, fields: (code: string) => { code: string; cause: unknown }): unknown {
  switch (failureKind(error)) {
    case 'refused':
      return new PermissionError(
        `the database does not allow it (${said}): grant this user SELECT on what is read`,
        fields('DATABASE_REFUSED'),
      );
    case 'busy':
      return new RetryableError(
        `the database was busy with others (${said}): it is worth another try`,
        fields('DATABASE_BUSY'),
      );
    case 'lost':
    case 'full':
      return new ConnectionError(
        `the database cannot be reached (${said}): check that it runs, and where`,
        fields('DATABASE_CONNECTION'),
      );
    default:
      return new FatalError(`the database refused a statement (${said})`, fields('DATABASE_STATEMENT'));
  }
}

/** One thing that is wrong with the configuration, found out when the database was asked. */
export function configError(sourceId: string, code: string, message: string, fix?: string): ConfigError {
  return new ConfigError([{ severity: 'error', code, message, ...(fix !== undefined && { fix }) }], { code, sourceId });
}
