import assert from 'node:assert/strict';
import { ConfigError, FatalError, RetryableError } from '../../core/errors.js';
import type { SourceEvent } from '../../core/event.js';
import type { EventSource } from '../../core/event-source.js';
import { readAll } from './resume-cases.js';
import { assertNothingMissing, type SourceCase, type Trial } from './trial.js';

/** How often a host begins again after a failure that passes. */
const MOST_ATTEMPTS = 5;
/** Requests that may be under way when one of them fails for good. */
const UNDER_WAY = 2;

/** What becomes of requests that fail. */
export const failureCases: readonly SourceCase[] = [
  {
    name: 'a failure that passes costs no event, at whatever request',
    needs: ['fail', 'pull'],
    async check(trial) {
      const all = await readAll(trial);
      for (let after = 0; ; after += 1) {
        const fresh = await trial.another();
        const source = await fresh.start();
        const failed = arm(fresh, 'transient', after);
        const events = await readLikeAHost(fresh, source);
        if (!failed()) return;
        assertNothingMissing(events, all, `request ${after + 1} failed for a moment`);
      }
    },
  },
  {
    name: 'a failure that does not pass ends the run with a FatalError, and is not tried again and again',
    needs: ['fail', 'pull'],
    async check(trial) {
      // Made before anything fails: some have to ask upstream what their cursor belongs to.
      const [one, two] = [await trial.another(), await trial.another()];
      const starts = [
        { after: 0, fresh: one, source: await one.start() },
        { after: 1, fresh: two, source: await two.start() },
      ];
      for (const { after, fresh, source } of starts) {
        const first = requestsOf(fresh);
        const failed = arm(fresh, 'permanent', after);
        const error = await fresh.read(source).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (!failed()) return;
        if (error instanceof assert.AssertionError) throw error;
        assert.ok(error !== undefined, 'a run that failed for good ended as though all was read');
        const isFinal = FatalError.isInstance(error) || ConfigError.isInstance(error);
        assert.ok(isFinal, `a failure that does not pass is told as ${nameOf(error)}, not as a FatalError`);
        const more = requestsOf(fresh) - first - after - 1;
        assert.ok(more <= UNDER_WAY, `a request that failed for good was followed by ${more} more`);
      }
    },
  },
  {
    name: 'validate() accepts what can be read, and changes nothing',
    async check(trial) {
      const all = await readAll(trial);
      const fresh = await trial.another();
      const source = await fresh.start();
      const before = source.getCursor();
      const { ok, problems } = await trial.within(source.validate(), 'the answer of validate()');
      assert.ok(ok, `validate() refuses what can be read: ${JSON.stringify(problems)}`);
      assert.deepEqual(source.getCursor(), before, 'validate() moved the cursor');
      const events = await fresh.read(source);
      // What is received again is another receipt; then it is the number that counts.
      if (trial.definition.capabilities.ids === 'stable') assertNothingMissing(events, all, 'a run after validate()');
      assert.equal(events.length, all.length, 'a run after validate() does not bring everything');
    },
  },
  {
    name: 'validate() refuses what cannot be read, and says why',
    needs: ['fail'],
    async check(trial) {
      const source = await trial.start();
      trial.harness.fail?.(trial.world, 'permanent', 0);
      const { ok, problems } = await trial.within(source.validate(), 'the answer of validate()');
      assert.equal(ok, false, 'validate() accepts what cannot be read');
      const errors = problems.filter(({ severity, message }) => severity === 'error' && message !== '');
      assert.ok(errors.length > 0, 'validate() does not say what is wrong');
    },
  },
  {
    name: 'an abort ends validate()',
    needs: ['hang'],
    async check(trial) {
      const source = await trial.start();
      trial.harness.hang?.(trial.world);
      const controller = new AbortController();
      const answer = source.validate({ signal: controller.signal }).catch(() => {});
      controller.abort(new Error('aborted by the trial'));
      await trial.within(answer, 'the end of validate() after an abort');
    },
  },
];

/** Has a request fail; gives whether it came to that. */
function arm(trial: Trial, kind: 'transient' | 'permanent', after: number): () => boolean {
  const before = requestsOf(trial);
  trial.harness.fail?.(trial.world, kind, after);
  return () => requestsOf(trial) > before + after;
}

function requestsOf({ harness, world }: Trial): number {
  return harness.requests?.(world) ?? 0;
}

/** Reads to the end, beginning again after each failure that may pass. */
async function readLikeAHost(trial: Trial, source: EventSource): Promise<SourceEvent[]> {
  const events: SourceEvent[] = [];
  for (let attempt = 1; ; attempt += 1) {
    try {
      for await (const event of trial.iterate(source)) events.push(event);
      return events;
    } catch (error) {
      assert.ok(
        RetryableError.isInstance(error),
        `a failure that passes is told as ${nameOf(error)}, not to be retried`,
      );
      assert.ok(attempt < MOST_ATTEMPTS, `a failure that passes was still there at attempt ${attempt}`);
    }
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
