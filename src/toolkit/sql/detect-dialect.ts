import type { Kysely } from 'kysely';
import { ConfigError } from '../../core/errors.js';
import type { DialectName } from './dialect.js';

/**
 * By what each adapter of Kysely says it can do, which also holds for a second copy of Kysely.
 *
 * @throws ConfigError 'SQL_DIALECT'
 */
export function detectDialect(kysely: Kysely<unknown>): DialectName {
  const { supportsReturning, supportsTransactionalDdl } = kysely.getExecutor().adapter;
  const isSqlServer = 'supportsOutput' in kysely.getExecutor().adapter && kysely.getExecutor().adapter.supportsOutput;
  if (isSqlServer !== true) {
    if (!supportsReturning && !supportsTransactionalDdl) return 'mysql';
    if (supportsReturning) return supportsTransactionalDdl ? 'postgres' : 'sqlite';
  }
  const message = 'this Kysely speaks a dialect that is not supported: SQLite, PostgreSQL and MySQL/MariaDB are';
  throw new ConfigError([
    { severity: 'error', code: 'SQL_DIALECT', message, fix: "if it is one of them, say so: { dialect: 'postgres' }" },
  ]);
}
