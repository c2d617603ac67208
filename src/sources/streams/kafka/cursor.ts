import * as z from 'zod';
import { CursorError } from '../../../core/errors.js';
import type { KafkaPartition } from './kafka-client.js';

export const kafkaCursor = z.strictObject({
  /** The offset that comes next, by `topic:partition`. */
  next: z.record(z.string(), z.string().regex(/^\d+$/)),
});

/** Where partitions were read to, with `commit: 'external'`. */
export type KafkaCursor = z.output<typeof kafkaCursor>;

/** @throws CursorError when it is none of this source */
export function parseCursor(cursor: unknown, sourceId: string): KafkaCursor {
  if (cursor === undefined) return { next: {} };
  const { success, data } = kafkaCursor.safeParse(cursor);
  if (success) return data;
  const message = `the cursor of source "${sourceId}" is none of kafka: start without it`;
  throw new CursorError(message, { code: 'CURSOR_CORRUPT', sourceId });
}

export function partitionKey({ topic, partition }: KafkaPartition): string {
  return `${topic}:${partition}`;
}
