import * as z from 'zod';
import { CursorError } from '../../core/errors.js';

const count = z.int().nonnegative();

const decodePosition = z.strictObject({
  offset: count,
  index: count,
  line: count,
  context: z.unknown().optional(),
});

/** The shape of a cursor, version 1. */
export const filesystemCursor = z.strictObject({
  /** Of a source that began with a baseline: whether all that was there is remembered. */
  baseline: z.enum(['running', 'done']).optional(),
  /** The file whose records are being delivered, and where the next one begins. */
  reading: z.strictObject({ path: z.string(), version: z.string(), position: decodePosition.optional() }).optional(),
});

/**
 * Where a `FilesystemSource` goes on within a large file. What it knows of each file is keyed state, so the source needs
 * a cursor store.
 */
export type FilesystemCursor = z.output<typeof filesystemCursor>;
export type ReadingPosition = NonNullable<FilesystemCursor['reading']>;

/** @throws CursorError when it is not one of ours. */
export function parseCursor(cursor: unknown, sourceId: string): FilesystemCursor {
  if (cursor === undefined) return {};
  const parsed = filesystemCursor.safeParse(cursor);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of a filesystem source (${issue?.path.join('.')}: ${issue?.message}): ` +
      'restore an earlier one, or start without a cursor to read everything again',
    { sourceId },
  );
}
