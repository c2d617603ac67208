import type { Clock } from '../../core/clock.js';
import type { SourceEvent } from '../../core/event.js';
import type { KeyedState } from '../../core/keyed-state.js';
import type { PushOptions } from '../../core/push-queue.js';
import type { Endpoint } from './endpoint.js';
import { type Inbox, keyOf, type Taken, UnderWay } from './inbox.js';
import { type Outcome, Pending } from './pending.js';
import type { WebhookAnswer } from './provider.js';
import { Remembered } from './remembered.js';

/** What is kept of each delivery, in the state of the source: until when it is remembered. */
const STATE_PREFIX = 'delivery/';

export interface QueueInboxOptions {
  readonly clock: Clock;
  readonly maxRemembered: number;
  /** Resolves when the event is acknowledged. */
  push(event: SourceEvent, options: PushOptions): Promise<void>;
}

/**
 * Deliveries in memory until the consumer has acknowledged them. That one was is saved in one step with the cursor, and
 * is known again in the next process.
 */
export class QueueInbox implements Inbox {
  readonly #options: QueueInboxOptions;
  readonly #underWay = new UnderWay();
  readonly #remembered: Remembered;

  constructor(options: QueueInboxOptions) {
    this.#options = options;
    this.#remembered = new Remembered(options.maxRemembered);
  }

  /** Learns what was acknowledged in earlier processes; what came before that was known is looked at again. */
  async restore(state: KeyedState): Promise<void> {
    const now = this.#options.clock.now();
    // Makes the state be held in memory: what is deleted of it would be kept in mind for ever otherwise.
    await state.get(STATE_PREFIX);
    for await (const [key, until] of state.entries(STATE_PREFIX)) {
      const name = key.slice(STATE_PREFIX.length);
      if (typeof until === 'number' && !this.#remembered.has(name, now)) this.#remembered.add(name, until, now);
    }
    for (const pending of this.#underWay.all()) {
      if (pending.key === undefined || !this.#remembered.has(pending.key, now)) continue;
      pending.settle({ kind: 'duplicate' });
      pending.withdraw();
    }
  }

  take(taken: Taken): Pending {
    const key = keyOf(taken);
    if (key !== undefined && this.#remembered.has(key, this.#options.clock.now()))
      return settled({ kind: 'duplicate' });
    if (taken.events.length === 0) return settled({ kind: 'acknowledged' });
    const same = this.#underWay.find(key);
    if (same !== undefined) return same;
    const pending = new Pending(key);
    this.#underWay.add(pending, taken.events);
    this.#push(pending, taken);
    return pending;
  }

  giveUp(pending: Pending, { provider }: Endpoint): void {
    if (provider.retries) pending.withdraw();
  }

  tellAll(outcome: Outcome): void {
    this.#underWay.tellAll(outcome);
  }

  answer(event: { readonly source: string; readonly id: string }, answer: WebhookAnswer): boolean {
    return this.#underWay.answer(event, answer);
  }

  #push(pending: Pending, { events, bytes, endpoint }: Taken): void {
    const { key } = pending;
    const until = (): number => this.#options.clock.now() + endpoint.provider.redeliveryMs;
    const held = (withdraw: (reason: unknown) => void): void => pending.onWithdraw(withdraw);
    // With the last: before that not all of it was delivered.
    const mark = key === undefined ? undefined : (state: KeyedState): void => this.#mark(state, key, until());
    const last = events.length - 1;
    const size = bytes / events.length;
    const pushed = events.map((event, at) =>
      this.#options.push(event, { bytes: size, held, mark: at === last ? mark : undefined }),
    );
    (last === 0 ? (pushed[0] as Promise<void>) : Promise.all(pushed)).then(
      () => {
        if (key !== undefined) this.#remembered.add(key, until(), this.#options.clock.now());
        this.#underWay.remove(pending);
        pending.settle({ kind: 'acknowledged' });
      },
      (error: unknown) => {
        this.#underWay.remove(pending);
        pending.settle({ kind: 'refused', reason: reasonOf(error) });
        pending.withdraw();
      },
    );
  }

  #mark(state: KeyedState, key: string, until: number): void {
    state.set(STATE_PREFIX + key, until);
    for (const forgotten of this.#remembered.takeForgotten()) state.delete(STATE_PREFIX + forgotten);
  }
}

function settled(outcome: Outcome): Pending {
  const pending = new Pending(undefined);
  pending.settle(outcome);
  return pending;
}

function reasonOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === 'QUEUE_FULL') return 'too much waits to be taken';
  return code === 'SOURCE_CLOSED' ? 'the receiver is shutting down' : 'nobody took it in time';
}
