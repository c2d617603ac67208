import { ConnectionError, HeadwaterError, PermissionError, RetryableError } from '../../core/errors.js';
import { messageOf } from '../../core/thrown.js';

/** What went wrong, as far as it is no fault of the data. */
export type SqlFailureKind = 'full' | 'refused' | 'busy' | 'lost';

/** Undefined for everything else. */
export function failureKind(error: unknown): SqlFailureKind | undefined {
  const code = failureCode(error);
  if (code === undefined) return undefined;
  if (isFull(code)) return 'full';
  if (isRefusal(code)) return 'refused';
  if (isContention(code)) return 'busy';
  return isLost(code) ? 'lost' : undefined;
}

/**
 * What the database's own error means for the caller. An outage becomes an error of ours that says what to do; what is
 * the fault of the data stays as it is, so that the pipeline can find the row. For sinks that write through the host's own
 * queries: what is thrown so is waited for, not put aside.
 *
 * ```ts
 * const sink = (batch) => db.transaction().execute(store(batch)).catch((error) => { throw toSqlFailure(error); });
 * ```
 */
export function toSqlFailure(error: unknown): unknown {
  if (HeadwaterError.isInstance(error)) return error;
  const kind = failureKind(error);
  const text = messageOf(error);
  switch (kind) {
    case 'full': {
      const message = `the database has no room left (${text}): nothing was stored; make room, then it goes on`;
      return new RetryableError(message, { code: 'SQL_FULL', cause: error });
    }
    case 'refused': {
      const message = `the database does not let us write (${text}): nothing was stored; check that it is not read-only and what its user may do`;
      return new PermissionError(message, { code: 'SQL_REFUSED', cause: error });
    }
    case 'busy': {
      const message = `the database was busy with others (${text}): nothing was stored; it is worth another try`;
      return new RetryableError(message, { code: 'SQL_BUSY', cause: error });
    }
    case 'lost': {
      const message = `the connection to the database was lost (${text}): what was not committed is undone; check that it runs`;
      return new ConnectionError(message, { code: 'SQL_CONNECTION', cause: error });
    }
    default:
      return error;
  }
}

/**
 * SQLSTATE of PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html), names of MySQL's errors
 * (https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html), result codes of SQLite
 * (https://www.sqlite.org/rescode.html), and what Node says of sockets.
 */
export function failureCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errcode, message } = error as { code?: unknown; errcode?: unknown; message?: unknown };
  // node:sqlite has one code for everything, and the result code beside it.
  if (code === 'ERR_SQLITE_ERROR') return SQLITE_CODES.get(Number(errcode) & 0xff);
  if (typeof code === 'string') return code;
  // What pg throws for a connection that ended under a query has no code.
  return typeof message === 'string' &&
    /^Connection terminated|connection is closed|client was closed|connection error and is not queryable/i.test(message)
    ? 'ECONNRESET'
    : undefined;
}

const SQLITE_CODES = new Map([
  [5, 'SQLITE_BUSY'],
  [6, 'SQLITE_LOCKED'],
  [8, 'SQLITE_READONLY'],
  [10, 'SQLITE_IOERR'],
  [13, 'SQLITE_FULL'],
  [14, 'SQLITE_CANTOPEN'],
]);

function isFull(code: string): boolean {
  return /^(SQLITE_FULL|53100|ER_DISK_FULL|ER_RECORD_FILE_FULL)/.test(code);
}

function isRefusal(code: string): boolean {
  return /^(SQLITE_READONLY|SQLITE_CANTOPEN|SQLITE_AUTH|25006|42501|28|ER_OPTION_PREVENTS_STATEMENT|ER_READ_ONLY_MODE|ER_OPEN_AS_READONLY|ER_CANT_EXECUTE_IN_READ_ONLY|ER_\w*ACCESS_DENIED)/.test(
    code,
  );
}

function isContention(code: string): boolean {
  return /^(SQLITE_BUSY|SQLITE_LOCKED|40|55P03|ER_LOCK_WAIT_TIMEOUT|ER_LOCK_DEADLOCK|ER_CHECKREAD)/.test(code);
}

function isLost(code: string): boolean {
  return /^(SQLITE_IOERR|08|57P|53300|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|PROTOCOL_|ER_CON_COUNT|ER_SERVER_SHUTDOWN|ER_CONNECTION_KILLED|ER_QUERY_INTERRUPTED)/.test(
    code,
  );
}
