import fc from 'fast-check';
import type { KeyedState } from 'headwater';
import { describe, expect, it } from 'vitest';
import type { MetricFields } from '../../../src/sources/metrics/events.js';
import { toSeries } from '../../../src/sources/metrics/series.js';
import { thresholdRules } from '../../../src/sources/metrics/threshold/rule.js';
import { Thresholds } from '../../../src/sources/metrics/threshold/thresholds.js';

const SERIES = toSeries('load', { host: 'a' });
const SECOND = 1_000;

/** Keyed state that survives whoever uses it. */
class Memory implements KeyedState {
  readonly values = new Map<string, unknown>();
  async get(key: string): Promise<unknown> {
    return this.values.get(key);
  }
  set(key: string, value: unknown): void {
    this.values.set(key, JSON.parse(JSON.stringify(value)));
  }
  delete(key: string): void {
    this.values.delete(key);
  }
  async *entries(prefix = ''): AsyncGenerator<[string, unknown]> {
    for (const entry of this.values) if (entry[0].startsWith(prefix)) yield entry;
  }
}

type Rule = Record<string, unknown>;

function load(rule: Rule, state: KeyedState, maxSeries = 100): Promise<Thresholds> {
  const rules = thresholdRules.parse([{ name: 'rule', ...rule }]);
  return Thresholds.load({ rules, state, maxSeries, onDropped: () => {} });
}

/** Samples a second apart; what was told, as `crossed 3` for the third. `restarts`: another process after each. */
async function told(rule: Rule, values: readonly (number | undefined)[], restarts = false): Promise<string[]> {
  const state = new Memory();
  let thresholds = await load(rule, state);
  const out: MetricFields[] = [];
  for (const [at, value] of values.entries()) {
    if (restarts) thresholds = await load(rule, state);
    const time = (at + 1) * SECOND;
    if (value !== undefined) for (const each of thresholds.of(SERIES)) each.sample(time, value, out);
    thresholds.missing(time, out);
  }
  return out.map(({ type, time }) => `${type.split('.').at(-1)} ${Date.parse(time) / SECOND}`);
}

describe('operators', () => {
  const cases: readonly [Rule, number, number][] = [
    [{ operator: 'gt', value: 5 }, 5.1, 5],
    [{ operator: 'gte', value: 5 }, 5, 4.9],
    [{ operator: 'lt', value: 5 }, 4.9, 5],
    [{ operator: 'lte', value: 5 }, 5, 5.1],
    [{ operator: 'eq', value: 5 }, 5, 5.1],
    [{ operator: 'range', min: 1, max: 5 }, 5, 5.1],
    [{ operator: 'range', min: 1, max: 5 }, 1, 0.9],
    [{ operator: 'outside', min: 1, max: 5 }, 5.1, 5],
    [{ operator: 'gt', value: 5 }, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ];
  it.each(cases)('%o is crossed by %d and cleared by %d', async (rule, crossing, clearing) => {
    expect(await told(rule, [clearing, crossing, crossing, clearing])).toEqual(['crossed 2', 'cleared 4']);
  });
});

describe('MX6', () => {
  it('it has to hold for so long, in the time of the samples', async () => {
    const rule = { operator: 'gt', value: 5, forMs: 2 * SECOND };
    expect(await told(rule, [9, 9, 1, 9, 9, 9, 9])).toEqual(['crossed 6']);
    // Two samples are enough, when they are far enough apart.
    expect(await told(rule, [9, undefined, undefined, 9])).toEqual(['crossed 4']);
  });

  it('between the two values of a hysteresis everything stays as it is', async () => {
    const rule = { operator: 'gt', value: 5, clear: 3 };
    expect(await told(rule, [6, 4, 5, 3, 6, 2.9, 4, 6])).toEqual(['crossed 1', 'cleared 6', 'crossed 8']);
  });

  it('it has to hold no longer for so long', async () => {
    const rule = { operator: 'gt', value: 5, clearForMs: 2 * SECOND };
    expect(await told(rule, [6, 1, 6, 1, 1, 1])).toEqual(['crossed 1', 'cleared 6']);
  });

  it('missing data changes nothing, unless that was asked for', async () => {
    const gone = [9, undefined, undefined, undefined, 9, 1];
    const rule = { operator: 'gt', value: 5, missingAfterMs: 2 * SECOND };
    expect(await told(rule, gone)).toEqual(['crossed 1', 'cleared 6']);
    expect(await told({ ...rule, missing: 'clear' }, gone)).toEqual([
      'crossed 1',
      'cleared 3',
      'crossed 5',
      'cleared 6',
    ]);
    const quiet = [1, undefined, undefined, undefined, 1];
    expect(await told({ ...rule, missing: 'cross' }, quiet)).toEqual(['crossed 3', 'cleared 5']);
    expect(await told(rule, [9, Number.NaN, Number.NaN, 9, 1])).toEqual(['crossed 1', 'cleared 5']);
  });

  it('what comes late, or again, is passed over', async () => {
    const state = new Memory();
    const thresholds = await load({ operator: 'gt', value: 5 }, state);
    const out: MetricFields[] = [];
    const [tracked] = thresholds.of(SERIES);
    for (const [time, value] of [
      [5, 9],
      [5, 1],
      [3, 1],
      [5, 9],
      [6, 9],
    ] as const)
      tracked?.sample(time, value, out);
    expect(out.map(({ type }) => type)).toEqual(['metric.threshold.crossed']);
  });

  const rule = fc.record({
    operator: fc.constantFrom('gt', 'lt'),
    value: fc.constant(5),
    forMs: fc.integer({ min: 0, max: 5 }).map((seconds) => seconds * SECOND),
    clearForMs: fc.integer({ min: 0, max: 5 }).map((seconds) => seconds * SECOND),
    missing: fc.constantFrom('keep', 'clear', 'cross'),
    missingAfterMs: fc.constant(3 * SECOND),
  });
  const values = fc.array(
    fc.option(fc.oneof(fc.integer({ min: 0, max: 10 }), fc.constant(Number.NaN)), { nil: undefined, freq: 5 }),
    { maxLength: 60 },
  );

  it('a restart between any two samples changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(rule, values, async (one, series) => {
        expect(await told(one, series, true)).toEqual(await told(one, series));
      }),
    );
  });

  it('however it flaps, there is one turn in a hold time at most, and turns alternate', async () => {
    await fc.assert(
      fc.asyncProperty(rule, values, async (one, series) => {
        const turns = (await told({ ...one, missing: 'keep' }, series)).map(
          (turn) => turn.split(' ') as [string, string],
        );
        for (const [at, [kind, time]] of turns.entries()) {
          expect(kind).toBe(at % 2 === 0 ? 'crossed' : 'cleared');
          const [, before = '0'] = turns[at - 1] ?? [];
          const hold = (kind === 'crossed' ? one.forMs : one.clearForMs) / SECOND;
          expect(Number(time) - Number(before)).toBeGreaterThanOrEqual(at === 0 ? 0 : hold);
        }
      }),
    );
  });

  it('says rule, value, series and since when', async () => {
    const state = new Memory();
    const thresholds = await load({ operator: 'gte', value: 5, forMs: 60_000 }, state);
    const out: MetricFields[] = [];
    for (const each of thresholds.of(SERIES)) for (const time of [0, 30_000, 60_000]) each.sample(time, 7, out);
    expect(out).toEqual([
      {
        type: 'metric.threshold.crossed',
        id: 'rule:load{host="a"}@60000:crossed',
        subject: 'load{host="a"}',
        time: '1970-01-01T00:01:00.000Z',
        data: {
          rule: 'rule',
          metric: 'load',
          labels: { host: 'a' },
          value: 7,
          condition: '>= 5 for 60 s',
          since: '1970-01-01T00:00:00.000Z',
        },
      },
    ]);
  });
});

it('rules are about the series that they name', async () => {
  const rules = thresholdRules.parse([
    { name: 'all', operator: 'gt', value: 0 },
    { name: 'metric', metric: 'other', operator: 'gt', value: 0 },
    { name: 'labels', labels: { host: 'a' }, operator: 'gt', value: 0 },
    { name: 'query', query: 'q', operator: 'gt', value: 0 },
  ]);
  const thresholds = await Thresholds.load({ rules, state: new Memory(), maxSeries: 10, onDropped: () => {} });
  const about = (series: ReturnType<typeof toSeries>): string[] => {
    const out: MetricFields[] = [];
    for (const each of thresholds.of(series)) each.sample(1, 1, out);
    return out.map(({ data }) => (data as { rule: string }).rule);
  };
  expect(about(SERIES)).toEqual(['all', 'labels']);
  expect(about(toSeries('other', { host: 'b' }, 'q'))).toEqual(['all', 'metric', 'query']);
});

it('series beyond the most are left out, and counted', async () => {
  let dropped = 0;
  const rules = thresholdRules.parse([{ name: 'r', operator: 'gt', value: 0 }]);
  const thresholds = await Thresholds.load({
    rules,
    state: new Memory(),
    maxSeries: 2,
    onDropped: () => (dropped += 1),
  });
  for (let host = 0; host < 5; host += 1) thresholds.of(toSeries('load', { host: `${host}` }));
  expect(dropped).toBe(3);
});

it('mistakes in rules are told', () => {
  const wrong = [
    { name: 'a', operator: 'gt', value: 5, clear: 6 },
    { name: 'c', operator: 'range', min: 6, max: 5 },
    { name: 'b', operator: 'eq', value: 5, clear: 5 },
  ];
  const { error } = thresholdRules.safeParse(wrong);
  expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(['0.clear', '1.max', '2.clear']);
  expect(thresholdRules.safeParse([wrong[0], wrong[0]].map((rule) => ({ ...rule, clear: 1 }))).error?.message).toMatch(
    /names of rules must differ/,
  );
});

it('MX5: a series is its labels, in whatever order', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (labels) => {
      const turned = Object.fromEntries(Object.entries(labels).reverse());
      expect(toSeries('m', turned).key).toBe(toSeries('m', labels).key);
    }),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), fc.dictionary(fc.string(), fc.string()), (one, other) => {
      const isSame = JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
      expect(toSeries('m', one).key === toSeries('m', other).key).toBe(isSame);
    }),
  );
});
