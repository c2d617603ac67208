import { randomBytes } from 'node:crypto';
import { Secret } from '../../core/secret.js';
import { orAborted } from '../../toolkit/or-aborted.js';
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
  read<Result>(signal: AbortSignal, work: (session: Session) => Promise<Result>): Promise<Result> {
    return this.#orAborted(signal, () => this.#read(signal, work));
  }

  /**
   * One statement without a transaction, for what is asked often and mostly answers that nothing is new. Cancelled as the
   * others are, and when it takes longer than `statementTimeoutMs`; what a session sets does not hold for it.
   */
  ask(signal: AbortSignal, text: string, parameters: readonly unknown[]): Promise<Row | undefined> {
    return this.#orAborted(signal, async () => {
      const kysely = await this.#connected();
      const mark = newMark();
      const cancelling = this.#cancelling(signal, () =>
        this.engine.cancel?.(this.#runner(kysely, ''), undefined, mark),
      );
      const timer = setTimeout(cancelling.begin, this.#options.config.statementTimeoutMs);
      try {
        const [row] = await this.#runner(kysely, ` /* ${mark} */`)(text, parameters);
        return row;
      } finally {
        clearTimeout(timer);
        await cancelling.end();
      }
    });
  }

  async #orAborted<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    const whole = work().catch((error: unknown) => {
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
    if (this.address === undefined) return;
    const kysely = await this.#kysely?.catch(() => undefined);
    this.#kysely = undefined;
    await kysely?.destroy();
  }

  async #open(): Promise<Kysely<unknown>> {
    const { CompiledQuery } = await importKysely();
    this.#raw = CompiledQuery.raw;
    // Whatever its tables are: only plain statements are run.
    if (this.address === undefined) return this.#database as unknown as Kysely<unknown>;
    return connect(this.#options.sourceId, this.address);
  }

  #connected(): Promise<Kysely<unknown>> {
    this.#kysely ??= this.#open();
    return this.#kysely.catch((error: unknown) => {
      this.#kysely = undefined;
      throw error;
    });
  }

  async #read<Result>(signal: AbortSignal, work: (session: Session) => Promise<Result>): Promise<Result> {
    const kysely = await this.#connected();
    return kysely.connection().execute(async (connection) => {
      signal.throwIfAborted();
      const mark = newMark();
      const session = await this.#begin(this.#runner(connection, ` /* ${mark} */`));
      const { connection: of } = session;
      const cancelling = this.#cancelling(signal, () =>
        of === undefined ? undefined : this.engine.cancel?.(this.#runner(kysely, ''), of, mark),
      );
      let committed = false;
      try {
        const result = await work(session);
        committed = true;
        return result;
      } finally {
        await cancelling.end();
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

  /** Cancels when the signal fires, or before; `end` stops the listening, and waits for what may have begun. */
  #cancelling(signal: AbortSignal, cancel: () => Promise<void> | undefined): Cancelling {
    let cancelling: Promise<void> | undefined;
    const begin = (): void => {
      cancelling ??= cancel()?.catch(() => {});
    };
    signal.addEventListener('abort', begin, { once: true });
    const end = async (): Promise<void> => {
      signal.removeEventListener('abort', begin);
      if (cancelling !== undefined) await withinMs(cancelling, CANCEL_MS);
    };
    return { begin, end };
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

interface Cancelling {
  begin(): void;
  end(): Promise<void>;
}

function newMark(): string {
  return `headwater:${randomBytes(6).toString('hex')}`;
}

function toAddress(url: string, credentials: DatabaseCredentials | undefined): Address {
  if (credentials === undefined || 'url' in credentials) return { url };
  const { user, password } = credentials;
  return { url, user, ...(password !== undefined && { password: new Secret(password) }) };
}

async function withinMs(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
