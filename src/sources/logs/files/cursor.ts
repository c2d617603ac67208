import * as z from 'zod';
import { CursorError } from '../../../core/errors.js';

const count = z.int().nonnegative();
const hash = z.string();

const position = z.strictObject({
  path: z.string(),
  place: z.string().optional(),
  inode: z.number(),
  device: z.number(),
  key: z.string().optional(),
  offset: count,
  head: z.tuple([count, hash]),
  tail: z.tuple([count, count, hash]),
  modified: z.number(),
  state: z.enum(['rotated', 'cut', 'complete']).optional(),
});

/** The shape of a cursor, version 1. */
export const logCursor = z.strictObject({
  /** Where reading stands in each file that is there, and how it is known again: inode, and hashes of what was read. */
  files: z.array(position).readonly(),
  /** Keys of files that are gone, so that no id comes twice. */
  retired: z.array(z.string()).readonly(),
});

/** Where a source of log files goes on. Some 200 bytes for each file that is there. */
export type LogCursor = z.output<typeof logCursor>;

/** @throws CursorError when it is not one of ours. */
export function parseLogCursor(cursor: unknown, sourceId: string): LogCursor | undefined {
  if (cursor === undefined) return undefined;
  const parsed = logCursor.safeParse(cursor);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of log files (${issue?.path.join('.')}: ${issue?.message}): ` +
      'restore an earlier one, or start without a cursor to read everything again',
    { sourceId },
  );
}
