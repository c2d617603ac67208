import { NOT_NEEDED } from './clock.js';
import type { SourceEvent } from './event.js';
import type { Slice } from './frontier.js';
import { gapToStopAt } from './gap-policy.js';
import type { IterationOptions } from './iteration.js';
import type { StateChanges } from './keyed-state.js';
import type { MadeEvents } from './made-events.js';
import type { EventGenerator } from './read-options.js';
import type { Delivery } from './settler.js';
import { SourceIterator } from './source-iterator.js';
import type { SourceRuntime } from './source-runtime.js';

const RESOLVED = Promise.resolve();
const NOTHING: readonly SourceEvent[] = [];
const NO_CHANGES: readonly StateChanges[] = [];

/** So many events in a row are handed out before timers and I/O get their turn. */
const EVENTS_PER_TURN = 4096;

// Taken at load: a test that replaces the global timers must not be able to stop an iteration.
const { setImmediate } = globalThis;

/**
 * One event at a time over batches. Asking for the next acknowledges the one in hand.
 *
 * An event of a batch that has nothing to settle costs one resolved promise and no bookkeeping: what was acknowledged
 * is a number that is looked at only when somebody asks for the cursor.
 */
export class EventIterator extends SourceIterator<SourceEvent> implements EventGenerator<SourceEvent> {
  #events = NOTHING;
  #slice: Slice | undefined;
  /** Events of the batch handed out. */
  #index = 0;
  /** Up to here events are handed out the fast way; 0 where something else has to happen first. */
  #fastEnd = 0;
  /** Events of the batch acknowledged. */
  #acknowledged = 0;
  /** Events counted in the statistics. */
  #counted = 0;
  /** Whole batches handed out and not acknowledged, since calls overlapped. */
  #unacknowledged: Slice[] = [];
  /** `for await` asks one by one; an iterator that is driven by hand may not. */
  #sequential = false;
  #isDriven = false;
  /** Fast answers that their caller cannot have seen yet. */
  #unseen = 0;
  #kept: Promise<IteratorResult<SourceEvent, void>> | undefined;
  readonly #limit: number;
  /** Single events, or events of earlier batches, that were handed out. */
  #handed = 0;
  #untilTurn = EVENTS_PER_TURN;
  /** At this many single events something else has to happen before the next: the limit, or a turn. */
  #slowAt: number;
  #failure: { error: unknown } | undefined;
  /** The upstream of a `read()` source, while an event of it may be asked for the short way. */
  #single: AsyncIterator<SourceEvent> | undefined;
  #readsSingles = false;
  readonly #made: MadeEvents;
  #isTimed = false;
  /** The cursor after the event of a `read()` source in hand, and the changes that came with it. */
  #heldCursor: unknown;
  #heldChanges = NO_CHANGES;
  /** How many of them were acknowledged, and the cursor after those; told to the frontier when somebody looks. */
  #done = 0;
  #doneCursor: unknown;
  #doneTold = 0;

  constructor(runtime: SourceRuntime, options: IterationOptions) {
    super(runtime, options);
    this.#made = runtime.made;
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY;
    this.#slowAt = EVENTS_PER_TURN < this.#limit ? EVENTS_PER_TURN : this.#limit;
  }

  /** `for await` reads this property once and calls it for ever; who drives by hand reads it for every call. */
  get next(): () => Promise<IteratorResult<SourceEvent, void>> {
    if (this.#isDriven) this.#sequential = false;
    this.#isDriven = true;
    return this.nextEvent;
  }

  /** @internal What `next` is. */
  nextEvent(): Promise<IteratorResult<SourceEvent, void>> {
    const index = this.#index;
    if (index >= this.#fastEnd) {
      return this.#single !== undefined && this.calls.isEmpty ? this.#nextSingle(this.#single) : this.#ask();
    }
    this.#index = index + 1;
    if (!this.#sequential) return this.#answerCounted(index);
    this.#acknowledged = index;
    return Promise.resolve({ value: this.#events[index] as SourceEvent, done: false });
  }

  async nextWithin(milliseconds: number): Promise<IteratorResult<SourceEvent, void> | undefined> {
    this.#isDriven = true;
    this.#sequential = false;
    const pending = this.#kept ?? this.nextEvent();
    this.#kept = pending;
    this.#goSlow();
    const timer = new AbortController();
    const late = this.runtime.clock.sleep(milliseconds, timer.signal).then(
      () => undefined,
      () => undefined,
    );
    try {
      const first = await Promise.race([pending, late]);
      if (first !== undefined) this.#release(pending);
      return first;
    } catch (error) {
      this.#release(pending);
      throw error;
    } finally {
      timer.abort(NOT_NEEDED);
    }
  }

  override [Symbol.asyncIterator](): this {
    this.#sequential = !this.#isDriven;
    return this;
  }

  protected override begun(): void {
    const { iteration } = this;
    if (iteration.ending !== undefined) return;
    iteration.frontier.beforeLook = () => this.#look();
    this.#readsSingles = iteration.upstream.kind === 'events';
    this.#goFast();
  }

  protected acknowledge(): void {
    this.#acknowledged = this.#index;
    if (this.#readsSingles) this.#acknowledgeHeld();
    this.#look();
    if (this.iteration.savesByCount) this.iteration.noteAcknowledged();
  }

  protected dropBuffered(): void {
    this.count();
    this.#goSlow();
  }

  protected read(): void | Promise<void> {
    if (this.#index < this.#batchEnd()) return this.#answerBuffered();
    if (this.#failure !== undefined) return this.iteration.stop({ kind: 'failed', error: this.#failure.error });
    if (this.#handed + this.#index >= this.#limit) return this.iteration.stop({ kind: 'completed' });
    if (this.#readsSingles ? this.#handed < this.#slowAt : --this.#untilTurn > 0) return this.#readOn();
    this.#untilTurn = EVENTS_PER_TURN;
    const turnAt = this.#handed + EVENTS_PER_TURN;
    // Not Math.min: with no limit that is a float, and slower to compare with.
    this.#slowAt = turnAt < this.#limit ? turnAt : this.#limit;
    setImmediate(() => {
      if (this.iteration.ending === undefined) this.#readOn();
    });
  }

  #ask(): Promise<IteratorResult<SourceEvent, void>> {
    const kept = this.#kept;
    if (kept !== undefined) return this.#handKept(kept);
    if (!this.calls.isEmpty) this.#sequential = false;
    const answer = this.ask(this.#unseen === 0);
    if (!this.#sequential && this.calls.isEmpty) this.#countUnseen();
    return answer;
  }

  /** Its caller sees an answer that is there already one turn of the microtasks later. */
  #countUnseen(): void {
    this.#unseen += 1;
    void RESOLVED.then(() => {
      this.#unseen -= 1;
    });
  }

  /** The slow form of a fast answer, which notices calls that were made before the last answer was seen. */
  #answerCounted(index: number): Promise<IteratorResult<SourceEvent, void>> {
    if (this.#unseen === 0) this.#acknowledged = index;
    this.#unseen += 1;
    const value = this.#events[index] as SourceEvent;
    return RESOLVED.then(() => {
      this.#unseen -= 1;
      return { value, done: false };
    });
  }

  #answerBuffered(): void {
    const end = this.#batchEnd();
    do {
      const value = this.#events[this.#index++] as SourceEvent;
      this.calls.answer({ value, done: false });
    } while (this.#index < end && !this.calls.isEmpty);
    this.served();
  }

  #readOn(): void {
    const { upstream } = this.iteration;
    if (upstream.kind === 'events') upstream.iterator.next().then(this.#onEvent, this.#onFailure);
    else this.iteration.readBatch().then(this.#onBatch, this.#onFailure);
  }

  readonly #onFailure = (error: unknown): void => {
    this.iteration.stop({ kind: 'failed', error });
  };

  /** One event of a `read()` source, asked for with as little around it as can be. */
  #nextSingle(upstream: AsyncIterator<SourceEvent>): Promise<IteratorResult<SourceEvent, void>> {
    if (this.#handed >= this.#slowAt) return this.#ask();
    this.#done = this.#handed;
    this.#doneCursor = this.#heldCursor;
    const answer = this.calls.open();
    upstream.next().then(this.#onEvent, this.#onFailure);
    return answer;
  }

  readonly #onEvent = (result: IteratorResult<SourceEvent>): void => {
    const made = this.#made;
    if (this.#single === undefined || made.isSpecial || result.done === true) {
      if (this.#endsAt(result)) return;
    }
    this.#handed += 1;
    const cursor = made.takeCursor(result.value);
    if (cursor !== undefined) this.#heldCursor = cursor;
    if (!this.#isTimed) this.#time();
    if (this.calls.answer(result)) this.serve();
  };

  /** The end, a gap that must not be passed, or an event that came too late; else notes the changes that came with it. */
  #endsAt(result: IteratorResult<SourceEvent>): boolean {
    if (this.iteration.ending !== undefined) return true;
    if (result.done === true) {
      this.iteration.stop({ kind: 'completed' });
      return true;
    }
    const gap = gapToStopAt(this.runtime, [result.value]);
    this.#made.isSpecial = this.#made.gaps > 0;
    if (gap === undefined) this.#holdChanges();
    else this.iteration.stop({ kind: 'failed', error: gap.error });
    return gap !== undefined;
  }

  /** Notes the time once in a turn of the event loop: reading the clock for every event would cost more than the event. */
  #time(): void {
    this.#isTimed = true;
    this.runtime.activity.received();
    setImmediate(() => {
      this.#isTimed = false;
    });
  }

  readonly #onBatch = (delivery: Delivery | undefined): void => {
    const { iteration, runtime } = this;
    if (iteration.ending !== undefined) return;
    if (delivery === undefined) return iteration.stop({ kind: 'completed' });
    this.#setAside();
    const { events } = delivery.batch;
    const gap = gapToStopAt(runtime, events);
    this.#failure = gap;
    this.#slice = iteration.frontier.hand(delivery, 0, events.length);
    this.#events = gap === undefined ? events : events.slice(0, gap.at);
    if (this.#events.length > 0) runtime.activity.received();
    else if (this.#failure === undefined) iteration.frontier.acknowledge(this.#slice, 0);
    this.#untilTurn -= events.length;
    this.#goFast();
    void this.read();
  };

  #goSlow(): void {
    this.#fastEnd = 0;
    this.#single = undefined;
  }

  #goFast(): void {
    const { upstream, savesByCount, acknowledges } = this.iteration;
    if (this.#kept !== undefined || savesByCount || this.#heldChanges !== NO_CHANGES) return this.#goSlow();
    if (upstream.kind === 'events') this.#single = acknowledges ? upstream.iterator : undefined;
    else if (this.#slice?.delivery.batch.settle === undefined) this.#fastEnd = this.#batchEnd();
    else this.#fastEnd = 0;
  }

  /** Makes room for the next batch; what calls that overlapped left unacknowledged is remembered. */
  #setAside(): void {
    this.count();
    if (this.#slice !== undefined && this.#acknowledged < this.#index) this.#unacknowledged.push(this.#slice);
    this.#handed += this.#index;
    this.#events = NOTHING;
    this.#slice = undefined;
    this.#index = 0;
    this.#acknowledged = 0;
  }

  /** Brings the frontier up to what was acknowledged. */
  #look(): void {
    if (!this.iteration.acknowledges) return;
    if (this.#done > this.#doneTold) this.iteration.frontier.moveTo(this.#doneCursor, this.#done - this.#doneTold);
    this.#doneTold = this.#done;
    if (this.#acknowledged > 0 && this.#unacknowledged.length > 0) this.#acknowledgeEarlier();
    if (this.#slice !== undefined) this.iteration.frontier.acknowledge(this.#slice, this.#acknowledged);
  }

  #acknowledgeEarlier(): void {
    for (const slice of this.#unacknowledged) this.iteration.frontier.acknowledge(slice, slice.to - slice.from);
    this.#unacknowledged = [];
  }

  #acknowledgeHeld(): void {
    if (this.#heldChanges !== NO_CHANGES) this.#commitHeld();
    this.#done = this.#handed;
    this.#doneCursor = this.#heldCursor;
  }

  #holdChanges(): void {
    const changes = this.runtime.ledger.seal();
    if (changes === undefined) return;
    this.#heldChanges = [...this.#heldChanges, changes];
    // Acknowledging them takes more than the short way.
    this.#single = undefined;
  }

  #commitHeld(): void {
    if (this.iteration.acknowledges) this.iteration.frontier.commit(this.#heldChanges);
    this.#heldChanges = NO_CHANGES;
    if (this.iteration.ending === undefined) this.#goFast();
  }

  protected override count(): void {
    const { activity } = this.runtime;
    const events = this.#handed + this.#index;
    activity.events += events - this.#counted;
    if (this.#readsSingles) activity.batches += events - this.#counted;
    this.#counted = events;
    if (this.iteration.hasBegun) this.#look();
  }

  /** Up to here the batch may be handed out. */
  #batchEnd(): number {
    return Math.min(this.#events.length, this.#limit - this.#handed);
  }

  /** The read that `nextWithin` did not wait for; it may be there already, and its caller sees it only now. */
  #handKept(kept: Promise<IteratorResult<SourceEvent, void>>): Promise<IteratorResult<SourceEvent, void>> {
    this.#kept = undefined;
    this.#unseen += 1;
    const seen = (): void => {
      this.#unseen -= 1;
      this.#goFastAgain();
    };
    kept.then(seen, seen);
    return kept;
  }

  #release(kept: Promise<unknown>): void {
    if (this.#kept !== kept) return;
    this.#kept = undefined;
    this.#goFastAgain();
  }

  #goFastAgain(): void {
    if (this.iteration.ending === undefined && this.calls.isEmpty && this.iteration.hasBegun) this.#goFast();
  }
}
