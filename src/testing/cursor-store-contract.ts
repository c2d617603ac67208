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
  skip?: readonly { readonly case: string; readonly reason: string }[] | undefined;
}

/** One statement about a store, for any test runner. */
export interface ContractCase {
  readonly name: string;
  /** Why `run` does nothing. */
  readonly skipped?: string | undefined;
  run(): Promise<void>;
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
  const cases = [...recordCases, ...stateCases, ...leaseCases];
  const reasons = new Map(harness.skip?.map((skip) => [skip.case, skip.reason]));
  for (const name of reasons.keys()) {
    if (!cases.some((one) => one.name === name)) throw new TypeError(`there is no case "${name}" to skip`);
  }
  return cases.map((one) => toContractCase(one, harness, reasons.get(one.name) ?? missing(one, harness)));
}

function missing({ needs }: StoreCase, harness: CursorStoreHarness): string | undefined {
  return needs !== undefined && harness[needs] === false ? `the store has no ${needs}` : undefined;
}

function toContractCase({ name, check }: StoreCase, harness: CursorStoreHarness, skipped?: string): ContractCase {
  const run = async (): Promise<void> => {
    if (skipped !== undefined) return;
    const opened = await harness.create();
    try {
      await check(opened);
    } finally {
      await opened.close?.();
    }
  };
  return { name, skipped, run };
}
