import { type Clock, systemClock } from '../core/clock.js';
import { ConfigError } from '../core/errors.js';
import type { SourceEvent } from '../core/event.js';
import { silentLogger } from '../core/logger.js';
import { nearest } from '../core/nearest.js';
import type { RetryPolicy } from '../toolkit/retry.js';
import type { AnyIngestOptions, ManagedSource, ManagedStatus, NotManaged } from './managed-source.js';
import { Supervisor } from './supervisor.js';

export interface SourceManagerOptions extends Partial<Omit<AnyIngestOptions, NotManaged | 'transform' | 'schema'>> {
  /**
   * When a source that failed is made and run again: after an error that may pass, later each time. Default: for ever,
   * after about 1 s, 2 s, 4 s … 5 min. A batch that goes through begins the count anew.
   */
  restart?: Partial<RetryPolicy> | undefined;
  /** How long `stop` lets a source end by itself, in milliseconds, before its run is given up. Default 10,000. */
  stopGraceMs?: number | undefined;
  /** Called with every change of state. */
  onStatus?: ((status: ManagedStatus) => void) | undefined;
  clock?: Clock | undefined;
}

const RESTART: RetryPolicy = { retries: Number.POSITIVE_INFINITY, minDelayMs: 1_000, maxDelayMs: 300_000, factor: 2 };
const STOP_GRACE_MS = 10_000;

/**
 * Runs many sources side by side, one `ingest` each. One that fails is started again, later each time; none touches
 * another.
 *
 * ```ts
 * import { SourceManager } from 'headwater/manager';
 *
 * const manager = new SourceManager({ sink: router, cursorStore });
 * manager.add({ id: 'history', create: () => factory.create('git', { id: 'history', config: { dir: '.' } }) });
 * await manager.start();
 * console.log(manager.status());
 * await manager.stop();                // what is in the sink is stored and saved, everything is closed
 * ```
 *
 * What is given to the manager (`sink`, `cursorStore`, `retry`, …) holds for every source that does not say otherwise.
 */
export class SourceManager implements AsyncDisposable {
  readonly #options: SourceManagerOptions;
  readonly #supervisors = new Map<string, Supervisor>();
  #isStarted = false;

  constructor(options: SourceManagerOptions = {}) {
    this.#options = options;
  }

  /**
   * Takes a source in; it is started with the others, or at once where they run already.
   * @throws ConfigError 'MANAGED_TWICE' when the id is taken, 'MANAGED_WITHOUT_SINK' when nobody named a sink
   */
  add<Event extends SourceEvent, Cursor, Output = Event, Transaction = never>(
    managed: ManagedSource<Event, Cursor, Output, Transaction>,
  ): this {
    const { restart, stopGraceMs = STOP_GRACE_MS, onStatus, clock = systemClock, ...shared } = this.#options;
    const { id } = managed;
    if (this.#supervisors.has(id)) throw refused('MANAGED_TWICE', `there is a source "${id}" already`);
    const sink = managed.sink ?? shared.sink;
    if (sink === undefined) {
      throw refused(
        'MANAGED_WITHOUT_SINK',
        `source "${id}" has no sink`,
        'give one to the source, or to the manager for all',
      );
    }
    const supervisor = new Supervisor(
      { ...shared, ...managed, sink },
      {
        clock,
        logger: managed.logger ?? shared.logger ?? silentLogger,
        restart: { ...RESTART, ...restart },
        stopGraceMs,
        onStatus: (status) => onStatus?.(status),
      },
    );
    this.#supervisors.set(id, supervisor);
    if (this.#isStarted) void supervisor.start();
    return this;
  }

  /** Stops a source and forgets it. */
  async remove(id: string): Promise<void> {
    await this.#find(id).disable();
    this.#supervisors.delete(id);
  }

  /** Starts all that are enabled, or one. Does not wait for them. One that failed for good begins anew. */
  async start(id?: string): Promise<void> {
    if (id === undefined) this.#isStarted = true;
    for (const supervisor of this.#chosen(id)) void supervisor.start();
  }

  /** Stops all, or one: resolves when they have ended and are closed. */
  async stop(id?: string): Promise<void> {
    if (id === undefined) this.#isStarted = false;
    await Promise.all(this.#chosen(id).map((supervisor) => supervisor.stop()));
  }

  /** Starts it too, where the others run. */
  async enable(id: string): Promise<void> {
    const supervisor = this.#find(id);
    await supervisor.enable();
    if (this.#isStarted) void supervisor.start();
  }

  /** Stops it, and leaves it out until it is enabled. */
  async disable(id: string): Promise<void> {
    await this.#find(id).disable();
  }

  /** Of all, in the order in which they were added. */
  status(): ManagedStatus[];
  /** Of one. */
  status(id: string): ManagedStatus;
  status(id?: string): ManagedStatus[] | ManagedStatus {
    if (id !== undefined) return this.#find(id).status();
    return this.#chosen(undefined).map((supervisor) => supervisor.status());
  }

  /** Resolves when none runs or waits to be started again: sources with `follow: false` come to an end. */
  async ended(): Promise<void> {
    await Promise.all(this.#chosen(undefined).map((supervisor) => supervisor.ended()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #chosen(id: string | undefined): Supervisor[] {
    return id === undefined ? [...this.#supervisors.values()] : [this.#find(id)];
  }

  #find(id: string): Supervisor {
    const found = this.#supervisors.get(id);
    if (found !== undefined) return found;
    const meant = nearest(id, this.#supervisors.keys());
    const fix = meant === undefined ? 'add it first' : `did you mean "${meant}"?`;
    throw refused('MANAGED_UNKNOWN', `there is no source "${id}"`, fix);
  }
}

function refused(code: string, message: string, fix?: string): ConfigError {
  return new ConfigError([{ severity: 'error', code, message, fix }], { code });
}
