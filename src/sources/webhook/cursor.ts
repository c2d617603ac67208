import * as z from 'zod';

/** Where a source stands: until when it is known to have listened, and how far it came in its spool. */
export const webhookCursor = z.object({
  /** RFC 3339. */
  listened: z.iso.datetime(),
  /** Which spool its place is in. */
  spool: z.string().optional(),
  /** The last delivery of the spool that was acknowledged. */
  sequence: z.int().nonnegative().optional(),
});

export type WebhookCursor = z.output<typeof webhookCursor>;
