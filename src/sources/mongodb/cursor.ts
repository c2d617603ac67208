import * as z from 'zod';
import { CursorError } from '../../core/errors.js';

/** A value as canonical Extended JSON, which keeps type and every digit. */
const value = z.string().min(1);

const pollingCursor = z.strictObject({
  mode: z.literal('polling'),
  /** What it is a position in. */
  field: z.string(),
  /** The document that was delivered last. */
  after: z.strictObject({ value, id: value }).optional(),
});

const changesCursor = z.strictObject({
  mode: z.literal('changes'),
  /** The token of the change that was delivered last, or up to which there was none. */
  token: value.optional(),
  /** The stream ended with that change: it goes on after it as another one. */
  isInvalidated: z.literal(true).optional(),
  /** Without a token: when the stream begins. The documents that were there come first, up to one by one. */
  start: z.strictObject({ at: value, after: value.optional(), isRead: z.literal(true).optional() }).optional(),
});

/** The shape of a cursor, version 1. */
export const mongodbCursor = z.discriminatedUnion('mode', [pollingCursor, changesCursor]);

/** Where a `MongodbSource` goes on. */
export type MongodbCursor = z.output<typeof mongodbCursor>;
export type PollingCursor = z.output<typeof pollingCursor>;
export type ChangesCursor = z.output<typeof changesCursor>;

/** @throws CursorError when it is not one of ours, or of another mode */
export function parseCursor<Mode extends MongodbCursor['mode']>(
  cursor: unknown,
  mode: Mode,
  sourceId: string,
): Extract<MongodbCursor, { mode: Mode }> | undefined {
  if (cursor === undefined) return undefined;
  const parsed = mongodbCursor.safeParse(cursor);
  if (parsed.success && parsed.data.mode === mode) return parsed.data as Extract<MongodbCursor, { mode: Mode }>;
  const [issue] = parsed.error?.issues ?? [];
  const reason =
    issue === undefined ? `it is of mode ${parsed.data?.mode}` : `${issue.path.join('.')}: ${issue.message}`;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of a mongodb source in mode ${mode} (${reason}): ` +
      'restore an earlier one, or start without a cursor to read everything again',
    { sourceId },
  );
}
