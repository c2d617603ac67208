import type { Clock } from '../../core/clock.js';
import { RateLimitedError } from '../../core/errors.js';
import { Pace, type Rate } from './pace.js';
import { type RateReading, untilReset } from './rate-headers.js';
import { LONGEST_WAIT_MS } from './retry-after.js';

export interface BudgetLimits {
  /** Requests under way at once. Default 8. */
  concurrency?: number | undefined;
  /** Requests begun within `intervalMs`, at most. Default: as fast as they are answered. */
  rate?: Rate | undefined;
  /** Requests of upstream's limit that are left to the host's own calls with the same credentials. Default 0. */
  reserve?: number | undefined;
}

export interface EnterOptions {
  signal: AbortSignal;
  /** The higher goes first; first come, first served among equals. */
  priority: number;
  /** Rather an error than a wait that is longer, in milliseconds. */
  longestWaitMs: number;
  /** Told when it has to wait for a time, and again when that changes. Not told of waiting for others to finish. */
  onWait(until: Date): void;
}

interface Waiter extends EnterOptions {
  admit(): void;
  refuse(error: unknown): void;
  toldUntil: number;
}

const DEFAULT_CONCURRENCY = 8;
/** Resets of one window differ by this much, where upstream counts them from now. */
const SAME_WINDOW_MS = 5_000;

/** What all who use the same credentials at the same place may ask for, together. Each `enter` is followed by `leave`. */
export class Budget {
  readonly #clock: Clock;
  readonly #holders = new Map<object, BudgetLimits>();
  /** Highest priority first. */
  #waiting: Waiter[] = [];
  #inFlight = 0;
  #pausedUntil = 0;
  #window: { remaining: number; resetAt: number; until: number } | undefined;
  #pace: Pace | undefined;
  #alarm: { at: number; stop: AbortController } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The strictest limits of those who hold it apply to all. */
  hold(holder: object, limits: BudgetLimits): void {
    this.#holders.set(holder, limits);
  }

  release(holder: object): void {
    this.#holders.delete(holder);
  }

  /** Whether it is of no use to anybody any more. */
  get isForgettable(): boolean {
    const now = this.#clock.now();
    const isOpen = this.#pausedUntil <= now && (this.#window === undefined || this.#window.until <= now);
    return this.#holders.size === 0 && this.#inFlight === 0 && isOpen;
  }

  /**
   * Resolves when a request may begin.
   * @throws RateLimitedError when that is further away than `longestWaitMs`; `signal.reason`
   */
  enter(options: EnterOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal.aborted) return reject(signal.reason);
      const stop = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(signal.reason);
        this.#pump();
      };
      const settled = (): void => signal.removeEventListener('abort', stop);
      const admit = (): void => {
        settled();
        resolve();
      };
      const refuse = (error: unknown): void => {
        settled();
        reject(error);
      };
      const waiter: Waiter = { ...options, admit, refuse, toldUntil: 0 };
      signal.addEventListener('abort', stop, { once: true });
      this.#line(waiter);
      this.#pump();
    });
  }

  leave(): void {
    this.#inFlight -= 1;
    this.#pump();
  }

  /** What a response said is left. Answers may overtake each other: within one window the smallest number is true. */
  observe(reading: RateReading | undefined, serverNow: number): void {
    if (reading === undefined) return;
    const until = this.#clock.now() + untilReset(reading, serverNow);
    const known = this.#window;
    const isSameWindow = known !== undefined && Math.abs(reading.resetAt - known.resetAt) <= SAME_WINDOW_MS;
    if (isSameWindow) known.remaining = Math.min(known.remaining, reading.remaining);
    else if (known === undefined || reading.resetAt > known.resetAt) this.#window = { ...reading, until };
  }

  /** Nobody begins before so many milliseconds have passed. */
  pause(milliseconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + Math.min(milliseconds, LONGEST_WAIT_MS));
    this.#pump();
  }

  #line(waiter: Waiter): void {
    const place = this.#waiting.findIndex(({ priority }) => priority < waiter.priority);
    if (place < 0) this.#waiting.push(waiter);
    else this.#waiting.splice(place, 0, waiter);
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      const until = this.#closedUntil();
      if (until > this.#clock.now()) return this.#hold(until);
      if (!this.#hasRoom() || !this.#takeTurn()) break;
      this.#inFlight += 1;
      this.#waiting.shift()?.admit();
    }
    this.#setAlarm(undefined);
    if (this.#waiting.length === 0) this.#giveUpTurn();
  }

  /** The time before which nothing may begin; one that is past when it is only a matter of room. */
  #closedUntil(): number {
    const now = this.#clock.now();
    if (this.#window !== undefined && this.#window.until <= now) this.#window = undefined;
    const isSpent = this.#window !== undefined && this.#window.remaining <= this.#reserve();
    return Math.max(this.#pausedUntil, isSpent ? (this.#window?.until ?? 0) : 0);
  }

  #hasRoom(): boolean {
    if (this.#inFlight >= this.#concurrency()) return false;
    // What is under way may still count against what is left.
    return this.#window === undefined || this.#window.remaining - this.#inFlight > this.#reserve();
  }

  /** Tells everybody in the line, refuses those who would not wait so long, and looks again when the time has come. */
  #hold(until: number): void {
    const milliseconds = until - this.#clock.now();
    const impatient = this.#waiting.filter(({ longestWaitMs }) => milliseconds > longestWaitMs);
    this.#waiting = this.#waiting.filter(({ longestWaitMs }) => milliseconds <= longestWaitMs);
    this.#setAlarm(this.#waiting.length > 0 ? until : undefined);
    for (const waiter of impatient) waiter.refuse(tooLong(until, milliseconds));
    this.#tell(until);
    if (this.#waiting.length === 0) this.#giveUpTurn();
  }

  #tell(until: number): void {
    for (const waiter of this.#waiting) {
      if (waiter.toldUntil === until) continue;
      waiter.toldUntil = until;
      waiter.onWait(new Date(until));
    }
  }

  /** By the rate. Who goes is decided when the turn is there. */
  #takeTurn(): boolean {
    const rate = this.#rate();
    if (rate === undefined) return true;
    if (this.#pace?.isOf(rate) !== true) {
      this.#pace?.stop();
      this.#pace = new Pace(rate, {
        onTurn: () => this.#pump(),
        onDelay: () => this.#tell(this.#clock.now() + rate.intervalMs),
      });
    }
    return this.#pace.take();
  }

  /** Nobody wants it any more. What it was to be held apart from is forgotten with it, so the next waits an interval. */
  #giveUpTurn(): void {
    if (this.#pace?.isAsked !== true) return;
    this.#pace.stop();
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + this.#pace.rate.intervalMs);
    this.#pace = undefined;
  }

  #setAlarm(at: number | undefined): void {
    if (this.#alarm?.at === at) return;
    this.#alarm?.stop.abort();
    this.#alarm = undefined;
    if (at === undefined) return;
    const stop = new AbortController();
    this.#alarm = { at, stop };
    const rings = (): void => {
      this.#alarm = undefined;
      this.#pump();
    };
    this.#clock.sleep(at - this.#clock.now(), stop.signal).then(rings, () => {});
  }

  #concurrency(): number {
    return Math.min(...[...this.#holders.values()].map(({ concurrency }) => concurrency ?? DEFAULT_CONCURRENCY));
  }

  #reserve(): number {
    return Math.max(0, ...[...this.#holders.values()].map(({ reserve }) => reserve ?? 0));
  }

  /** The slowest. */
  #rate(): Rate | undefined {
    let slowest: Rate | undefined;
    for (const { rate } of this.#holders.values()) {
      if (rate === undefined) continue;
      if (slowest === undefined || rate.intervalMs / rate.limit > slowest.intervalMs / slowest.limit) slowest = rate;
    }
    return slowest;
  }
}

function tooLong(until: number, milliseconds: number): RateLimitedError {
  return new RateLimitedError(
    `upstream accepts no more requests with these credentials before ${new Date(until).toISOString()}, and that is ` +
      'longer than this source waits. Try again then',
    { code: 'HTTP_WAIT_TOO_LONG', retryAfterMs: milliseconds },
  );
}
