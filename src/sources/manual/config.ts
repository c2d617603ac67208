import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as z from 'zod';
import type { EventSchemas } from './events.js';

const schema = z.custom<StandardSchemaV1>(isStandardSchema, 'expected a schema of zod, valibot, arktype or the like');
const type = z
  .string()
  .min(1)
  .refine((name) => !name.startsWith('headwater.'), 'types that begin with headwater. are reserved');

/** What `ManualSource.create` takes as `config`. */
export const manualConfig = z.strictObject({
  /** The types of events that may be pushed, and what their `data` has to be: any Standard Schema. */
  events: z.record(type, schema).refine((events) => Object.keys(events).length > 0, 'expected one type at least'),
  /** Events that are not acknowledged yet, and their bytes as JSON. */
  maxEvents: z.int().positive().default(1_000),
  maxBytes: z.int().positive().default(16_777_216),
  /** Beyond that: `push` is refused, or waits for room. */
  whenFull: z.enum(['refuse', 'wait']).default('refuse'),
  /** How many may wait for room, or for a schema that takes its time, at once; more are refused. */
  maxWaiting: z.int().positive().default(1_000),
});

type Settings = Omit<z.output<typeof manualConfig>, 'events'>;
type SettingsInput = Omit<z.input<typeof manualConfig>, 'events'>;

export type ManualConfig<Schemas extends EventSchemas> = Settings & { events: Schemas };
export type ManualConfigInput<Schemas extends EventSchemas> = SettingsInput & { events: Schemas };

/** Some of them are functions. */
function isStandardSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const { '~standard': standard } = value as Partial<StandardSchemaV1>;
  return typeof standard?.validate === 'function';
}
