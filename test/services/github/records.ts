/** What the server keeps of each thing; payloads are made of it when they are asked for. */

export type AccountType = 'User' | 'Organization' | 'Bot';

export interface Account {
  readonly id: number;
  readonly login: string;
  readonly type: AccountType;
  /** Personal tokens must be authorised for single sign-on: see `server.personalToken({ sso })`. */
  requiresSso?: boolean;
}

/** Times are as GitHub sends them: UTC, whole seconds, '2026-01-15T12:00:00Z'. */
interface Stamped {
  readonly id: number;
  createdAt: string;
  updatedAt: string;
  user: Account;
}

export interface IssueRecord extends Stamped {
  readonly number: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  closedAt: string | null;
  labels: readonly string[];
  commentCount: number;
  /** Set when the issue is a pull request. */
  pull?: PullPart;
}

/** A pull request has an id of its own, besides that of its issue. */
export interface PullPart {
  readonly id: number;
  headRef: string;
  headSha: string;
  baseRef: string;
  baseSha: string;
  draft: boolean;
  mergedAt: string | null;
  reviewCommentCount: number;
}

export interface PullRecord extends IssueRecord {
  pull: PullPart;
}

export interface IssueCommentRecord extends Stamped {
  readonly issue: IssueRecord;
  body: string;
}

export interface ReviewCommentRecord extends Stamped {
  readonly pull: PullRecord;
  readonly reviewId: number | null;
  body: string;
  path: string;
  line: number;
}

export interface ReviewRecord {
  readonly id: number;
  readonly pull: PullRecord;
  user: Account;
  body: string;
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED' | 'PENDING';
  submittedAt: string;
  commitId: string;
}

export interface ReleaseRecord extends Stamped {
  tagName: string;
  target: string;
  name: string | null;
  body: string | null;
  draft: boolean;
  prerelease: boolean;
  publishedAt: string | null;
}

export interface WorkflowRunRecord extends Stamped {
  readonly runNumber: number;
  attempt: number;
  name: string;
  event: string;
  branch: string;
  headSha: string;
  status: 'queued' | 'in_progress' | 'completed';
  conclusion: 'success' | 'failure' | 'cancelled' | null;
}

export interface StarRecord {
  readonly user: Account;
  readonly starredAt: string;
}

export interface EventRecord {
  /** Decimal digits. Compare as numbers: '10' comes after '9'. */
  readonly id: string;
  readonly type: string;
  readonly actor: Account;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
}

/** Milliseconds as GitHub writes them, to the second. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
