import type { Clock } from '../../core/clock.js';
import { Budget, type BudgetLimits } from './budget.js';

export interface BudgetLeaseOptions {
  clock: Clock;
  origin: string;
  identity: string;
  limits: BudgetLimits | ((bucket: string) => BudgetLimits) | undefined;
}

/** The budgets of this process, by what upstream counts by. Of each clock its own: two times cannot be compared. */
const budgets = new WeakMap<Clock, Map<string, Budget>>();

/** A client's share in the budgets of its credentials, one for each bucket it uses. */
export class BudgetLease {
  readonly #options: BudgetLeaseOptions;
  readonly #held = new Map<string, Budget>();

  constructor(options: BudgetLeaseOptions) {
    this.#options = options;
  }

  of(bucket: string): Budget {
    const held = this.#held.get(bucket);
    if (held !== undefined) return held;
    const { clock, origin, identity, limits } = this.#options;
    const budget = findBudget(clock, `${origin}\n${identity}\n${bucket}`);
    budget.hold(this, (typeof limits === 'function' ? limits(bucket) : limits) ?? {});
    this.#held.set(bucket, budget);
    return budget;
  }

  release(): void {
    for (const budget of this.#held.values()) budget.release(this);
    this.#held.clear();
  }
}

/** A pause outlives the clients that ran into it: who comes next must obey it as well. */
function findBudget(clock: Clock, key: string): Budget {
  const known = budgets.get(clock) ?? new Map<string, Budget>();
  budgets.set(clock, known);
  for (const [other, budget] of known) if (other !== key && budget.isForgettable) known.delete(other);
  const budget = known.get(key) ?? new Budget(clock);
  known.set(key, budget);
  return budget;
}
