import * as z from 'zod';
import { CursorError } from '../../../core/errors.js';

export const rabbitmqCursor = z.strictObject({
  /** The offset in the stream that comes next. */
  next: z.int().min(0),
});

/** Where a stream queue was read to. */
export type RabbitmqCursor = z.output<typeof rabbitmqCursor>;

/** @throws CursorError when it is none of this source */
export function parseCursor(cursor: unknown, sourceId: string): RabbitmqCursor | undefined {
  if (cursor === undefined) return undefined;
  const { success, data } = rabbitmqCursor.safeParse(cursor);
  if (success) return data;
  const message = `the cursor of source "${sourceId}" is none of rabbitmq: start without it`;
  throw new CursorError(message, { code: 'CURSOR_CORRUPT', sourceId });
}
