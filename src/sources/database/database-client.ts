import { randomBytes } from 'node:crypto';
import { Secret } from '../../core/secret.js';
import { type Address, type CompiledQuery, connect, dialectOf, importKysely, type Kysely, whereIs } from './client.js';
import type { DatabaseConfig, DatabaseCredentials, KyselyInstance } from './config.js';
import type { Engine, Row, Run, Session } from './engine/engine.js';
import { mysql } from './engine/mysql.js';
import { postgres } from './engine/postgres.js';
import { sqlite } from './engine/sqlite.js';
import { toReadFailure } from './failure.js';

const engines = { postgres, mysql, sqlite };

/** How long a connection is kept from its pool so that what was meant to cancel us cannot hit the next who has it. */
const CANCEL_MS = 1_000;

export interface ClientOptions {
  readonly sourceId: string;
  readonly config: DatabaseConfig;
  readonly credentials: DatabaseCredentials | undefined;
  readonly onStatement: () => void;
}

/**
 * The host's database as this source sees it: read-only transactions, one connection each, given back whatever happens.
 */
export class DatabaseClient {
  readonly engine: Engine;
  /** Undefined where the host passed its own Kysely. */
  readonly address: Address | undefined;
  readonly #options: ClientOptions;
  readonly #database: string | KyselyInstance;
  #kysely: Promise<Kysely<unknown>> | undefined;
  #raw: typeof CompiledQuery.raw | undefined;
  readonly #running = new Set<Promise<unknown>>();

  /** Connects nowhere yet. @throws ConfigError when it is not known where the database is */
  constructor(options: ClientOptions) {
    const { sourceId, config, credentials } = options;
    this.#options = options;
    this.#database = whereIs(sourceId, config, credentials);
    this.engine = engines[dialectOf(this.#database)];
    this.address = typeof this.#database === 'string' ? toAddress(this.#database, credentials) : undefined;
  }

  /**
   * One transaction that reads, on one connection. When the signal fires it rejects at once, and the server is told to
   * stop; the connection goes back to its pool when it has.
   */
  async read<Result>(signal: AbortSignal, work: (session: Session) => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    const whole = this.#read(signal, work).catch((error: unknown) => {
      signal.throwIfAborted();
      throw toReadFailure(error, this.#options.sourceId);
    });
    this.#running.add(whole);
    const done = (): void => void this.#running.delete(whole);
    whole.then(done, done);
    return orAborted(whole, signal);
  }

  /** Waits until every connection is back, and ends those that are our own. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    const kysely = await this.#kysely?.catch(() => undefined);
    this.#kysely = undefined;
    if (this.address !== undefined) await kysely?.destroy();
  }

  async #open(): Promise<Kysely<unknown>> {
    const { CompiledQuery } = await importKysely();
    this.#raw = CompiledQuery.raw;
    // Whatever its tables are: only plain statements are run.
    if (this.address === undefined) return this.#database as unknown as Kysely<unknown>;
    return connect(this.#options.sourceId, this.address);
  }

  async #read<Result>(signal: AbortSignal, work: (session: Session) => Promise<Result>): Promise<Result> {
    this.#kysely ??= this.#open();
    const kysely = await this.#kysely.catch((error: unknown) => {
      this.#kysely = undefined;
      throw error;
    });
    return kysely.connection().execute(async (connection) => {
      signal.throwIfAborted();
      const mark = `headwater:${randomBytes(6).toString('hex')}`;
      const session = await this.#begin(this.#runner(connection, ` /* ${mark} */`));
      const cancelling = this.#cancelOn(signal, kysely, session, mark);
      let committed = false;
      try {
        const result = await work(session);
        committed = true;
        return result;
      } finally {
        await cancelling();
        await this.#end(session, committed);
      }
    });
  }

  #begin(run: Run): Promise<Session> {
    const { statementTimeoutMs } = this.#options.config;
    return this.engine.open(run, { statementTimeoutMs });
  }

  /** What was cancelled too late may still hit the first statement after it. */
  async #end(session: Session, committed: boolean): Promise<void> {
    try {
      await session.end(committed);
    } catch (error) {
      if (!committed) await session.end(false).catch(() => {});
      else throw error;
    }
  }

  /** Gives a function that ends the listening, and waits for what it may have begun. */
  #cancelOn(signal: AbortSignal, kysely: Kysely<unknown>, session: Session, mark: string): () => Promise<void> {
    const { cancel } = this.engine;
    const { connection } = session;
    let cancelling: Promise<void> | undefined;
    const onAbort = (): void => {
      if (cancel === undefined || connection === undefined) return;
      cancelling = cancel(this.#runner(kysely, ''), connection, mark).catch(() => {});
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return async () => {
      signal.removeEventListener('abort', onAbort);
      if (cancelling !== undefined) await withinMs(cancelling, CANCEL_MS);
    };
  }

  #runner(kysely: Kysely<unknown>, mark: string): Run {
    const raw = this.#raw as typeof CompiledQuery.raw;
    return async (text, parameters = []) => {
      this.#options.onStatement();
      const { rows } = await kysely.executeQuery<Row>(raw(text + mark, parameters as unknown[]));
      return rows;
    };
  }
}

function toAddress(url: string, credentials: DatabaseCredentials | undefined): Address {
  if (credentials === undefined || 'url' in credentials) return { url };
  const { user, password } = credentials;
  return { url, user, ...(password !== undefined && { password: new Secret(password) }) };
}

async function orAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  aborted.catch(() => {});
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
    promise.catch(() => {});
  }
}

async function withinMs(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
