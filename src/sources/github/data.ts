import type { GapEvent, SourceEvent } from '../../core/event.js';

/** Which repository something is of. The number stays when it is renamed. */
export interface GithubRepository {
  id: number;
  /** 'owner/name', when the event was made. */
  name: string;
}

export interface GithubAccount {
  id: number;
  login: string;
  /** 'User', 'Organization', 'Bot'. */
  type: string;
}

interface Common {
  repository: GithubRepository;
  id: number;
  nodeId: string;
  /** For people: `https://github.com/…`. */
  url: string;
  /** The payload as GitHub sent it, with `raw: true`. */
  raw?: unknown;
}

interface Dated {
  /** RFC 3339, whole seconds, as GitHub gives them. */
  createdAt: string;
  updatedAt: string;
}

export interface GithubIssue extends Common, Dated {
  number: number;
  title: string;
  body: string | null;
  state: string;
  stateReason: string | null;
  author: GithubAccount | null;
  labels: string[];
  assignees: string[];
  milestone: string | null;
  locked: boolean;
  comments: number;
  closedAt: string | null;
}

export interface GithubPull extends Common, Dated {
  number: number;
  title: string;
  body: string | null;
  state: string;
  draft: boolean;
  merged: boolean;
  author: GithubAccount | null;
  labels: string[];
  assignees: string[];
  reviewers: string[];
  milestone: string | null;
  head: { ref: string; sha: string; repository: string | null };
  base: { ref: string; sha: string };
  mergeCommit: string | null;
  closedAt: string | null;
  mergedAt: string | null;
}

export interface GithubComment extends Common, Dated {
  /** The number of the issue or pull request. */
  issue: number;
  body: string;
  author: GithubAccount | null;
}

export interface GithubReviewComment extends Common, Dated {
  /** The number of the pull request. */
  pull: number;
  body: string;
  author: GithubAccount | null;
  path: string;
  line: number | null;
  side: string | null;
  commit: string;
  review: number | null;
  inReplyTo: number | null;
}

export interface GithubReview extends Common {
  /** The number of the pull request. */
  pull: number;
  /** 'APPROVED', 'CHANGES_REQUESTED', 'COMMENTED', 'DISMISSED'. */
  state: string;
  body: string;
  author: GithubAccount | null;
  commit: string | null;
  submittedAt: string | null;
}

export interface GithubRelease extends Common {
  tag: string;
  target: string;
  name: string | null;
  body: string | null;
  draft: boolean;
  prerelease: boolean;
  author: GithubAccount | null;
  createdAt: string;
  updatedAt: string | null;
  publishedAt: string | null;
  assets: { id: number; name: string; size: number; contentType: string; downloadUrl: string }[];
}

export interface GithubTag {
  repository: GithubRepository;
  change: 'created' | 'moved';
  name: string;
  /** The commit that it leads to. */
  sha: string;
  raw?: unknown;
}

export interface GithubWorkflowRun extends Common, Dated {
  name: string | null;
  number: number;
  attempt: number;
  workflow: number;
  /** What set it off: 'push', 'schedule'. */
  event: string;
  status: string | null;
  conclusion: string | null;
  branch: string | null;
  sha: string;
  actor: GithubAccount | null;
  startedAt: string | null;
}

export interface GithubPerson {
  name: string;
  email: string;
  /** RFC 3339. */
  time: string;
  /** Where the address belongs to an account. */
  login?: string;
}

export interface GithubCommit {
  repository: GithubRepository;
  sha: string;
  parents: string[];
  author: GithubPerson;
  committer: GithubPerson;
  subject: string;
  body: string;
  /** The branch that it was found by; others may lead to it as well. */
  branch: string;
  url: string;
  raw?: unknown;
}

export interface GithubBranchForced {
  repository: GithubRepository;
  branch: string;
  sha: string;
  previousSha: string;
  /** The newest commit that old and new have in common; absent where there is none. */
  mergeBase?: string;
}

export interface GithubStar {
  repository: GithubRepository;
  account: GithubAccount;
  starredAt: string;
  raw?: unknown;
}

export interface GithubActivity {
  repository: GithubRepository;
  /** Decimal digits. */
  id: string;
  /** 'PushEvent', 'WatchEvent' and so on. */
  kind: string;
  actor: GithubAccount | null;
  /** As GitHub sent it: it depends on the kind. https://docs.github.com/rest/using-the-rest-api/github-event-types */
  payload: unknown;
  createdAt: string;
  raw?: unknown;
}

export interface GithubUnavailable {
  repository: GithubRepository;
  /** The stream, or '*' for the whole repository. */
  stream: string;
  /** Of the error: 'NOT_FOUND', 'PERMISSION', 'HTTP_BLOCKED' and so on. */
  code: string;
  message: string;
}

/** Everything a `GitHubSource` emits. */
export type GitHubEvent =
  | SourceEvent<'github.commit', GithubCommit>
  | SourceEvent<'github.branch.forced', GithubBranchForced>
  | SourceEvent<'github.issue.created' | 'github.issue.updated', GithubIssue>
  | SourceEvent<'github.pull_request.created' | 'github.pull_request.updated', GithubPull>
  | SourceEvent<'github.comment.created' | 'github.comment.updated', GithubComment>
  | SourceEvent<'github.review_comment.created' | 'github.review_comment.updated', GithubReviewComment>
  | SourceEvent<'github.review.created' | 'github.review.updated', GithubReview>
  | SourceEvent<'github.release.created' | 'github.release.updated', GithubRelease>
  | SourceEvent<'github.tag', GithubTag>
  | SourceEvent<'github.workflow_run.created' | 'github.workflow_run.updated', GithubWorkflowRun>
  | SourceEvent<'github.star', GithubStar>
  | SourceEvent<'github.event', GithubActivity>
  | SourceEvent<'github.repository.unavailable', GithubUnavailable>
  | GapEvent;
