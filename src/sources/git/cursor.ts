import * as z from 'zod';
import { CursorError } from '../../core/errors.js';

const objectName = z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, 'expected an object name');
const refName = z.string().regex(/^(?:HEAD$|refs\/)/, 'expected the full name of a ref');
const count = z.int().nonnegative();

const refPosition = z.strictObject({
  /** What the ref holds. */
  sha: objectName,
  /** The commit it leads to, where that is not `sha` itself; null where it leads to none. */
  tip: objectName.nullable().optional(),
  /** How many events this ref has had: tells A -> B -> A apart. */
  revision: z.int().positive(),
  /** Its commit is no longer in the repository, and a gap has told so. */
  gone: z.literal(true).optional(),
});

const gitPass = z.strictObject({
  /** The refs that changed, with what they hold from now on; null: deleted. Pinned for the whole pass. */
  refs: z.record(refName, refPosition.nullable()),
  /** Fingerprint of the settings that decide which commits the walk lists. */
  walk: z.string(),
  /** At most so many commits, the newest. */
  limit: z.int().positive().optional(),
  /** Commits delivered. */
  commits: count,
  /** The last of them. */
  after: objectName.optional(),
  /** Ref events delivered; they follow the commits. */
  events: count,
});

/** The shape of a cursor, version 1. Object names go to git's input, so nothing else gets through. */
export const gitCursor = z.strictObject({
  refs: z.record(refName, refPosition),
  /** The highest revision that a deleted ref has had: one that comes again starts above it. */
  floor: count,
  pass: gitPass.optional(),
});

/** What a ref held when its last event was delivered. */
export type RefPosition = z.output<typeof refPosition>;

/** A walk in progress, pinned to the refs as they were when it began. */
export type GitPass = z.output<typeof gitPass>;

/**
 * Where a `GitSource` goes on: which commits each ref had reached, and how far a walk in progress has come. Small JSON;
 * compared by reachability, never by date.
 */
export type GitCursor = z.output<typeof gitCursor>;

export const EMPTY_CURSOR: GitCursor = { refs: {}, floor: 0 };

/** @throws CursorError when it is not one of ours. */
export function parseCursor(cursor: unknown, sourceId: string): GitCursor {
  if (cursor === undefined) return EMPTY_CURSOR;
  const parsed = gitCursor.safeParse(cursor);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of a git source (${issue?.path.join('.')}: ${issue?.message}): ` +
      'restore an earlier one, or start without a cursor to read everything again',
    { sourceId },
  );
}

/** The commit that a position leads to, or null. */
export function tipOf({ sha, tip }: RefPosition): string | null {
  return tip === undefined ? sha : tip;
}

/** The cursor once every event of its pass is delivered. */
export function finishPass({ refs, floor, pass }: GitCursor): GitCursor {
  const after: Record<string, RefPosition> = { ...refs };
  let highest = floor;
  for (const [name, position] of Object.entries(pass?.refs ?? {})) {
    if (position === null) {
      highest = Math.max(highest, (after[name]?.revision ?? 0) + 1);
      delete after[name];
    } else after[name] = position;
  }
  return { refs: after, floor: highest };
}
