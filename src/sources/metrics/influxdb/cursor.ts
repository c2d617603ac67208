import * as z from 'zod';
import { CursorError } from '../../../core/errors.js';

const nanoseconds = z.string().regex(/^-?\d{1,20}$/);

/** The shape of a cursor, version 1. Times are nanoseconds since 1970, as text: a number would not hold them. */
export const influxdbCursor = z.strictObject({
  /** Before which time each query was read. */
  until: z.record(z.string(), nanoseconds),
  /** The query that is being read beyond that, before `to`: its series come in order, up to `after` they were delivered. */
  part: z.strictObject({ query: z.string(), to: nanoseconds, after: z.string() }).optional(),
});

/** Where an `InfluxdbSource` goes on. What it knows of samples and thresholds is keyed state. */
export type InfluxdbCursor = z.output<typeof influxdbCursor>;

/** @throws CursorError when it is not one of ours */
export function parseCursor(cursor: unknown, sourceId: string): InfluxdbCursor {
  if (cursor === undefined) return { until: {} };
  const parsed = influxdbCursor.safeParse(cursor);
  if (parsed.success) return parsed.data;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of an influxdb source: restore an earlier one, or start without a cursor`,
    { sourceId },
  );
}
