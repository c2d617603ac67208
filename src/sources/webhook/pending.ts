import type { Deadlines } from './deadlines.js';
import type { WebhookAnswer } from './provider.js';

/** What became of a delivery. */
export type Outcome =
  | { readonly kind: 'acknowledged' | 'spooled' | 'duplicate' }
  | { readonly kind: 'answered'; readonly answer: WebhookAnswer }
  | { readonly kind: 'refused'; readonly reason: string };

interface Waiting {
  tell(outcome: Outcome): void;
}

const WITHDRAWN = new Error('the sender was told to come again');

/** A delivery that is under way, with the requests that wait for what becomes of it: more than one where it was sent again. */
export class Pending {
  readonly key: string | undefined;
  #outcome: Outcome | undefined;
  readonly #withdraws: ((reason: unknown) => void)[] = [];
  readonly #waiting = new Set<Waiting>();

  constructor(key: string | undefined) {
    this.key = key;
  }

  /** Told how to take back an event that the consumer has not seen. */
  onWithdraw(withdraw: (reason: unknown) => void): void {
    this.#withdraws.push(withdraw);
  }

  /** Takes back what the consumer has not seen. */
  withdraw(): void {
    for (const withdraw of this.#withdraws) withdraw(WITHDRAWN);
  }

  /** What becomes of it; `late` when that is not known at the given time. */
  wait(until: number, deadlines: Deadlines, late: () => Outcome): Promise<Outcome> {
    if (this.#outcome !== undefined) return Promise.resolve(this.#outcome);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        tell: (outcome) => {
          callOff();
          resolve(outcome);
        },
      };
      const callOff = deadlines.add(until, () => {
        this.#waiting.delete(waiting);
        resolve(late());
      });
      this.#waiting.add(waiting);
    });
  }

  /** What became of it. Only the first time. */
  settle(outcome: Outcome): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.tell(outcome);
  }

  /** Tells those that wait now; false where there are none. Who comes later, when it is sent again, waits for what becomes of it. */
  tell(outcome: Outcome): boolean {
    if (this.#waiting.size === 0) return false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { tell } of waiting) tell(outcome);
    return true;
  }
}
