import type { Clock } from './clock.js';
import type { SourceStats, SourceStatus } from './status.js';

/** An iteration that counts for itself and brings the counters up to date when somebody looks. */
export interface ActivityObserver {
  count(): void;
  /** Whether the consumer has something in hand and did not ask for more. */
  isConsumerBusy(): boolean;
}

type Counter = 'events' | 'batches' | 'acknowledged' | 'bytes' | 'requests' | 'retries' | 'gaps';

/** Counters and status of one source. */
export class SourceActivity {
  readonly #clock: Clock;
  readonly #dropped: Record<string, number> = Object.create(null);
  #status: SourceStatus = { state: 'idle' };
  #startedAt: number | undefined;
  #lastEventAt: number | undefined;
  #observer: ActivityObserver | undefined;
  lagMs: number | undefined;
  events = 0;
  batches = 0;
  acknowledged = 0;
  bytes = 0;
  requests = 0;
  retries = 0;
  gaps = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count(counter: Counter, by = 1): void {
    this[counter] += by;
  }

  drop(reason: string, by = 1): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + by;
  }

  set status(status: SourceStatus) {
    this.#status = status;
  }

  get status(): SourceStatus {
    const { state } = this.#status;
    const isRunning = state !== 'closed' && state !== 'failed';
    if (!isRunning || this.#lastEventAt === undefined || this.#observer?.isConsumerBusy() !== true) return this.#status;
    return { state: 'blocked-by-consumer', since: new Date(this.#lastEventAt) };
  }

  started(observer: ActivityObserver): void {
    this.#startedAt ??= this.#clock.now();
    this.#observer = observer;
    this.status = { state: 'reading' };
  }

  ended(observer: ActivityObserver): void {
    observer.count();
    if (this.#observer === observer) this.#observer = undefined;
  }

  /** Something was read; a source that was idle is no longer. */
  received(): void {
    this.#lastEventAt = this.#clock.now();
    if (this.#status.state !== 'reading') this.#status = { state: 'reading' };
  }

  stats(): SourceStats {
    this.#observer?.count();
    return {
      events: this.events,
      batches: this.batches,
      acknowledged: this.acknowledged,
      bytes: this.bytes,
      requests: this.requests,
      retries: this.retries,
      gaps: this.gaps,
      dropped: { ...this.#dropped },
      startedAt: this.#startedAt === undefined ? undefined : new Date(this.#startedAt),
      lastEventAt: this.#lastEventAt === undefined ? undefined : new Date(this.#lastEventAt),
      lagMs: this.lagMs,
    };
  }
}
