import { createHash } from 'node:crypto';
import {
  type Account,
  type AccountType,
  type EventRecord,
  type IssueCommentRecord,
  type IssueRecord,
  type PullRecord,
  type ReleaseRecord,
  type ReviewCommentRecord,
  type ReviewRecord,
  type StarRecord,
  timestamp,
  type WorkflowRunRecord,
} from './records.js';
import { RepositoryGit } from './repository-git.js';
import type { World } from './world.js';

export interface RepositoryOptions {
  readonly private?: boolean;
  readonly defaultBranch?: string;
  /** Of an owner that does not exist yet. Default: 'Organization'. */
  readonly ownerType?: AccountType;
}

interface Stamp {
  readonly id: number;
  createdAt: string;
  updatedAt: string;
  user: Account;
}

type Changes<T> = Partial<Omit<T, 'id' | 'number' | 'issue' | 'pull'>>;

const SPACING_MS = 60_000;

/**
 * One repository and the way to fill and change it. Every builder returns the record it made; `edit` changes one.
 *
 * ```ts
 * const repository = server.repository('octo/spoon');
 * repository.issues(250);
 * const [first] = repository.issues(1);
 * repository.edit(first, { title: 'Renamed' });
 * repository.git.commits(10);
 * repository.rename('fork');
 * ```
 */
export class Repository {
  readonly id: number;
  readonly createdAt: string;
  readonly git: RepositoryGit;
  readonly issueRecords: IssueRecord[] = [];
  readonly commentRecords: IssueCommentRecord[] = [];
  readonly reviewCommentRecords: ReviewCommentRecord[] = [];
  readonly reviewRecords: ReviewRecord[] = [];
  readonly releaseRecords: ReleaseRecord[] = [];
  readonly runRecords: WorkflowRunRecord[] = [];
  readonly starRecords: StarRecord[] = [];
  readonly eventRecords: EventRecord[] = [];

  owner: Account;
  name: string;
  private: boolean;
  defaultBranch: string;
  archived = false;
  /** Taken down: every answer is 451 with this reason. */
  blocked: { readonly reason: string; readonly createdAt: string } | undefined;
  updatedAt: string;
  pushedAt: string;
  /** Rises with every change. */
  version = 0;

  readonly #world: World;
  #lastNumber = 0;

  constructor(world: World, id: number, owner: Account, name: string, options: RepositoryOptions) {
    this.#world = world;
    this.id = id;
    this.owner = owner;
    this.name = name;
    this.private = options.private ?? false;
    this.defaultBranch = options.defaultBranch ?? 'main';
    this.createdAt = this.#now();
    this.updatedAt = this.createdAt;
    this.pushedAt = this.createdAt;
    this.git = new RepositoryGit({
      defaultBranch: () => this.defaultBranch,
      now: world.now,
      pushed: () => {
        this.pushedAt = this.#now();
        this.version += 1;
      },
    });
  }

  get fullName(): string {
    return `${this.owner.login}/${this.name}`;
  }

  /** The old name answers with a redirect until another repository takes it. */
  rename(name: string): void {
    this.#world.leaveName(this);
    this.name = name;
    this.#changed();
  }

  /** Like a rename, to another owner. The id stays. */
  transfer(login: string, type: AccountType = 'Organization'): void {
    this.#world.leaveName(this);
    this.owner = this.#world.account(login, type);
    this.#changed();
  }

  delete(): void {
    this.#world.forget(this);
  }

  /** Legal takedown: 451. */
  block(reason = 'dmca'): void {
    this.blocked = { reason, createdAt: this.#now() };
  }

  archive(): void {
    this.archived = true;
    this.#changed();
  }

  makePrivate(): void {
    this.private = true;
    this.#changed();
  }

  /** Makes issues one minute apart, the last of them now. Oldest first. */
  issues(count: number, content: Changes<IssueRecord> = {}): IssueRecord[] {
    return this.#many(count, (at) => this.issue({ createdAt: at, updatedAt: at, ...content }));
  }

  issue(content: Changes<IssueRecord> = {}): IssueRecord {
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    const defaults: Omit<IssueRecord, keyof Stamp> = {
      number,
      title: `Issue ${number}`,
      body: `What issue ${number} is about.`,
      state: 'open',
      closedAt: null,
      labels: [],
      commentCount: 0,
    };
    // Not spread into a literal: that is slow enough to tell with hundreds of thousands.
    return this.#keep(this.issueRecords, Object.assign(this.#stamp(), defaults, content));
  }

  pulls(count: number, content: Changes<IssueRecord> = {}): PullRecord[] {
    return this.#many(count, (at) => this.pull({ createdAt: at, updatedAt: at, ...content }));
  }

  /** A pull request is an issue too, and shares its numbers. Its branch need not exist. */
  pull(content: Changes<IssueRecord> & { readonly branch?: string } = {}): PullRecord {
    const { branch, ...rest } = content;
    const issue = this.issue({ title: `Pull request ${this.#lastNumber + 1}`, ...rest });
    const headRef = branch ?? `topic-${issue.number}`;
    const pull = {
      id: this.#world.nextId(),
      headRef,
      headSha: this.git.graph.head(headRef) ?? inventSha(`${this.id} ${headRef}`),
      baseRef: this.defaultBranch,
      baseSha: this.git.graph.head(this.defaultBranch) ?? inventSha(`${this.id} base`),
      draft: false,
      mergedAt: null,
      reviewCommentCount: 0,
    };
    return Object.assign(issue, { pull });
  }

  /** Comments on an issue or pull request, which moves that one's time of update as well. */
  comment(issue: IssueRecord, content: Changes<IssueCommentRecord> = {}): IssueCommentRecord {
    const record = this.#keep(this.commentRecords, { ...this.#stamp(), issue, body: 'A comment.', ...content });
    issue.commentCount += 1;
    issue.updatedAt = latest(issue.updatedAt, record.updatedAt);
    return record;
  }

  /** Makes comments one minute apart on an issue, the last of them now. Oldest first. */
  comments(issue: IssueRecord, count: number): IssueCommentRecord[] {
    return this.#many(count, (at) => this.comment(issue, { createdAt: at, updatedAt: at }));
  }

  /** A comment on the diff. The pull request's time of update stays as it is, which may happen on GitHub. */
  reviewComment(pull: PullRecord, content: Changes<ReviewCommentRecord> = {}): ReviewCommentRecord {
    pull.pull.reviewCommentCount += 1;
    const defaults = { reviewId: null, body: 'A comment on this line.', path: 'README.md', line: 1 };
    return this.#keep(this.reviewCommentRecords, { ...this.#stamp(), pull, ...defaults, ...content });
  }

  /** A submitted review moves the pull request's time of update. */
  review(pull: PullRecord, content: Changes<ReviewRecord> = {}): ReviewRecord {
    const record = this.#keep<ReviewRecord>(this.reviewRecords, {
      id: this.#world.nextId(),
      pull,
      user: this.#world.account('reviewer'),
      body: 'Looks right.',
      state: 'APPROVED',
      submittedAt: this.#now(),
      commitId: pull.pull.headSha,
      ...content,
    });
    pull.updatedAt = latest(pull.updatedAt, record.submittedAt);
    return record;
  }

  release(tagName: string, content: Changes<ReleaseRecord> = {}): ReleaseRecord {
    const stamp = this.#stamp();
    return this.#keep(this.releaseRecords, {
      ...stamp,
      tagName,
      target: this.defaultBranch,
      name: tagName,
      body: null,
      draft: false,
      prerelease: false,
      publishedAt: content.draft === true ? null : stamp.createdAt,
      ...content,
    });
  }

  run(content: Changes<WorkflowRunRecord> = {}): WorkflowRunRecord {
    return this.#keep(this.runRecords, {
      ...this.#stamp(),
      runNumber: this.runRecords.length + 1,
      attempt: 1,
      name: 'build',
      event: 'push',
      branch: this.defaultBranch,
      headSha: this.git.graph.head(this.defaultBranch) ?? inventSha(`${this.id} run`),
      status: 'completed',
      conclusion: 'success',
      ...content,
    });
  }

  /** Makes finished workflow runs one minute apart, the last of them now. Oldest first. */
  runs(count: number): WorkflowRunRecord[] {
    return this.#many(count, (at) => this.run({ createdAt: at, updatedAt: at }));
  }

  star(login: string, starredAt = this.#now()): StarRecord {
    return this.#keep(this.starRecords, { user: this.#world.account(login), starredAt });
  }

  unstar(login: string): void {
    const star = this.starRecords.find(({ user }) => user.login === login);
    if (star !== undefined) this.remove(star);
  }

  /** What the events feed shows, later: see `eventLatencyMs` of the server. Default: somebody began to watch. */
  event(content: Partial<EventRecord> = {}): EventRecord {
    return this.#keep(this.eventRecords, {
      id: String(this.#world.nextId()),
      type: 'WatchEvent',
      actor: this.#world.account('watcher'),
      payload: { action: 'started' },
      createdAt: this.#now(),
      ...content,
    });
  }

  /** Changes a record, which is updated now unless `updatedAt` says otherwise. Without changes it is only touched. */
  edit<T extends { updatedAt: string }>(record: T | undefined, changes: Partial<T> = {}): void {
    if (record === undefined) throw new Error('There is no such record to edit');
    Object.assign(record, { updatedAt: this.#now() }, changes);
    this.#changed();
  }

  closeIssue(issue: IssueRecord): void {
    this.edit(issue, { state: 'closed', closedAt: this.#now() });
  }

  mergePull(pull: PullRecord): void {
    pull.pull.mergedAt = this.#now();
    this.closeIssue(pull);
  }

  /** Removes a record from wherever it is listed. */
  remove(record: object): void {
    for (const records of this.#lists()) {
      const index = records.indexOf(record);
      if (index !== -1) records.splice(index, 1);
    }
    this.#changed();
  }

  #lists(): object[][] {
    return [
      this.issueRecords,
      this.commentRecords,
      this.reviewCommentRecords,
      this.reviewRecords,
      this.releaseRecords,
      this.runRecords,
      this.starRecords,
      this.eventRecords,
    ];
  }

  #keep<T>(records: T[], record: T): T {
    records.push(record);
    this.#changed();
    return record;
  }

  #stamp(): Stamp {
    const now = this.#now();
    return { id: this.#world.nextId(), createdAt: now, updatedAt: now, user: this.#world.account('octocat') };
  }

  #many<T>(count: number, make: (at: string) => T): T[] {
    const now = this.#world.now();
    return Array.from({ length: count }, (_, index) => make(timestamp(now - (count - 1 - index) * SPACING_MS)));
  }

  #now(): string {
    return timestamp(this.#world.now());
  }

  #changed(): void {
    this.version += 1;
  }
}

function inventSha(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

function latest(left: string, right: string): string {
  return left > right ? left : right;
}
