import * as z from 'zod';

const milliseconds = z.int().min(0).max(2_592_000_000);
const number = z.number();

const common = {
  /** Names the rule in events and in what is remembered: another name is another rule. */
  name: z.string().regex(/^[^\n]+$/, 'expected a name of one line'),
  /** Series of this metric. Default: of all. */
  metric: z.string().min(1).optional(),
  /** Series of the query of this name. Default: of all. */
  query: z.string().min(1).optional(),
  /** Series with these labels. Default: with any. */
  labels: z.record(z.string(), z.string()).optional(),
  /** How long the condition has to hold before it is told, in the time of the samples, in milliseconds. */
  forMs: milliseconds.default(0),
  /** How long it has to hold no longer before that is told. */
  clearForMs: milliseconds.default(0),
  /**
   * When a series brings no sample for `missingAfterMs`: 'keep' what is known, 'clear' the threshold, or 'cross' it. NaN is
   * no sample here.
   */
  missing: z.enum(['keep', 'clear', 'cross']).default('keep'),
  missingAfterMs: milliseconds.default(300_000),
};

const compared = z.strictObject({
  ...common,
  operator: z.enum(['gt', 'gte', 'lt', 'lte', 'eq']),
  value: number,
  /** Hysteresis: it holds until the value is beyond this one, on the other side. Default: `value`. Not for `eq`. */
  clear: number.optional(),
});

const ranged = z.strictObject({
  ...common,
  /** 'range': from `min` to `max`, both included. 'outside': below or above them. */
  operator: z.enum(['range', 'outside']),
  min: number,
  max: number,
});

/** A condition on the samples of each series. */
export const thresholdRule = z
  .discriminatedUnion('operator', [compared, ranged])
  .refine((rule) => !('min' in rule) || rule.min <= rule.max, { error: 'must not be below min', path: ['max'] })
  .refine((rule) => isBeyond(rule), { error: 'must lie on the side on which it does not hold', path: ['clear'] });

export const thresholdRules = z
  .array(thresholdRule)
  .max(100)
  .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, 'names of rules must differ');

export type ThresholdRule = z.output<typeof thresholdRule>;

function isBeyond(rule: z.output<typeof compared> | z.output<typeof ranged>): boolean {
  if ('min' in rule || rule.clear === undefined) return true;
  if (rule.operator === 'eq') return false;
  return rule.operator.startsWith('g') ? rule.clear <= rule.value : rule.clear >= rule.value;
}

/** Whether a value makes a condition hold. */
export type Predicate = (value: number) => boolean;

/** What begins it, and what ends it: between the two everything stays as it is. */
export function predicatesOf(rule: ThresholdRule): { crosses: Predicate; clears: Predicate } {
  if ('min' in rule) {
    const { min, max } = rule;
    const isWithin: Predicate = (value) => value >= min && value <= max;
    const isOutside: Predicate = (value) => value < min || value > max;
    return rule.operator === 'range'
      ? { crosses: isWithin, clears: isOutside }
      : { crosses: isOutside, clears: isWithin };
  }
  const { value: limit, clear } = rule;
  switch (rule.operator) {
    case 'gt':
      return { crosses: (value) => value > limit, clears: clear === undefined ? (v) => v <= limit : (v) => v < clear };
    case 'gte':
      return { crosses: (value) => value >= limit, clears: (value) => value < (clear ?? limit) };
    case 'lt':
      return { crosses: (value) => value < limit, clears: clear === undefined ? (v) => v >= limit : (v) => v > clear };
    case 'lte':
      return { crosses: (value) => value <= limit, clears: (value) => value > (clear ?? limit) };
    default:
      return { crosses: (value) => value === limit, clears: (value) => value !== limit };
  }
}

const SIGNS = { gt: '>', gte: '>=', lt: '<', lte: '<=', eq: '=' } as const;

/** The condition for readers. */
export function conditionText(rule: ThresholdRule): string {
  const duration = rule.forMs === 0 ? '' : ` for ${rule.forMs / 1_000} s`;
  if ('min' in rule) return `${rule.operator === 'range' ? 'within' : 'outside'} ${rule.min} to ${rule.max}${duration}`;
  return `${SIGNS[rule.operator]} ${rule.value}${duration}`;
}
