import type { GapEvent, SourceEvent } from '../../core/event.js';
import type { EventFields } from '../../core/event-source.js';
import type { GitCommit, Person } from './commit.js';
import { type RefPosition, tipOf } from './cursor.js';
import type { TagContents } from './tag.js';

export interface GitTag {
  change: 'created' | 'moved' | 'deleted';
  /** Without `refs/tags/`. */
  name: string;
  ref: string;
  /** The tag object, or what a lightweight tag points at. Of a deleted tag: what it was last. */
  sha: string;
  /** What it leads to in the end: usually a commit. */
  target: string;
  annotated: boolean;
  /** Of annotated tags that were created or moved. */
  tagger?: Person;
  message?: string;
  /** What `sha` was before, of tags that were moved or deleted. */
  previous?: string;
}

export interface GitBranch {
  ref: string;
  /** Without `refs/heads/`; `HEAD` while it is detached. */
  name: string;
  /** Where the branch points. Of a deleted one: where it pointed last. */
  sha: string;
  /** Where it pointed before. Absent for created branches. */
  previousSha?: string;
  /** Of rewritten branches: the newest commit that old and new have in common; absent where there is none. */
  mergeBase?: string;
}

/** Everything a `GitSource` emits. */
export type GitEvent =
  | SourceEvent<'git.commit', GitCommit>
  | SourceEvent<'git.tag', GitTag>
  | SourceEvent<'git.branch.created', GitBranch>
  | SourceEvent<'git.branch.updated', GitBranch>
  | SourceEvent<'git.branch.rewritten', GitBranch>
  | SourceEvent<'git.branch.deleted', GitBranch>
  | GapEvent;

/** What `this.event` takes. */
export type CommitFields = EventFields<'git.commit', GitCommit>;
export type RefFields =
  | EventFields<'git.tag', GitTag>
  | EventFields<'git.branch.created' | 'git.branch.updated' | 'git.branch.rewritten' | 'git.branch.deleted', GitBranch>;

const WITH_OFFSET = '2026-01-31T12:00:00+01:00'.length;

/** `source` is the URI of the repository. */
export function commitFields(commit: GitCommit, source: string): CommitFields {
  const { sha, committer } = commit;
  const time = timeOf(committer);
  return {
    type: 'git.commit',
    id: sha,
    source,
    subject: sha,
    time,
    dataschema: 'urn:headwater:git.commit:1',
    data: commit,
  };
}

/**
 * Dates that RFC 3339 cannot express are left to `data`: years beyond 9999 make the text longer, and people may claim
 * any offset. Newer versions of git write Z for +00:00.
 */
function timeOf({ time }: Person): string | undefined {
  if (time.length !== WITH_OFFSET) return time.endsWith('Z') && time.length === WITH_OFFSET - 5 ? time : undefined;
  return time.slice(-5, -3) < '24' && time.slice(-2) < '60' ? time : undefined;
}

/** A ref before and after. */
export interface RefChange {
  ref: string;
  before: RefPosition | undefined;
  after: RefPosition | null;
  /** What both have in common, of a branch that was moved. */
  mergeBase?: string | undefined;
  /** Of an annotated tag. */
  tag?: TagContents | undefined;
}

export function refFields(change: RefChange, uri: string): RefFields {
  const { ref, before, after } = change;
  const revision = after?.revision ?? (before?.revision ?? 0) + 1;
  const envelope = {
    id: [ref, before?.sha ?? '', after?.sha ?? '', revision].join(':'),
    source: uri,
    subject: ref,
  };
  const position = after ?? (before as RefPosition);
  if (ref.startsWith('refs/tags/')) return { ...envelope, ...tagFields(change, position) };
  return { ...envelope, ...branchFields(change, position) };
}

function tagFields({ ref, before, after, tag }: RefChange, position: RefPosition) {
  const data: GitTag = {
    change: after === null ? 'deleted' : before === undefined ? 'created' : 'moved',
    name: ref.slice('refs/tags/'.length),
    ref,
    sha: position.sha,
    target: tag?.target ?? tipOf(position) ?? position.sha,
    annotated: tag !== undefined || (position.tip !== undefined && position.tip !== null),
  };
  if (tag?.tagger !== undefined) data.tagger = tag.tagger;
  if (tag !== undefined) data.message = tag.message;
  if (before !== undefined) data.previous = before.sha;
  const time = tag?.tagger === undefined ? undefined : timeOf(tag.tagger);
  return { type: 'git.tag', time, dataschema: 'urn:headwater:git.tag:1', data } as const;
}

function branchFields({ ref, before, after, mergeBase }: RefChange, position: RefPosition) {
  const data: GitBranch = { ref, name: branchName(ref), sha: position.sha };
  if (before !== undefined) data.previousSha = before.sha;
  const isRewritten = after !== null && before !== undefined && mergeBase !== before.sha;
  if (isRewritten && mergeBase !== undefined) data.mergeBase = mergeBase;
  const type = after === null ? 'deleted' : before === undefined ? 'created' : isRewritten ? 'rewritten' : 'updated';
  return { type: `git.branch.${type}`, dataschema: 'urn:headwater:git.branch:1', data } as const;
}

function branchName(ref: string): string {
  return ref.replace(/^refs\/(?:heads|remotes)\//, '');
}
