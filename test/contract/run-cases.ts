import type { ContractCase } from 'headwater/testing';
import { it } from 'vitest';

/** Cases of a contract as tests; what does not apply is there too, with the reason. */
export function runCases(cases: readonly ContractCase[], options: { timeout?: number } = {}): void {
  for (const { name, skipped, run } of cases) {
    if (skipped === undefined) it(name, options, run);
    else it.skip(`${name} (not run: ${skipped})`, () => {});
  }
}
