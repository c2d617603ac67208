import { createHash } from 'node:crypto';

export interface Signature {
  readonly name: string;
  readonly email: string;
  /** '2026-01-15T12:00:00Z' */
  readonly date: string;
}

export interface Commit {
  /** Git's own: of tree, parents, signatures and message. Equal content has an equal name. */
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
  /** Files that it changes. */
  readonly paths: readonly string[];
}

export interface CommitContent extends Omit<Commit, 'sha' | 'tree'> {}

export interface Comparison {
  readonly status: 'ahead' | 'behind' | 'diverged' | 'identical';
  readonly base: Commit;
  readonly mergeBase: Commit;
  /** Reachable from head and not from base, oldest first. */
  readonly ahead: readonly string[];
  readonly behindBy: number;
}

const HEADS = 'refs/heads/';
const TAGS = 'refs/tags/';

/** Orders that are kept, of the heads asked for last. */
const KEPT_LOGS = 16;

/** Commits and references of one repository. Commits that no reference reaches stay until they are collected, as on GitHub. */
export class GitGraph {
  readonly #commits = new Map<string, Commit>();
  readonly #references = new Map<string, string>();
  readonly #logs = new Map<string, readonly string[]>();

  get isEmpty(): boolean {
    return this.#references.size === 0;
  }

  add(content: CommitContent): Commit {
    const tree = createHash('sha1')
      .update(JSON.stringify([content.parents, content.paths]))
      .digest('hex');
    const commit: Commit = { ...content, tree, sha: nameCommit(content, tree) };
    this.#commits.set(commit.sha, commit);
    return commit;
  }

  get(sha: string): Commit {
    const commit = this.#commits.get(sha);
    if (commit === undefined) throw new Error(`There is no commit ${sha}`);
    return commit;
  }

  has(sha: string): boolean {
    return this.#commits.has(sha);
  }

  /** Name ('refs/heads/main') and commit of each reference, by name. */
  references(prefix = 'refs/'): [string, string][] {
    return [...this.#references]
      .filter(([name]) => name.startsWith(prefix))
      .sort(([left], [right]) => compare(left, right));
  }

  branches(): [string, string][] {
    return this.references(HEADS).map(([name, sha]) => [name.slice(HEADS.length), sha]);
  }

  tags(): [string, string][] {
    return this.references(TAGS).map(([name, sha]) => [name.slice(TAGS.length), sha]);
  }

  head(branch: string): string | undefined {
    return this.#references.get(HEADS + branch);
  }

  /** Makes or moves a reference, whatever it pointed at. */
  setReference(name: string, sha: string): void {
    this.#references.set(name, this.get(sha).sha);
  }

  removeReference(name: string): void {
    this.#references.delete(name);
  }

  /** Branch, tag, full reference, or whole sha. */
  resolve(revision: string): string | undefined {
    for (const name of [revision, `refs/${revision}`, HEADS + revision, TAGS + revision]) {
      const sha = this.#references.get(name);
      if (sha !== undefined) return sha;
    }
    return this.#commits.has(revision) ? revision : undefined;
  }

  /** Everything reachable, newest committer date first, and no commit before all of its children. */
  log(head: string): readonly string[] {
    const kept = this.#logs.get(head);
    if (kept !== undefined) return kept;
    const order = this.#order(head);
    this.#logs.set(head, order);
    for (const oldest of this.#logs.keys()) if (this.#logs.size > KEPT_LOGS) this.#logs.delete(oldest);
    return order;
  }

  /** `undefined` if the two have no ancestor in common. */
  compare(base: string, head: string): Comparison | undefined {
    const ofBase = new Set(this.log(base));
    const ofHead = new Set(this.log(head));
    const mergeBase = this.log(head).find((sha) => ofBase.has(sha));
    if (mergeBase === undefined) return undefined;
    const ahead = this.log(head).filter((sha) => !ofBase.has(sha));
    const behindBy = this.log(base).filter((sha) => !ofHead.has(sha)).length;
    return {
      status: nameStatus(ahead.length, behindBy),
      base: this.get(base),
      mergeBase: this.get(mergeBase),
      ahead: ahead.reverse(),
      behindBy,
    };
  }

  /** Drops what no reference reaches, as happens on GitHub some time after a forced push. */
  collectGarbage(): void {
    const reached = new Set([...this.#references.values()].flatMap((sha) => this.log(sha)));
    for (const sha of this.#commits.keys()) if (!reached.has(sha)) this.#commits.delete(sha);
    this.#logs.clear();
  }

  #order(head: string): string[] {
    const childrenLeft = this.#countChildren(head);
    const ready = [this.get(head)];
    const order: string[] = [];
    for (let next = ready.shift(); next !== undefined; next = ready.shift()) {
      order.push(next.sha);
      for (const sha of next.parents) {
        const left = (childrenLeft.get(sha) ?? 0) - 1;
        childrenLeft.set(sha, left);
        if (left === 0) insertNewestFirst(ready, this.get(sha));
      }
    }
    return order;
  }

  #countChildren(head: string): Map<string, number> {
    const counts = new Map([[head, 0]]);
    const open = [head];
    for (let sha = open.pop(); sha !== undefined; sha = open.pop())
      for (const parent of this.get(sha).parents) {
        const count = counts.get(parent);
        if (count === undefined) open.push(parent);
        counts.set(parent, (count ?? 0) + 1);
      }
    return counts;
  }
}

function insertNewestFirst(commits: Commit[], commit: Commit): void {
  const index = commits.findIndex(({ committer }) => committer.date < commit.committer.date);
  commits.splice(index === -1 ? commits.length : index, 0, commit);
}

function nameStatus(ahead: number, behind: number): Comparison['status'] {
  if (ahead > 0) return behind > 0 ? 'diverged' : 'ahead';
  return behind > 0 ? 'behind' : 'identical';
}

/** https://git-scm.com/book/en/v2/Git-Internals-Git-Objects */
function nameCommit({ parents, author, committer, message }: CommitContent, tree: string): string {
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${sign(author)}`,
    `committer ${sign(committer)}`,
    '',
    message,
  ].join('\n');
  return createHash('sha1')
    .update(`commit ${Buffer.byteLength(lines)}\0${lines}`)
    .digest('hex');
}

function sign({ name, email, date }: Signature): string {
  return `${name} <${email}> ${Date.parse(date) / 1000} +0000`;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
