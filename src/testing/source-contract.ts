import { type ContractCase, toContractCases } from './contract-case.js';
import { configCases } from './source/config-cases.js';
import { failureCases } from './source/failure-cases.js';
import { type SourceHarness, type SourceWorld, whyNot } from './source/harness.js';
import { identityCases } from './source/identity-cases.js';
import { memoryCases } from './source/memory-cases.js';
import { pipelineCases } from './source/pipeline-cases.js';
import { releaseCases } from './source/release-cases.js';
import { resumeCases } from './source/resume-cases.js';
import { secretCases } from './source/secret-cases.js';
import { settlementCases } from './source/settlement-cases.js';
import { type SourceCase, Trial } from './source/trial.js';

export type { SourceHarness, SourceWorld } from './source/harness.js';

const SOURCE_CASES: readonly SourceCase[] = [
  ...configCases,
  ...identityCases,
  ...resumeCases,
  ...pipelineCases,
  ...settlementCases,
  ...releaseCases,
  ...failureCases,
  ...secretCases,
  ...memoryCases,
];

/**
 * What every source has to do, as cases for any test runner. Run them one after another: some compare what the process
 * holds before and after. Needs the package `cloudevents`.
 *
 * ```ts
 * const harness: SourceHarness<Shop> = {
 *   source: ShopSource,
 *   open: async () => Shop.start({ orders: 10 }), // a server of the test, with `config` and `events: 10`
 *   requests: (shop) => shop.requests,
 *   fail: (shop, kind, after) => shop.answerWith(kind === 'transient' ? 503 : 401, { after }),
 *   hang: (shop) => shop.stopAnswering(),
 * };
 * for (const { name, skipped, run } of testSource(harness)) test(name, { skip: skipped ?? false }, run);
 * ```
 * What the harness cannot do is skipped, with the reason.
 * @throws TypeError when `skip` names a case that does not exist.
 */
export function testSource<World extends SourceWorld>(harness: SourceHarness<World>): ContractCase[] {
  const any = harness as unknown as SourceHarness;
  return toContractCases({
    statements: SOURCE_CASES,
    missing: ({ needs = [] }) => whyNot(needs, any),
    skip: harness.skip,
    open: () => Trial.open(any),
  });
}
