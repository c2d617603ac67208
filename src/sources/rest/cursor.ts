import * as z from 'zod';
import { CursorError } from '../../core/errors.js';
import type { Validator } from '../../toolkit/http/validators.js';

const validator = z.custom<Validator>(
  (value) =>
    typeof (value as { key?: unknown } | null)?.key === 'string' && typeof (value as { at?: unknown }).at === 'number',
);

/** The shape of a cursor, version 1. */
export const restCursor = z.strictObject({
  /** How many complete passes found that something was deleted: an item that comes again afterwards is another one. */
  epoch: z.int(),
  /** Whether a pass was ever complete: what was there before is known. */
  isKnown: z.literal(true).optional(),
  /** Detection by watermark: the largest value of a complete pass. */
  watermark: z.union([z.string(), z.number()]).optional(),
  /** What the server gave with a body that was delivered, to ask whether it changed. */
  validators: z.array(validator).optional(),
});

/** Where a `RestSource` goes on. What it knows of each item is keyed state. */
export type RestCursor = z.output<typeof restCursor>;

/** @throws CursorError when it is not one of ours */
export function parseCursor(cursor: unknown, sourceId: string): RestCursor {
  if (cursor === undefined) return { epoch: 0 };
  const parsed = restCursor.safeParse(cursor);
  if (parsed.success) return parsed.data;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of a rest source: restore an earlier one, or start without a cursor`,
    { sourceId },
  );
}
