import assert from 'node:assert/strict';
import type { CursorStore } from '../../core/cursor-store.js';
import type { SourceEvent } from '../../core/event.js';
import type { EventSource } from '../../core/event-source.js';
import { ingest } from '../../pipeline/ingest.js';
import { readAll } from './resume-cases.js';
import { assertNothingMissing, keyOf, type SourceCase, type Trial } from './trial.js';

/** Where a process can be killed: before and after its sink has stored a batch, before and after a cursor was saved. */
const STEPS = [
  'before the sink',
  'after the sink',
  'before the cursor is saved',
  'after the cursor was saved',
] as const;
type Step = (typeof STEPS)[number];

/** What a sink was given, and what stays of it when the process dies. */
interface Stored {
  readonly events: SourceEvent[];
  /** The batch that the sink was given last. */
  last: readonly SourceEvent[];
}

/** A source within a pipeline that is killed. */
export const pipelineCases: readonly SourceCase[] = STEPS.map((step) => ({
  name: `a pipeline that is killed ${step}, at any batch, loses nothing`,
  needs: ['position', 'pull'],
  async check(trial) {
    const all = await readAll(trial);
    for (let at = 1; ; at += 1) {
      const fresh = await trial.another();
      const stored: Stored = { events: [], last: [] };
      const wasKilled = await runUntilKilled(fresh, stored, step, at);
      const { last } = stored;
      const before = stored.events.length;
      await fresh.within(run(fresh, await fresh.start(), stored, fresh.store), 'the end of the second pipeline');
      assertNothingMissing(stored.events, all, `killed ${step}, batch ${at}`);
      assertRepeats(stored.events, before, step === 'after the cursor was saved' ? [] : last, `killed ${step} ${at}`);
      if (!wasKilled) return;
    }
  },
}));

/** Only what was in the sink when the process died may come again. */
function assertRepeats(events: readonly SourceEvent[], from: number, inFlight: readonly SourceEvent[], what: string) {
  const stored = new Set(events.slice(0, from).map(keyOf));
  const allowed = new Set(inFlight.map(keyOf));
  const repeats = events
    .slice(from)
    .map(keyOf)
    .filter((key) => stored.has(key) && !allowed.has(key));
  assert.deepEqual(repeats, [], `${what}: these were saved, and came again`);
}

/** Runs a pipeline up to the step of a batch, and no further: nothing is stored or saved after that. */
async function runUntilKilled(trial: Trial, stored: Stored, step: Step, at: number): Promise<boolean> {
  const source = await trial.start();
  const killer = new Killer(step, at);
  const running = run(trial, source, stored, killer.store(trial.store), killer);
  try {
    await trial.within(running, 'the end of a pipeline');
  } catch (error) {
    if (!killer.isDead) throw error;
  }
  return killer.isDead;
}

async function run(
  { world }: Trial,
  source: EventSource,
  stored: Stored,
  cursorStore: CursorStore,
  killer?: Killer,
): Promise<void> {
  await ingest({
    source,
    cursorStore,
    batch: { maxEvents: 2 },
    retry: { retries: 0 },
    limit: world.events * 4,
    async sink({ events }) {
      killer?.reach('before the sink');
      stored.events.push(...events);
      stored.last = events;
      killer?.reach('after the sink');
    },
  });
}

/** Stops everything at a step: from then on nothing is stored, saved or loaded. */
class Killer {
  readonly #step: Step;
  #left: number;
  isDead = false;

  constructor(step: Step, at: number) {
    this.#step = step;
    this.#left = at;
  }

  reach(step: Step): void {
    if (step === this.#step) this.#left -= 1;
    if (this.#left === 0) this.isDead = true;
    this.assertAlive();
  }

  assertAlive(): void {
    if (this.isDead) throw new Error('the process was killed');
  }

  store(store: CursorStore): CursorStore {
    return {
      load: async (id) => {
        this.assertAlive();
        return store.load(id);
      },
      delete: (id) => store.delete(id),
      list: () => store.list(),
      loadState: (id, prefix) => store.loadState(id, prefix),
      save: async (write, options) => {
        this.reach('before the cursor is saved');
        const record = await store.save(write, options);
        this.reach('after the cursor was saved');
        return record;
      },
    };
  }
}
