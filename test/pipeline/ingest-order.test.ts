import type { StandardSchemaV1 } from '@standard-schema/spec';
import { FatalError, ingest, SkippableError } from 'headwater';
import { describe, expect, it } from 'vitest';
import { atOnce, failureOf, numbersOf, ObservedLetters, ObservedStore } from '../support/ingesting.js';
import { numberOf } from '../support/observing.js';
import { BatchSource, type TestBatch, type TestEvent } from '../support/test-sources.js';

const STEPS = ['read', 'transform', 'schema', 'sink', 'letters', 'cursor', 'settle'] as const;
type Step = (typeof STEPS)[number];

/** Two batches of three; 2 is a dead letter of the sink, 5 of the schema. Notes every step with the batch it is for. */
function observed(fail: (step: Step, batch: number) => void = () => {}) {
  const steps: string[] = [];
  const note = (step: Step, n: number | 'gap' | undefined): void => {
    const batch = typeof n === 'number' ? Math.ceil(n / 3) : 0;
    if (steps.at(-1) !== `${step} ${batch}`) steps.push(`${step} ${batch}`);
    fail(step, batch);
  };
  const source = new BatchSource(async function* (self, { cursor }) {
    for (const from of [1, 4]) {
      if (from <= (cursor?.n ?? 0)) continue;
      note('read', from);
      const settle = (acknowledged: number, { final }: { final: boolean }): void => {
        if (acknowledged === 3 && final) note('settle', from);
      };
      yield { events: self.items(from, from + 2), cursor: { n: from + 2 }, settle } satisfies TestBatch;
    }
  });
  const cursorStore = new ObservedStore();
  cursorStore.beforeSave = ({ cursor }) => note('cursor', (cursor as { n: number }).n);
  const deadLetters = new ObservedLetters();
  deadLetters.beforeAdd = ([letter]) => note('letters', letter === undefined ? 0 : numberOf(letter.event));
  const schema: StandardSchemaV1<TestEvent> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        const event = value as TestEvent;
        note('schema', numberOf(event));
        return numberOf(event) === 5 ? { issues: [{ message: 'is five', path: ['data', 'n'] }] } : { value: event };
      },
    },
  };
  const run = () =>
    ingest({
      source,
      cursorStore,
      deadLetters,
      schema,
      batch: { maxEvents: 3 },
      retry: { ...atOnce, retries: 0 },
      transform: async (event) => {
        note('transform', numberOf(event));
        return event;
      },
      sink: async (batch) => {
        note('sink', numbersOf(batch)[0]);
        if (numbersOf(batch).includes(2)) throw new SkippableError('two');
      },
    });
  return { steps, run, source, cursorStore, deadLetters };
}

/** The steps of one batch, each once, in the order in which they were first taken. */
function firstSteps(steps: readonly string[], batch: number): string[] {
  const own = steps.filter((step) => step.endsWith(` ${batch}`)).map((step) => step.split(' ')[0] as string);
  return [...new Set(own)];
}

describe('order', () => {
  it('read, transform and schema, sink, dead letters, cursor, upstream', async () => {
    const { steps, run, cursorStore, deadLetters } = observed();
    const report = await run();
    expect(report).toMatchObject({ status: 'partial', read: 6, written: 4, deadLettered: 2, filtered: 0, batches: 2 });
    expect(firstSteps(steps, 1)).toEqual(STEPS);
    expect(firstSteps(steps, 2)).toEqual(STEPS);
    for (const batch of [1, 2]) {
      expect(steps.lastIndexOf(`sink ${batch}`)).toBeLessThan(steps.indexOf(`letters ${batch}`));
      expect(steps.filter((step) => step === `cursor ${batch}`)).toHaveLength(1);
    }
    expect(steps.indexOf('cursor 1')).toBeLessThan(steps.indexOf('sink 2'));
    expect(await cursorStore.cursor()).toEqual({ n: 6 });
    expect(await deadLetters.numbers()).toEqual([2, 5]);
  });

  it('a schema failure says where', async () => {
    const { run, deadLetters } = observed();
    await run();
    const [, letter] = await deadLetters.all();
    expect(letter?.error).toMatchObject({ name: 'SkippableError', code: 'SCHEMA' });
    expect(letter?.error.message).toContain('data.n: is five');
  });

  const failing = STEPS.flatMap((step) => [1, 2].map((batch) => [step, batch] as const));
  it.each(failing)('X3: a failing %s of batch %i stops everything behind it', async (step, batch) => {
    const error = new FatalError('out of order');
    const { steps, run, source, cursorStore } = observed((at, of) => {
      if (at === step && of === batch) throw error;
    });
    const failure = await failureOf(run());
    expect(failure).toBe(error);
    expect(failure.report).toMatchObject({ status: 'failed' });
    expect(firstSteps(steps, batch)).toEqual(STEPS.slice(0, STEPS.indexOf(step) + 1));
    if (step !== 'settle') {
      expect(await cursorStore.cursor()).toEqual(batch === 1 ? undefined : { n: 3 });
      if (batch === 1) expect(firstSteps(steps, 2)).toEqual([]);
    }
    expect(source.getCursor()).toEqual(await cursorStore.cursor());
  });

  it('X3: the next run goes on with the batch that failed', async () => {
    let fails = true;
    const { steps, run } = observed((step, batch) => {
      if (fails && step === 'cursor' && batch === 2) throw new FatalError('no room');
    });
    await failureOf(run());
    fails = false;
    steps.length = 0;
    const report = await run();
    expect(report).toMatchObject({
      read: 3,
      written: 2,
      deadLettered: 1,
      cursorBefore: { n: 3 },
      cursorAfter: { n: 6 },
    });
    expect(firstSteps(steps, 2)).toEqual(STEPS);
  });
});
