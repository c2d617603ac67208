import { type ContractCase, type Skip, toContractCases } from './contract-case.js';
import { deadLetterCases, type OpenedDeadLetterStore } from './dead-letter-store/dead-letter-cases.js';

export type { OpenedDeadLetterStore } from './dead-letter-store/dead-letter-cases.js';

/** What the contract needs to know of a store. */
export interface DeadLetterStoreHarness {
  /** A store with nothing in it. Called once for every case. */
  create(): Promise<OpenedDeadLetterStore>;
  /** Cases that do not hold, each with the reason. */
  skip?: readonly Skip[] | undefined;
}

/**
 * What every store of dead letters has to do, as cases for any test runner.
 *
 * ```ts
 * const harness = { create: async () => ({ store: new MyDeadLetterStore() }) };
 * for (const { name, skipped, run } of testDeadLetterStore(harness)) test(name, { skip: skipped ?? false }, run);
 * ```
 * @throws TypeError when `skip` names a case that does not exist.
 */
export function testDeadLetterStore(harness: DeadLetterStoreHarness): ContractCase[] {
  return toContractCases({
    statements: deadLetterCases,
    missing: () => undefined,
    skip: harness.skip,
    open: () => harness.create(),
  });
}
