import type { Kysely } from 'kysely';
import { type Clock, systemClock } from '../../core/clock.js';
import { type Logger, silentLogger } from '../../core/logger.js';
import { redactText } from '../../core/secret.js';
import { messageOf } from '../../core/thrown.js';
import type { IngestReport } from '../../pipeline/ingest-options.js';
import { hashKey } from '../../toolkit/sql/key-hash.js';
import { SqlDatabase, type SqlOptions } from '../../toolkit/sql/sql-database.js';
import { runMigrations } from './migrations.js';

/** A run as it is stored: its last report, and what ended it. */
export interface StoredRun extends Omit<IngestReport, 'status'> {
  /** 'interrupted': its process ended without a word. */
  status: IngestReport['status'] | 'interrupted';
  error?: { name: string; code?: string; message: string } | undefined;
}

export interface KyselyRunStoreOptions extends SqlOptions {
  /** The least time between two reports of a run, in milliseconds. The last one is always stored. Default 1,000. */
  everyMs?: number | undefined;
  clock?: Clock | undefined;
  /** Is warned when progress cannot be stored; the run goes on. */
  logger?: Logger | undefined;
}

const LISTED = 100;

/**
 * The progress of runs in the host's database (`headwater_runs`), to be read from anywhere while they go on.
 *
 * ```ts
 * const runs = new KyselyRunStore(db);
 * await runs.markInterrupted({ except: [] });                       // at the start: what a crash left behind
 * await runs.track((onProgress) => ingest({ source, sink, cursorStore, onProgress }));
 * const [last] = await runs.list({ sourceId: source.id });          // also from another process
 * ```
 */
export class KyselyRunStore<DB> {
  readonly #database: SqlDatabase;
  readonly #insert: string;
  readonly #everyMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;

  /** @throws ConfigError 'SQL_DIALECT' or 'SQL_IDENTIFIER' */
  constructor(database: Kysely<DB>, options: KyselyRunStoreOptions = {}) {
    this.#database = new SqlDatabase(database as unknown as Kysely<unknown>, runMigrations, options);
    this.#everyMs = options.everyMs ?? 1_000;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#insert = this.#database.dialect.insertRows({
      table: this.#database.table('runs'),
      columns: ['run_key', 'source_key', 'status', 'started_at', 'run'],
      key: ['run_key'],
      whenThere: 'replace',
    });
  }

  /**
   * Runs and keeps its progress. The run never waits for that and does not fail by it; only the last report is waited
   * for. Resolves and rejects as the run does.
   */
  async track(run: (onProgress: (progress: IngestReport) => void) => Promise<IngestReport>): Promise<IngestReport> {
    const progress = new Progress(this, this.#everyMs, this.#clock, this.#logger);
    try {
      const report = await run(progress.note);
      await progress.finish(report);
      return report;
    } catch (error) {
      const { report } = error as { report?: IngestReport };
      if (report !== undefined) await progress.finish({ ...report, error: describe(error) });
      throw error;
    }
  }

  /** Stores what is known of a run, over what was known before. */
  async record(run: StoredRun): Promise<void> {
    const row = [hashKey(run.runId), hashKey(run.sourceId), run.status, run.startedAt, JSON.stringify(run)];
    await this.#database.run(this.#insert, [JSON.stringify([row])]);
  }

  async get(runId: string): Promise<StoredRun | undefined> {
    const { parameter } = this.#database.dialect;
    const text = `select run from ${this.#database.table('runs')} where run_key = ${parameter(1)}`;
    const { rows } = await this.#database.run(text, [hashKey(runId)]);
    return rows[0] === undefined ? undefined : toRun(rows[0]);
  }

  /** The newest first; 100 unless a limit is given. */
  async list(
    filter: {
      sourceId?: string | undefined;
      status?: StoredRun['status'] | undefined;
      limit?: number | undefined;
    } = {},
  ): Promise<StoredRun[]> {
    const conditions: string[] = [];
    const values: unknown[] = [];
    const where = (column: string, value: string | undefined): void => {
      if (value === undefined) return;
      values.push(value);
      conditions.push(`${column} = ${this.#database.dialect.parameter(values.length)}`);
    };
    where('source_key', filter.sourceId === undefined ? undefined : hashKey(filter.sourceId));
    where('status', filter.status);
    const condition = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
    const limit = Math.max(0, Math.trunc(filter.limit ?? LISTED));
    const order = `order by started_at desc, run_key limit ${limit}`;
    const { rows } = await this.#database.run(
      `select run from ${this.#database.table('runs')}${condition} ${order}`,
      values,
    );
    return rows.map(toRun);
  }

  /**
   * Marks what is still `running` as `interrupted`: at the start of the one process that makes runs, nothing can be.
   * `except`: runs that do go on, in another process. Gives those it marked.
   */
  async markInterrupted(options: { except?: readonly string[] | undefined } = {}): Promise<StoredRun[]> {
    const running = await this.list({ status: 'running', limit: Number.MAX_SAFE_INTEGER });
    const left = running.filter(({ runId }) => options.except?.includes(runId) !== true);
    const finishedAt = new Date(this.#clock.now()).toISOString();
    const marked = left.map((run): StoredRun => ({ ...run, status: 'interrupted', finishedAt }));
    for (const run of marked) await this.record(run);
    return marked;
  }
}

/** At most one report on its way, and the newest one after it. */
class Progress {
  readonly #store: { record(run: StoredRun): Promise<void> };
  readonly #everyMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(store: { record(run: StoredRun): Promise<void> }, everyMs: number, clock: Clock, logger: Logger) {
    this.#store = store;
    this.#everyMs = everyMs;
    this.#clock = clock;
    this.#logger = logger;
  }

  readonly note = (report: IngestReport): void => {
    const now = this.#clock.now();
    if (this.#isWriting || now - this.#writtenAt < this.#everyMs) return;
    this.#writtenAt = now;
    this.#isWriting = true;
    this.#writing = this.#write(report).finally(() => {
      this.#isWriting = false;
    });
  };

  async finish(last: StoredRun): Promise<void> {
    await this.#writing;
    await this.#write(last);
  }

  async #write(run: StoredRun): Promise<void> {
    try {
      await this.#store.record(run);
    } catch (error) {
      const { runId, sourceId } = run;
      this.#logger.warn({ runId, sourceId, error: messageOf(error) }, 'the progress of a run could not be stored');
    }
  }
}

function describe(error: unknown): StoredRun['error'] {
  const { name = 'Error', code } = error as { name?: string; code?: unknown };
  return { name, ...(typeof code === 'string' && { code }), message: redactText(messageOf(error)) };
}

function toRun(row: Readonly<Record<string, unknown>>): StoredRun {
  return JSON.parse(String(row['run'])) as StoredRun;
}
