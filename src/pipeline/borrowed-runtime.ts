import type { SourceRuntime } from '../core/source-runtime.js';
import { StateLedger } from '../core/state-ledger.js';

/**
 * What a dry run, a preview or a backfill reads with: the same source, with a position and a state of its own that
 * begin where those of the source are. Whatever the run does to them, the source stays where it was.
 */
export function borrowedRuntime(runtime: SourceRuntime): SourceRuntime {
  const ledger = new StateLedger();
  ledger.attach((prefix) => runtime.ledger.entries(prefix));
  return Object.create(runtime, {
    ledger: { value: ledger },
    cursor: { value: runtime.cursor, writable: true },
    keeper: { value: undefined, writable: true },
    // One iteration at a time holds for both.
    iteration: {
      get: () => runtime.iteration,
      set: (iteration: SourceRuntime['iteration']) => {
        runtime.iteration = iteration;
      },
    },
  });
}
