import type { Clock } from '../core/clock.js';
import { ConfigError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { toError } from '../core/thrown.js';
import { ingest } from '../pipeline/ingest.js';
import type { IngestReport } from '../pipeline/ingest-options.js';
import { delayBefore, isWorthRetrying, type RetryPolicy } from '../toolkit/retry.js';
import type { AnyIngestOptions, AnyManagedSource, AnySource, ManagedStatus } from './managed-source.js';

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly restart: RetryPolicy;
  readonly stopGraceMs: number;
  onStatus(status: ManagedStatus): void;
}

/** From a start to the stop, with all restarts in between. */
interface Run {
  /** Fires first: no more is taken in, and nothing is started again. */
  readonly leave: AbortController;
  /** Fires when that took too long. */
  readonly giveUp: AbortController;
  ended: Promise<void>;
}

/** Looks after one source: makes it, runs it, makes it again after a failure that may pass, and lets go of it. */
export class Supervisor {
  readonly #managed: AnyManagedSource;
  readonly #options: SupervisorOptions;
  #state: ManagedStatus['state'] = 'stopped';
  #isEnabled: boolean;
  #run: Run | undefined;
  #source: AnySource | undefined;
  #report: IngestReport | undefined;
  #error: Error | undefined;
  #failures = 0;
  #restartAt: Date | undefined;

  constructor(managed: AnyManagedSource, options: SupervisorOptions) {
    this.#managed = managed;
    this.#options = options;
    this.#isEnabled = managed.enabled ?? true;
    if (!this.#isEnabled) this.#state = 'disabled';
  }

  status(): ManagedStatus {
    return {
      id: this.#managed.id,
      state: this.#state,
      source: this.#source?.getStatus(),
      report: this.#report,
      error: this.#error,
      failures: this.#failures,
      restartAt: this.#restartAt,
    };
  }

  /** Resolves when it neither runs nor waits to be started again. */
  async ended(): Promise<void> {
    await this.#run?.ended;
  }

  /** Without effect while it runs. One that is being stopped is started when that is over. */
  async start(): Promise<void> {
    while (this.#run?.leave.signal.aborted === true) await this.#run.ended;
    if (this.#run !== undefined || !this.#isEnabled) return;
    const run: Run = { leave: new AbortController(), giveUp: new AbortController(), ended: Promise.resolve() };
    this.#run = run;
    this.#failures = 0;
    this.#error = undefined;
    run.ended = this.#supervise(run).finally(() => {
      this.#run = undefined;
    });
  }

  /** What is in the sink is still stored and saved, within the grace; after it the run is given up. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    if (!run.leave.signal.aborted) {
      this.#become('stopping');
      run.leave.abort();
      void this.#close(this.#source);
    }
    const patience = new AbortController();
    const { clock, stopGraceMs } = this.#options;
    const late = clock.sleep(stopGraceMs, patience.signal).then(
      () => run.giveUp.abort(new DOMException('the source was stopped', 'AbortError')),
      () => {},
    );
    await Promise.race([run.ended, late]);
    patience.abort();
    await run.ended;
  }

  async enable(): Promise<void> {
    this.#isEnabled = true;
    if (this.#state === 'disabled') this.#become('stopped');
  }

  async disable(): Promise<void> {
    this.#isEnabled = false;
    await this.stop();
    this.#become('disabled');
  }

  /** Never rejects: what goes wrong is the state of this source, and touches no other. */
  async #supervise(run: Run): Promise<void> {
    for (;;) {
      const failure = await this.#runOnce(run);
      if (run.leave.signal.aborted) return this.#become('stopped');
      if (failure === undefined) return this.#become('completed');
      this.#error = failure.error;
      this.#failures += 1;
      if (!(await this.#mayRestart(run, failure.error))) return;
    }
  }

  async #runOnce(run: Run): Promise<{ error: Error } | undefined> {
    const { create, id, enabled: _, ...options } = this.#managed;
    let source: AnySource | undefined;
    try {
      this.#become('starting');
      source = await this.#create(run);
      if (source === undefined || run.leave.signal.aborted) return undefined;
      if (source.id !== id) throw wrongId(id, source.id);
      this.#source = source;
      this.#become('running');
      this.#report = await ingest(this.#ingestOptions(options, source, run));
      return undefined;
    } catch (error) {
      this.#report = (error as { report?: IngestReport }).report ?? this.#report;
      return { error: toError(error) };
    } finally {
      await this.#close(source);
      this.#source = undefined;
    }
  }

  /** undefined when the run was given up meanwhile; what comes later is closed. */
  async #create(run: Run): Promise<AnySource | undefined> {
    const creating = Promise.resolve().then(() => this.#managed.create());
    const { signal } = run.giveUp;
    const givenUp = new Promise<undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const source = await Promise.race([creating, givenUp]);
    if (source === undefined) void creating.then((late) => this.#close(late)).catch(() => {});
    return source;
  }

  #ingestOptions(options: Partial<AnyIngestOptions>, source: AnySource, run: Run): AnyIngestOptions {
    return {
      follow: true,
      ...(options as Pick<AnyIngestOptions, 'sink'>),
      source,
      signal: run.giveUp.signal,
      onProgress: (progress) => {
        this.#report = progress;
        this.#failures = 0;
        return options.onProgress?.(progress);
      },
    };
  }

  /** Waits, where the failure may pass; false where it does not, or the wait was ended. */
  async #mayRestart(run: Run, error: Error): Promise<boolean> {
    const { restart, clock, logger } = this.#options;
    const { id: sourceId } = this.#managed;
    if (!isWorthRetrying(error) || this.#failures > restart.retries) {
      logger.error({ error, sourceId, failures: this.#failures }, 'a source failed and is not started again');
      this.#become('failed');
      return false;
    }
    const delayMs = delayBefore(this.#failures, error, restart);
    logger.warn({ error, sourceId, failures: this.#failures, delayMs }, 'a source failed and is started again');
    this.#restartAt = new Date(clock.now() + delayMs);
    this.#become('waiting');
    const isOver = await clock.sleep(delayMs, run.leave.signal).then(
      () => true,
      () => false,
    );
    this.#restartAt = undefined;
    if (!isOver) this.#become('stopped');
    return isOver;
  }

  async #close(source: AnySource | undefined): Promise<void> {
    try {
      await source?.close();
    } catch (error) {
      this.#options.logger.warn({ error, sourceId: this.#managed.id }, 'a source could not be closed');
    }
  }

  #become(state: ManagedStatus['state']): void {
    this.#state = state;
    try {
      this.#options.onStatus(this.status());
    } catch (error) {
      this.#options.logger.warn({ error, sourceId: this.#managed.id }, 'onStatus failed');
    }
  }
}

function wrongId(expected: string, found: string): ConfigError {
  const message = `create() of "${expected}" made the source "${found}"`;
  return new ConfigError([{ severity: 'error', code: 'MANAGED_ID', message, fix: 'give both the same id' }]);
}
