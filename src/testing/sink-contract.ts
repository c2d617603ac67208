import { type ContractCase, type Skip, toContractCases } from './contract-case.js';
import { type OpenedSink, type SinkPromise, sinkCases } from './sink/sink-cases.js';

export type { OpenedSink, SinkPromise } from './sink/sink-cases.js';

/** What the contract needs to know of a sink. */
export interface SinkHarness {
  /** A sink with nothing in it. Called once for every case. */
  create(): Promise<OpenedSink>;
  /**
   * What this sink promises. 'order': keeps events in their order. 'atomic': a batch is kept whole or not at all.
   * 'unique': what comes again is there once. 'transactions': saves the cursor in its own. 'abortable': writes nothing
   * once the run was given up. 'closes': takes nothing after `close`.
   */
  promises: readonly SinkPromise[];
  /** Cases that do not hold, each with the reason. */
  skip?: readonly Skip[] | undefined;
}

/**
 * What every sink has to do, as cases for any test runner.
 *
 * ```ts
 * const harness = { promises: ['atomic', 'unique'], create: async () => ({ sink: new MySink(db), stored: readAll }) };
 * for (const { name, skipped, run } of testSink(harness)) test(name, { skip: skipped }, run);
 * ```
 * @throws TypeError when `skip` names a case that does not exist.
 */
export function testSink(harness: SinkHarness): ContractCase[] {
  return toContractCases({
    statements: sinkCases,
    missing: ({ needs }) =>
      needs === undefined || harness.promises.includes(needs) ? undefined : `the sink does not promise '${needs}'`,
    skip: harness.skip,
    open: () => harness.create(),
  });
}
