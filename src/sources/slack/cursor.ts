import * as z from 'zod';
import { CursorError } from '../../core/errors.js';

const ts = z.string().regex(/^\d{10,12}\.\d{6}$/, 'expected the ts of a message, as text');

const channelPosition = z.strictObject({
  /** As the configuration has it: once a name has been found, the id stays, whatever the channel is called later. */
  name: z.string().optional(),
  /** Everything up to here was delivered. */
  after: ts.optional(),
  /** The message at `after` has a thread that was being delivered, and the last reply that was. */
  thread: z.strictObject({ ts, after: ts.optional() }).optional(),
  /** Messages after this one, within the window, are remembered in the state. */
  remembered: ts.optional(),
});

/** The shape of a cursor, version 1. */
export const slackCursor = z.strictObject({
  /** The workspace. */
  team: z.string(),
  /** By the id of the channel. */
  channels: z.record(z.string(), channelPosition),
});

/** Where a `SlackSource` goes on. What it remembers of messages within its windows is keyed state. */
export type SlackCursor = z.output<typeof slackCursor>;
export type ChannelPosition = z.output<typeof channelPosition>;

/** @throws CursorError when it is not one of ours. */
export function parseCursor(cursor: unknown, sourceId: string): SlackCursor | undefined {
  if (cursor === undefined) return undefined;
  const parsed = slackCursor.safeParse(cursor);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of a slack source (${issue?.path.join('.')}: ${issue?.message}): ` +
      'restore an earlier one, or start without a cursor to read everything again',
    { sourceId },
  );
}
