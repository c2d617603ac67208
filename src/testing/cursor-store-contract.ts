import { type ContractCase, type Skip, toContractCases } from './contract-case.js';
import { leaseCases } from './cursor-store/lease-cases.js';
import { recordCases } from './cursor-store/record-cases.js';
import { stateCases } from './cursor-store/state-cases.js';
import type { OpenedCursorStore, StoreCase } from './cursor-store/store-case.js';

export type { OpenedCursorStore } from './cursor-store/store-case.js';

/** What the contract needs to know of a store. */
export interface CursorStoreHarness {
  /** A store with nothing in it. Called once for every case. */
  create(): Promise<OpenedCursorStore>;
  /** false: the store has no `history`. Default true. */
  history?: boolean | undefined;
  /** false: the store has no `lease`. Default true. */
  leases?: boolean | undefined;
  /** Cases that do not hold, each with the reason. */
  skip?: readonly Skip[] | undefined;
}

/**
 * What every cursor store has to do, as cases for any test runner.
 *
 * ```ts
 * const harness = { create: async () => ({ store: new MyCursorStore() }) };
 * for (const { name, skipped, run } of testCursorStore(harness)) test(name, { skip: skipped }, run);
 * ```
 * @throws TypeError when `skip` names a case that does not exist.
 */
export function testCursorStore(harness: CursorStoreHarness): ContractCase[] {
  return toContractCases({
    statements: [...recordCases, ...stateCases, ...leaseCases],
    missing: (one) => missing(one, harness),
    skip: harness.skip,
    open: () => harness.create(),
  });
}

function missing({ needs }: StoreCase, harness: CursorStoreHarness): string | undefined {
  return needs !== undefined && harness[needs] === false ? `the store has no ${needs}` : undefined;
}
