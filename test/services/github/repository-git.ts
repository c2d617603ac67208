import { type Commit, GitGraph, type Signature } from './git-graph.js';
import { timestamp } from './records.js';

export interface CommitOptions {
  /** Default: the default branch. Made if it does not exist. */
  readonly branch?: string;
  readonly message?: string;
  /** '2026-01-15T12:00:00Z'. Default: the committer's date. */
  readonly authorDate?: string;
  /** Default: now. */
  readonly committerDate?: string;
  /** Name of the author; the mail address follows from it. Default: 'Mona Lisa'. */
  readonly author?: string;
  /** Files that the commit changes. Default: one. */
  readonly paths?: readonly string[];
}

/**
 * History of a repository under test control. Dates are real input: a commit may be older than its parent, as after a
 * rebase or a late push.
 */
export class RepositoryGit {
  readonly graph = new GitGraph();
  readonly #defaultBranch: () => string;
  readonly #now: () => number;
  readonly #pushed: () => void;
  #made = 0;

  constructor(surroundings: { defaultBranch: () => string; now: () => number; pushed: () => void }) {
    this.#defaultBranch = surroundings.defaultBranch;
    this.#now = surroundings.now;
    this.#pushed = surroundings.pushed;
  }

  /** Adds a commit at the tip of a branch. */
  commit(options: CommitOptions = {}): Commit {
    const branch = options.branch ?? this.#defaultBranch();
    const tip = this.graph.head(branch) ?? this.graph.head(this.#defaultBranch());
    return this.#advance(branch, this.#build(options, tip === undefined ? [] : [tip]));
  }

  /** Adds many to the default branch (or another), one minute apart, the last of them now. Oldest first. */
  commits(count: number, options: Omit<CommitOptions, 'committerDate' | 'message'> = {}): Commit[] {
    const now = this.#now();
    return Array.from({ length: count }, (_, index) =>
      this.commit({ ...options, committerDate: timestamp(now - (count - 1 - index) * 60_000) }),
    );
  }

  /** Makes a branch at a revision. Default: the tip of the default branch. */
  branch(name: string, from = this.#defaultBranch()): void {
    this.graph.setReference(`refs/heads/${name}`, this.#resolve(from));
    this.#pushed();
  }

  tag(name: string, at = this.#defaultBranch()): void {
    this.graph.setReference(`refs/tags/${name}`, this.#resolve(at));
    this.#pushed();
  }

  deleteBranch(name: string): void {
    this.graph.removeReference(`refs/heads/${name}`);
    this.#pushed();
  }

  /** A merge commit on `into`, with both tips as parents. */
  merge(from: string, into = this.#defaultBranch(), options: Omit<CommitOptions, 'branch'> = {}): Commit {
    const message = options.message ?? `Merge ${from} into ${into}`;
    const parents = [this.#resolve(into), this.#resolve(from)];
    return this.#advance(into, this.#build({ ...options, message }, parents));
  }

  /**
   * Forced push: replays the commits that `branch` has and `onto` has not. They keep their author dates, and their
   * committer dates too unless `committerDates` is 'now'. The old ones stay reachable by sha: see `collectGarbage`.
   */
  rebase(branch: string, onto: string, committerDates: 'kept' | 'now' = 'kept'): Commit[] {
    const target = this.#resolve(onto);
    const replayed = this.graph.compare(target, this.#resolve(branch))?.ahead ?? [];
    let tip = target;
    const commits = replayed.map((sha) => {
      const old = this.graph.get(sha);
      const date = committerDates === 'kept' ? old.committer.date : timestamp(this.#now());
      const commit = this.graph.add({ ...old, parents: [tip], committer: { ...old.committer, date } });
      tip = commit.sha;
      return commit;
    });
    this.forcePush(branch, tip);
    return commits;
  }

  /** Lets a branch point at any commit. */
  forcePush(branch: string, to: string): void {
    this.graph.setReference(`refs/heads/${branch}`, this.#resolve(to));
    this.#pushed();
  }

  /** A commit without parents at the tip of a new branch: it has no ancestor in common with the others. */
  orphan(branch: string, options: Omit<CommitOptions, 'branch'> = {}): Commit {
    return this.#advance(branch, this.#build(options, []));
  }

  /** From now on commits that no branch or tag reaches are unknown to the server. */
  collectGarbage(): void {
    this.graph.collectGarbage();
  }

  /** The tip of a branch. Throws for one that is not there. */
  head(branch = this.#defaultBranch()): string {
    return this.#resolve(branch);
  }

  #build(options: CommitOptions, parents: readonly string[]): Commit {
    this.#made += 1;
    const committerDate = options.committerDate ?? timestamp(this.#now());
    const author = options.author ?? 'Mona Lisa';
    const person: Signature = {
      name: author,
      email: `${author.replaceAll(' ', '.')}@example.com`,
      date: committerDate,
    };
    return this.graph.add({
      parents,
      author: { ...person, date: options.authorDate ?? committerDate },
      committer: person,
      message: options.message ?? `Change ${this.#made}`,
      paths: options.paths ?? [`files/${this.#made}.txt`],
    });
  }

  #advance(branch: string, commit: Commit): Commit {
    this.graph.setReference(`refs/heads/${branch}`, commit.sha);
    this.#pushed();
    return commit;
  }

  #resolve(revision: string): string {
    const sha = this.graph.resolve(revision);
    if (sha === undefined) throw new Error(`There is no revision ${revision}`);
    return sha;
  }
}
