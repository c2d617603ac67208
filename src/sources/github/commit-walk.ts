import { NotFoundError } from '../../core/errors.js';
import { compileGlobs, isGlob } from '../../toolkit/glob.js';
import { linkTarget } from '../../toolkit/http/link-header.js';
import { paginate } from '../../toolkit/http/paginate.js';
import type { CommitPosition } from './cursor.js';
import { commitItem, forcedFields, type GithubFields } from './events.js';
import { type Payload, part, parts, payloadOf, text } from './payload.js';
import { type Page, PER_PAGE, type RepositoryReader, type Step, type Steps, timeText } from './walk.js';

export interface CommitWalkOptions {
  /** Names or globs; undefined: all. */
  branches: readonly string[] | undefined;
  since: Date | undefined;
  /** Where it is known. */
  defaultBranch: string | undefined;
}

type Walk = NonNullable<CommitPosition['walk']>;
type Branch = CommitPosition['branches'][string];

const HEADS = 'refs/heads/';
/** "Git Repository is empty." */
const EMPTY = 409;
/** Commits whose delivery is remembered within a run: two branches often lead to the same ones. */
const MOST_REMEMBERED = 100_000;

/**
 * Commits by what branches lead to, never by date. A branch that moved is compared with what it was, a new one with the
 * default branch; the first branch of all is read from its tip to the beginning. Pages are named by commits, which stay
 * as they are, so a run that was stopped goes on exactly where it was.
 */
export class CommitWalk {
  readonly #options: CommitWalkOptions;
  readonly #reader: RepositoryReader;
  readonly #isWanted: (branch: string) => boolean;
  readonly #delivered = new Set<string>();
  /** The comparisons that were made of the branch in hand: its commits are on them. */
  readonly #compared = new Map<string, Page>();
  #position: CommitPosition;

  constructor(reader: RepositoryReader, options: CommitWalkOptions, position: CommitPosition | undefined) {
    this.#reader = reader;
    this.#options = options;
    this.#isWanted = selector(options.branches);
    this.#position = position ?? { branches: {} };
  }

  async *steps(): Steps<CommitPosition> {
    if (this.#position.walk !== undefined) yield* this.#follow(this.#position.walk);
    const refs = await this.#reader.page(this.#reader.url('git/matching-refs/heads'), {
      acceptStatus: [EMPTY],
    });
    if (refs.isUnchanged || refs.status === EMPTY) return;
    // From here on the list that it belongs to is no longer all that was delivered.
    const { validator: _, ...position } = this.#position;
    this.#position = position;
    const heads = await this.#heads(refs);
    for (const [branch, sha] of this.#inOrder(heads)) yield* this.#catchUp(branch, sha);
    yield this.#atRest(heads, refs);
  }

  async #heads(first: Page): Promise<Map<string, string>> {
    const heads = new Map<string, string>();
    const pages = paginate({
      start: this.#reader.url('git/matching-refs/heads'),
      read: async (url, number) => (number === 1 ? first : this.#reader.page(url)),
      next: { link: ({ link }: Page) => link },
    });
    for await (const { page } of pages) {
      for (const payload of page.items) {
        const name = text(payload, 'ref');
        const branch = name.slice(HEADS.length);
        if (name.startsWith(HEADS) && this.#isWanted(branch)) heads.set(branch, text(part(payload, 'object'), 'sha'));
      }
    }
    return heads;
  }

  /** What others are compared with goes first. */
  #inOrder(heads: ReadonlyMap<string, string>): [string, string][] {
    const first = [this.#options.defaultBranch, this.#position.base, 'main', 'master'].find(
      (name) => name !== undefined && heads.has(name),
    );
    return [...heads].sort(([left], [right]) => Number(right === first) - Number(left === first));
  }

  async *#catchUp(branch: string, sha: string): Steps<CommitPosition> {
    const before = this.#position.branches[branch];
    this.#compared.clear();
    if (before?.sha === sha) return;
    const base = this.#position.base ?? branch;
    const known = Object.values(this.#position.branches).some((other) => other.sha === sha);
    if (known && before === undefined) {
      this.#position = this.#moved(branch, { sha });
      yield this.#standing();
      return;
    }
    const from = before?.sha ?? this.#position.branches[base]?.sha;
    if (from === undefined) yield* this.#follow(this.#whole(branch, { sha }));
    else yield* this.#compare(branch, sha, from, before);
  }

  /** All that a commit leads to. */
  #whole(branch: string, position: Branch): Walk {
    const { since } = this.#options;
    const from = since === undefined ? undefined : timeText(since.getTime());
    const next = this.#reader.url('commits', { sha: position.sha, since: from, per_page: PER_PAGE });
    return walkOf(branch, position, next);
  }

  async *#compare(branch: string, sha: string, from: string, before: Branch | undefined): Steps<CommitPosition> {
    const url = this.#reader.url(`compare/${from}...${sha}`, { per_page: PER_PAGE });
    const found = await this.#comparison(url);
    const mergeBase = found && text(part(found, 'merge_base_commit'), 'sha');
    if (before === undefined) {
      // A branch that has no commit in common with the default one is read as a whole.
      yield* this.#follow(found === undefined ? this.#whole(branch, { sha }) : walkOf(branch, { sha }, url));
      return;
    }
    const own = this.#baseOf(branch);
    if (mergeBase === from) {
      yield* this.#follow({ ...walkOf(branch, withCount(sha, before.forced), url), ...own });
      return;
    }
    if (found === undefined) yield* this.#tellLoss(branch, before);
    const count = (before.forced ?? 0) + 1;
    const forced = { branch, sha, previousSha: from, mergeBase, count };
    const next = found === undefined ? await this.#withoutBefore(branch, sha) : url;
    const walk = { ...walkOf(branch, { sha, forced: count }, next), ...own };
    const position = this.#position;
    this.#position = { ...position, walk };
    const fields = [forcedFields(forced, this.#reader.place)];
    yield { fields, at: (delivered) => (delivered === 0 ? position : { ...position, walk }) };
    yield* this.#follow(walk);
  }

  /** Where the commits are that a branch brings which has nothing in common with what it was. */
  async #withoutBefore(branch: string, sha: string): Promise<string> {
    const { base, branches } = this.#position;
    const other = base === undefined || base === branch ? undefined : branches[base]?.sha;
    const url = other === undefined ? undefined : this.#reader.url(`compare/${other}...${sha}`, { per_page: PER_PAGE });
    if (url !== undefined && (await this.#comparison(url)) !== undefined) return url;
    return this.#whole(branch, { sha }).next;
  }

  #baseOf(branch: string): { base?: string } {
    const { base, branches } = this.#position;
    const sha = base === undefined || base === branch ? undefined : branches[base]?.sha;
    return sha === undefined ? {} : { base: sha };
  }

  /**
   * The commits that a branch has and the default branch has not: what was rebased onto it, or merged from it, had been
   * delivered. undefined where they do not fit on one page: then some may come again.
   */
  async #ownOf({ base, sha }: Walk): Promise<ReadonlySet<string> | undefined> {
    if (base === undefined) return undefined;
    const url = this.#reader.url(`compare/${base}...${sha}`, { per_page: PER_PAGE });
    const found = await this.#comparison(url);
    if (found === undefined || linkTarget(this.#compared.get(url)?.link, 'next') !== undefined) return undefined;
    return new Set(parts(found, 'commits').map((payload) => text(payload, 'sha')));
  }

  /** undefined where there is nothing to compare: nothing in common, or a commit that GitHub has dropped. */
  async #comparison(url: string): Promise<Payload | undefined> {
    try {
      const page = await this.#reader.page(url, { isObject: true });
      this.#compared.set(url, page);
      return payloadOf(page.body);
    } catch (error) {
      if (NotFoundError.isInstance(error)) return undefined;
      throw error;
    }
  }

  /** A rewrite whose old commit is still there is an event; when it is dropped, what it alone led to is lost. */
  async *#tellLoss(branch: string, { sha }: Branch): Steps<CommitPosition> {
    try {
      await this.#reader.page(this.#reader.url('commits', { sha, per_page: 1 }));
    } catch (error) {
      if (!NotFoundError.isInstance(error) && (error as { code?: unknown }).code !== 'HTTP_UNPROCESSABLE') throw error;
      const position = this.#position;
      const detail = `GitHub no longer has commit ${sha}, which branch "${branch}" of ${this.#reader.place.repository.name} was at`;
      yield { fields: [], gap: { reason: 'history-rewritten', detail, from: sha }, at: () => position };
    }
  }

  async *#follow(walk: Walk): Steps<CommitPosition> {
    const { after: last, ...rest } = walk;
    let after = last;
    const own = await this.#ownOf(walk);
    const pages = paginate({
      start: walk.next,
      read: (url) => this.#commits(url),
      next: { link: ({ link }: CommitPage) => link },
    });
    for await (const { page, position: url, next } of pages) {
      const found = own === undefined ? page.commits : page.commits.filter((each) => own.has(text(each, 'sha')));
      const fields = this.#events({ ...page, commits: found }, walk.branch, after);
      yield this.#stepOf(fields, { ...rest, next: url, ...(after !== undefined && { after }) }, next);
      after = undefined;
    }
  }

  #stepOf(fields: readonly GithubFields[], walk: Walk, next: string | undefined): Step<CommitPosition> {
    const position = this.#position;
    const { after: _, ...rest } = walk;
    const { branch, sha, forced } = walk;
    this.#position =
      next === undefined ? this.#moved(branch, withCount(sha, forced)) : { ...position, walk: { ...rest, next } };
    const done = this.#position;
    const within = (count: number): CommitPosition => {
      const last = fields[count - 1]?.id;
      return { ...position, walk: last === undefined ? walk : { ...rest, after: last } };
    };
    return { fields, at: (count) => (count === fields.length ? done : within(count)) };
  }

  async #commits(url: string): Promise<CommitPage> {
    const isComparison = /\/compare\//.test(new URL(url).pathname);
    const page =
      this.#compared.get(url) ?? (await this.#reader.page(url, { isObject: isComparison, acceptStatus: [EMPTY] }));
    const commits = isComparison ? parts(payloadOf(page.body), 'commits') : page.items;
    return { commits, link: page.link };
  }

  #events({ commits }: CommitPage, branch: string, after: string | undefined): GithubFields[] {
    const known = this.#reachedWithin(commits);
    const { since } = this.#options;
    const fields: GithubFields[] = [];
    const from = after === undefined ? 0 : commits.findIndex((payload) => text(payload, 'sha') === after) + 1;
    for (const payload of commits.slice(from)) {
      const sha = text(payload, 'sha');
      if (known.has(sha) || this.#delivered.has(sha)) continue;
      const item = commitItem(payload, this.#reader.place, branch);
      if (since !== undefined && Date.parse(item.fields.time ?? '') < since.getTime()) continue;
      if (this.#delivered.size < MOST_REMEMBERED) this.#delivered.add(sha);
      fields.push(item.fields);
    }
    return fields;
  }

  /** Of these commits those that another branch had led to, and so their parents: a merge brings them again. */
  #reachedWithin(commits: readonly Payload[]): Set<string> {
    const reached = new Set(Object.values(this.#position.branches).map(({ sha }) => sha));
    const bySha = new Map(commits.map((payload) => [text(payload, 'sha'), payload]));
    const open = [...reached].filter((sha) => bySha.has(sha));
    for (let sha = open.pop(); sha !== undefined; sha = open.pop()) {
      for (const parent of parts(bySha.get(sha) ?? {}, 'parents')) {
        const parentSha = text(parent, 'sha');
        if (reached.has(parentSha) || !bySha.has(parentSha)) continue;
        reached.add(parentSha);
        open.push(parentSha);
      }
    }
    return reached;
  }

  #moved(branch: string, now: Branch): CommitPosition {
    const { branches, base = branch } = this.#position;
    return { branches: { ...branches, [branch]: now }, base };
  }

  #standing(): Step<CommitPosition> {
    const position = this.#position;
    return { fields: [], at: () => position };
  }

  /** Branches that are gone are forgotten only now: what was merged from them had been delivered. */
  #atRest(heads: ReadonlyMap<string, string>, { validator }: Page): Step<CommitPosition> {
    const branches = Object.fromEntries(Object.entries(this.#position.branches).filter(([name]) => heads.has(name)));
    const { base } = this.#position;
    const isThere = base !== undefined && heads.has(base);
    this.#position = {
      branches,
      ...(isThere && { base }),
      ...(validator !== undefined && { validator }),
    };
    return this.#standing();
  }
}

interface CommitPage {
  commits: readonly Payload[];
  link: string | undefined;
}

function walkOf(branch: string, position: Branch, next: string): Walk {
  return { branch, ...position, next };
}

function withCount(sha: string, forced: number | undefined): Branch {
  return forced === undefined ? { sha } : { sha, forced };
}

function selector(patterns: readonly string[] | undefined): (branch: string) => boolean {
  if (patterns === undefined) return () => true;
  const names = new Set(patterns.filter((pattern) => !isGlob(pattern)));
  const matches = compileGlobs(patterns.filter(isGlob));
  return (branch) => names.has(branch) || matches(branch);
}
