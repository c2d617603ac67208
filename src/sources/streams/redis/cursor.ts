import * as z from 'zod';
import { CursorError } from '../../../core/errors.js';

const entryId = z.string().regex(/^\d+-\d+$/);

export const redisCursor = z.strictObject({
  /** By the key of the stream. `added`: how many entries its stream had been given up to this one, of all times. */
  streams: z.record(z.string(), z.strictObject({ id: entryId, added: z.int() })),
});

/** Where plain streams were read to. */
export type RedisCursor = z.output<typeof redisCursor>;

/** @throws CursorError when it is none of this source */
export function parseCursor(cursor: unknown, sourceId: string): RedisCursor {
  if (cursor === undefined) return { streams: {} };
  const { success, data } = redisCursor.safeParse(cursor);
  if (success) return data;
  const message = `the cursor of source "${sourceId}" is none of redis: start without it`;
  throw new CursorError(message, { code: 'CURSOR_CORRUPT', sourceId });
}
