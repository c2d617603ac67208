import assert from 'node:assert/strict';
import type { SourceCase, Trial } from './trial.js';

/** More than this share of a flood must not be held for a consumer that is busy. */
const MOST_HELD = 0.5;
/** Nothing was taken for so many looks in a row. */
const QUIET_LOOKS = 8;

export const memoryCases: readonly SourceCase[] = [
  {
    name: 'while the consumer is busy with an event, a source does not read on without bound',
    needs: ['flood'],
    async check(trial) {
      const { harness, world } = trial;
      await harness.flood?.(world);
      const source = await trial.start();
      const iteration = source.generateEvents();
      const first = iteration.next();
      await trial.deliver();
      await trial.within(first, 'the first event');
      const taken = await settled(trial, () => harness.taken?.(world, source) ?? 0);
      assert.ok(taken <= MOST_HELD, `${Math.round(taken * 100)} % of all there is was taken for a busy consumer`);
      await trial.within(iteration.return(), 'the end of the iteration');
    },
  },
];

/** What a number comes to when it has stopped growing. */
async function settled(trial: Trial, number: () => number): Promise<number> {
  let last = -1;
  let quiet = 0;
  const look = (): boolean => {
    const now = number();
    quiet = now === last ? quiet + 1 : 0;
    last = now;
    return quiet >= QUIET_LOOKS || now >= 1;
  };
  await trial.eventually(look, 'a source reads on and on for a busy consumer');
  return last;
}
