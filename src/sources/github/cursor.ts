import * as z from 'zod';
import { CursorError } from '../../core/errors.js';

const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'expected a time');
/** Hashes of versions, each of 8 characters, one after another. */
const keys = z.string().regex(/^(?:[\w-]{8})*$/, 'expected hashes');
const url = z.string().regex(/^https?:\/\//, 'expected a URL');
const sha = z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, 'expected an object name');

const validator = z.strictObject({
  key: z.string(),
  etag: z.string().exactOptional(),
  modified: z.string().exactOptional(),
  at: z.int().nonnegative(),
});

/** A list that can be asked for what was changed since a time, oldest change first. */
const sincePosition = z.strictObject({
  /** What was changed before is delivered. Absent at the beginning. */
  since: time.exactOptional(),
  /** The versions delivered that were changed at that time or later. */
  seen: keys,
  /** Of the last page, when nothing came after it. */
  validator: validator.exactOptional(),
});

/** A list that is read from its newest end down to what is known. */
const headPosition = z.strictObject({
  /** What is older needs not be read again. A time, or a number with leading zeros. */
  stop: z.string().exactOptional(),
  /** What is older is delivered, whatever it is seen as. At most `stop`. */
  floor: z.string().exactOptional(),
  /** The versions delivered that are not older than that. */
  seen: keys,
  /** Where the newest end is, of a list that grows at its end. */
  head: url.exactOptional(),
  /** Of the newest page, once everything below it is delivered. */
  validator: validator.exactOptional(),
  /** A walk under way. */
  pass: z
    .strictObject({
      /** The page to go on with. */
      next: url,
      pages: z.int().nonnegative(),
      /** What will be `stop`, `floor`, `seen`, `head` and `validator`. */
      stop: z.string().exactOptional(),
      floor: z.string().exactOptional(),
      seen: keys,
      head: url.exactOptional(),
      validator: validator.exactOptional(),
      /** The versions delivered last: newer items may have pushed them on to the next page. */
      recent: keys,
    })
    .exactOptional(),
});

/** A list without any order that helps: read as a whole when its first page changes. */
const listPosition = z.strictObject({
  /** Of each thing a hash of its name, and of its version; with '.2' when it is the second time that it changed. */
  known: z.record(z.string(), z.string()),
  validator: validator.exactOptional(),
});

const commitPosition = z.strictObject({
  /** Branch -> its commit, and how often its history was rewritten. */
  branches: z.record(z.string(), z.strictObject({ sha, forced: z.int().positive().exactOptional() })),
  /** The branch that new branches are compared with. */
  base: z.string().exactOptional(),
  /** Of the list of branches, once all of them are delivered. */
  validator: validator.exactOptional(),
  /** A branch whose commits are being delivered. Its pages are named by commits, so they stay as they are. */
  walk: z
    .strictObject({
      branch: z.string(),
      sha,
      forced: z.int().positive().exactOptional(),
      next: url,
      /** What the default branch leads to, and so this one need not bring, was delivered up to here. */
      base: sha.exactOptional(),
      /** The last commit of that page that was delivered. */
      after: sha.exactOptional(),
    })
    .exactOptional(),
});

const streams = z.strictObject({
  commits: commitPosition.exactOptional(),
  issues: sincePosition.exactOptional(),
  pulls: headPosition.exactOptional(),
  issueComments: sincePosition.exactOptional(),
  reviewComments: sincePosition.exactOptional(),
  reviews: headPosition.exactOptional(),
  releases: listPosition.exactOptional(),
  tags: listPosition.exactOptional(),
  workflowRuns: headPosition.exactOptional(),
  stars: headPosition.exactOptional(),
  events: headPosition.exactOptional(),
});

const repositoryPosition = z.strictObject({
  /** 'owner/name', as it was last. */
  name: z.string(),
  streams,
  /** What could not be read, by stream ('*': nothing): the code of the error. */
  problems: z.record(z.string(), z.string()).exactOptional(),
  /** How many problems there have been. */
  told: z.int().positive().exactOptional(),
});

/** The shape of a cursor, version 1. */
export const githubCursor = z.strictObject({
  /** Name as configured, in lower case -> number of the repository it was. */
  names: z.record(z.string(), z.string().regex(/^\d+$/)),
  /** By number: names change, and are given to others. */
  repositories: z.record(z.string().regex(/^\d+$/), repositoryPosition),
});

export type SincePosition = z.output<typeof sincePosition>;
export type HeadPosition = z.output<typeof headPosition>;
export type HeadPass = NonNullable<HeadPosition['pass']>;
export type ListPosition = z.output<typeof listPosition>;
export type CommitPosition = z.output<typeof commitPosition>;
export type StreamPositions = z.output<typeof streams>;
export type RepositoryPosition = z.output<typeof repositoryPosition>;

/**
 * Where a `GitHubSource` goes on: per repository (by its number) and stream. Plain JSON, some hundred bytes for each;
 * a stream of releases or tags has some 25 bytes for each of them.
 */
export type GithubCursor = z.output<typeof githubCursor>;

export const EMPTY_CURSOR: GithubCursor = { names: {}, repositories: {} };

/** @throws CursorError when it is not one of ours. */
export function parseCursor(cursor: unknown, sourceId: string): GithubCursor {
  if (cursor === undefined) return EMPTY_CURSOR;
  const parsed = githubCursor.safeParse(cursor);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of a github source (${issue?.path.join('.')}: ${issue?.message}): ` +
      'restore an earlier one, or start without a cursor to read everything again',
    { sourceId },
  );
}
