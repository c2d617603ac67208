import * as z from 'zod';
import { CursorError } from '../../../core/errors.js';

/** The shape of a cursor, version 1. */
export const prometheusCursor = z.strictObject({
  /** Up to which time, in milliseconds since 1970, each query was read; scraped: '' and the time of the last scrape. */
  until: z.record(z.string(), z.int()),
  /** The query that is being read beyond that, up to `to`: its series come in order, up to `after` they were delivered. */
  part: z.strictObject({ query: z.string(), to: z.int(), after: z.string() }).optional(),
});

/** Where a `PrometheusSource` goes on. What it knows of series is keyed state. */
export type PrometheusCursor = z.output<typeof prometheusCursor>;

/** @throws CursorError when it is not one of ours */
export function parseCursor(cursor: unknown, sourceId: string): PrometheusCursor {
  if (cursor === undefined) return { until: {} };
  const parsed = prometheusCursor.safeParse(cursor);
  if (parsed.success) return parsed.data;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of a prometheus source: restore an earlier one, or start without a cursor`,
    { sourceId },
  );
}
