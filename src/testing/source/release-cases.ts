import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { EventSource } from '../../core/event-source.js';
import { runtimeOf } from '../../core/source-runtime.js';
import { FakeClock } from '../fake-clock.js';
import { openResources } from './open-resources.js';
import { type SourceCase, type Trial, turns } from './trial.js';

const REASON = new Error('aborted by the trial');

/** However an iteration ends, nothing of it stays. */
export const releaseCases: readonly SourceCase[] = [
  {
    name: 'a run to the end leaves nothing open',
    check: (trial) => leavesNothing(trial, async (source) => void (await trial.read(source))),
  },
  {
    name: '`break` leaves nothing open, at whatever event',
    check: (trial) =>
      leavesNothing(trial, async (source) => {
        // What was sent to a source that receives is not sent again while it is there.
        const most = trial.isPush ? 1 : Math.min(trial.world.events, 12);
        for (let count = 1; count <= most; count += 1) {
          let seen = 0;
          for await (const _ of trial.iterate(source)) {
            seen += 1;
            if (seen === count) break;
          }
          await assertReleased(trial, source, `after a break at event ${count}`);
        }
      }),
  },
  {
    name: 'an error in the loop leaves nothing open, and is what the loop rejects with',
    check: (trial) =>
      leavesNothing(trial, async (source) => {
        const error = new Error('thrown in the loop');
        const loop = async (): Promise<void> => {
          for await (const _ of trial.iterate(source)) throw error;
        };
        await assert.rejects(loop, (reason) => reason === error, 'the loop rejects with another error than was thrown');
      }),
  },
  {
    name: '`return()` before the first event leaves nothing open, twice as well as once',
    check: (trial) =>
      leavesNothing(trial, async (source) => {
        const iteration = source.generateEvents();
        assert.deepEqual(await iteration.return(), { value: undefined, done: true });
        assert.deepEqual(await iteration.return(), { value: undefined, done: true });
        assert.deepEqual(await iteration.next(), { value: undefined, done: true });
      }),
  },
  {
    name: 'an abort ends the wait for more',
    needs: ['pull'],
    check: (trial) => endsWaiting(trial, (controller) => controller.abort(REASON), REASON),
  },
  {
    name: '`close()` ends the wait for more',
    needs: ['pull'],
    check: (trial) => endsWaiting(trial, (_, source) => source.close(), undefined),
  },
  {
    name: 'what happens while a source waits for more is brought',
    needs: ['pull', 'more'],
    async check(trial) {
      const clock = new FakeClock(Date.now());
      const source = await trial.start({ clock });
      const iteration = source.generateEvents({ follow: true });
      for (let count = 0; count < trial.world.events; count += 1) {
        await trial.within(moving(iteration.next(), clock), `event ${count + 1}`);
      }
      const next = iteration.next();
      await untilQuiet(source);
      await trial.harness.more?.(trial.world);
      const { done } = await trial.within(moving(next, clock), 'what is new');
      assert.notEqual(done, true, 'a source that follows ended');
      await trial.within(iteration.return(), 'the end of the iteration');
    },
  },
  {
    name: 'waiting again and again does not pile up listeners',
    needs: ['pull'],
    async check(trial) {
      const clock = new FakeClock(Date.now());
      const source = await trial.start({ clock });
      const iteration = source.generateEvents({ follow: true });
      for (let count = 0; count < trial.world.events; count += 1) {
        await trial.within(moving(iteration.next(), clock), `event ${count + 1}`);
      }
      const next = iteration.next();
      next.catch(() => {});
      const counts: number[] = [];
      for (let round = 0; round < 7; round += 1) {
        await untilQuiet(source);
        counts.push(listenersOf(source));
        await clock.advance(3_600_000);
        await turns(20);
      }
      const most = Math.max(...counts.slice(-3)) - Math.max(...counts.slice(0, 3));
      assert.ok(most < 4, `listeners on the signal pile up while the source waits: ${counts.join(', ')}`);
      await trial.within(iteration.return(), 'the end of the iteration');
    },
  },
  {
    name: 'an abort ends a request that is never answered',
    needs: ['hang'],
    check: (trial) =>
      leavesNothing(
        trial,
        async (source) => {
          trial.harness.hang?.(trial.world);
          const controller = new AbortController();
          const next = source.generateEvents({ signal: controller.signal }).next();
          next.catch(() => {});
          await turns(20);
          controller.abort(REASON);
          await rejectsWith(trial, next, REASON);
          await assertReleased(trial, source, 'after an abort while upstream hangs', controller.signal);
        },
        new FakeClock(Date.now()),
      ),
  },
  {
    name: 'an abort ends a back-off',
    needs: ['fail', 'pull'],
    async check(trial) {
      const clock = new FakeClock(Date.now());
      await leavesNothing(
        trial,
        async (source) => {
          trial.harness.fail?.(trial.world, 'transient', 0);
          const controller = new AbortController();
          const iteration = source.generateEvents({ signal: controller.signal });
          const next = iteration.next();
          let isOver = false;
          const settle = (): void => {
            isOver = true;
          };
          next.then(settle, settle);
          await trial.eventually(
            () => isOver || clock.sleeping > 0,
            'a failed request is neither told nor tried again',
          );
          // A source that tells at once, and leaves it to its host to try again, does not back off.
          if (isOver) return void (await iteration.return());
          controller.abort(REASON);
          await rejectsWith(trial, next, REASON);
          await assertReleased(trial, source, 'after an abort in a back-off', controller.signal);
        },
        clock,
      );
    },
  },
];

/** Ends an iteration that has brought everything and waits; nothing of it stays. */
async function endsWaiting(
  trial: Trial,
  end: (controller: AbortController, source: EventSource) => void | Promise<void>,
  reason: Error | undefined,
): Promise<void> {
  const clock = new FakeClock(Date.now());
  await leavesNothing(
    trial,
    async (source) => {
      const controller = new AbortController();
      const iteration = source.generateEvents({ follow: true, signal: controller.signal });
      for (let count = 0; count < trial.world.events; count += 1) {
        await trial.within(moving(iteration.next(), clock), `event ${count + 1}`);
      }
      const next = iteration.next();
      next.catch(() => {});
      await untilQuiet(source);
      await end(controller, source);
      if (reason !== undefined) await rejectsWith(trial, next, reason);
      else assert.equal((await trial.within(next, 'the end after close()')).done, true, 'close() did not end the wait');
      await assertReleased(trial, source, 'after the wait was ended', controller.signal);
    },
    clock,
  );
}

/** Lets a source that has brought everything come to rest: it says that it is caught up, or some time passes. */
async function untilQuiet(source: EventSource): Promise<void> {
  for (let round = 0; round < 20 && source.getStatus().state !== 'caught-up'; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await turns(20);
}

/** Moves a clock that stands still for as long as something waits. */
async function moving<Value>(promise: Promise<Value>, clock: FakeClock): Promise<Value> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  while (!isSettled) {
    await turns(2);
    if (clock.sleeping > 0 && !isSettled) await clock.advance(100);
  }
  return promise;
}

/** What a use of a source opened is closed again; compared with what was open before the source was made. */
async function leavesNothing(
  trial: Trial,
  use: (source: EventSource) => Promise<void>,
  clock?: FakeClock,
): Promise<void> {
  const before = openResources();
  const source = await trial.start({ clock });
  await use(source);
  await source.close();
  await assertReleased(trial, source, 'at the end');
  const left = (): string => openResources().minus(before);
  await trial.eventually(
    () => left() === '',
    () => `the process holds more than before: ${left()}`,
  );
}

async function assertReleased(trial: Trial, source: EventSource, when: string, signal?: AbortSignal): Promise<void> {
  const isLetGo = (): boolean => runtimeOf(source).iteration === undefined;
  await trial.eventually(isLetGo, `${when} the source has not let go of what it opened`);
  const { connections } = trial.harness;
  const open = (): number => connections?.call(trial.harness, trial.world) ?? 0;
  await trial.eventually(() => open() === 0, `${when} upstream still sees the source`);
  if (signal === undefined) return;
  assert.equal(getEventListeners(signal, 'abort').length, 0, `${when} there are listeners on the signal`);
}

function listenersOf(source: EventSource): number {
  const signal = runtimeOf(source).iteration?.signal;
  return signal === undefined ? 0 : getEventListeners(signal, 'abort').length;
}

async function rejectsWith(trial: Trial, promise: Promise<unknown>, reason: Error): Promise<void> {
  const settled = promise.then(
    () => assert.fail('an aborted iteration went on'),
    (error: unknown) => error,
  );
  const error = await trial.within(settled, 'the end after an abort');
  assert.equal(error, reason, 'an aborted iteration rejects with something else than the reason of the abort');
}
