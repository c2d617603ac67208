import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import { systemClock } from '../../core/clock.js';
import { ConfigError, RetryableError } from '../../core/errors.js';
import { detectDialect } from './detect-dialect.js';
import { type DialectName, dialects, type SqlDialect } from './dialect.js';
import { toSqlFailure } from './failure.js';
import { applyMigrations, type Migration } from './migrations.js';

/** How our tables are found in the host's database. */
export interface SqlOptions {
  /** Which SQL is spoken. Default: what the Kysely dialect tells. */
  dialect?: DialectName | undefined;
  /** Begins the name of each of our tables. Default `headwater_`. */
  tablePrefix?: string | undefined;
  /** PostgreSQL: the schema of our tables, which has to exist. Default: the first of the search path. */
  schema?: string | undefined;
}

export interface QueryAnswer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** How many rows were inserted, updated or deleted. */
  readonly changed: number;
}

/** Runs a statement, in a transaction or outside of one. */
export type RunQuery = (text: string, parameters?: readonly unknown[]) => Promise<QueryAnswer>;

/** How often a transaction of our own is tried that others got in the way of: nothing of a failed one is left. */
const ATTEMPTS = 8;
const CONTENTION_DELAY_MS = 5;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,47}$/;

/**
 * The host's database as our stores see it: plain statements through the host's own Kysely, in its transaction where it
 * gives one. Makes the tables that are missing before their first use.
 */
export class SqlDatabase {
  readonly dialect: SqlDialect;
  readonly #kysely: Kysely<unknown>;
  readonly #prefix: string;
  readonly #schema: string | undefined;
  readonly #migrations: readonly Migration[];
  #ready: Promise<void> | undefined;

  /** @throws ConfigError when the dialect is not one of ours, or a name is none. */
  constructor(kysely: Kysely<unknown>, migrations: readonly Migration[], options: SqlOptions = {}) {
    const { dialect, tablePrefix = 'headwater_', schema } = options;
    this.#kysely = kysely;
    this.#migrations = migrations;
    this.dialect = dialects[dialect ?? detectDialect(kysely)];
    this.#prefix = checkIdentifier('tablePrefix', tablePrefix);
    this.#schema = schema === undefined ? undefined : checkIdentifier('schema', schema);
  }

  /** The quoted name of a table of ours. */
  table(name: string): string {
    const { quote } = this.dialect;
    const table = quote(this.#prefix + name);
    return this.#schema === undefined ? table : `${quote(this.#schema)}.${table}`;
  }

  /** One statement by itself. */
  async run(text: string, parameters: readonly unknown[] = []): Promise<QueryAnswer> {
    await this.ready();
    return this.#runner(this.#kysely)(text, parameters);
  }

  /** Several statements in the host's open transaction, or else in one of our own. */
  async transaction<Result>(
    given: Transaction<unknown> | undefined,
    work: (run: RunQuery) => Promise<Result>,
  ): Promise<Result> {
    if (given !== undefined) {
      await this.#readyWithin(given);
      return work(this.#runner(given));
    }
    await this.ready();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#kysely.transaction().execute((own) => work(this.#runner(own)));
      } catch (error) {
        // The failure of BEGIN or COMMIT comes from Kysely itself.
        const failure = toSqlFailure(error);
        if (attempt === ATTEMPTS || !isContention(failure)) throw failure;
        await systemClock.sleep(attempt * CONTENTION_DELAY_MS);
      }
    }
  }

  /** Makes the tables that are missing. Called before anything else; may be called early, to fail early. */
  ready(): Promise<void> {
    this.#ready ??= this.#migrate(this.#runner(this.#kysely)).catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  /**
   * With a transaction open SQLite has no other connection to give, so the tables are made within it, and may vanish
   * with it. The others do it beside it: MySQL would commit the host's transaction at the first CREATE, and in
   * PostgreSQL it would not survive the question for a table that is not there.
   */
  async #readyWithin(transaction: Transaction<unknown>): Promise<void> {
    if (this.#ready !== undefined || this.dialect.name !== 'sqlite') await this.ready();
    else await this.#migrate(this.#runner(transaction));
  }

  #migrate(run: RunQuery): Promise<void> {
    return applyMigrations(run, this.#migrations, this.dialect, (name) => this.table(name));
  }

  #runner(kysely: Kysely<unknown>): RunQuery {
    return async (text, parameters = []) => {
      try {
        const answer = await kysely.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, [...parameters]));
        return { rows: answer.rows, changed: Number(answer.numAffectedRows ?? 0) };
      } catch (error) {
        throw toSqlFailure(error);
      }
    };
  }
}

function isContention(error: unknown): boolean {
  return RetryableError.isInstance(error) && error.code === 'SQL_BUSY';
}

function checkIdentifier(option: string, name: string): string {
  if (IDENTIFIER.test(name)) return name;
  const message = `${option} must be a plain name of letters, digits and underscores (48 at most), it is ${JSON.stringify(name)}`;
  throw new ConfigError([{ severity: 'error', code: 'SQL_IDENTIFIER', message }]);
}
