import { pathToFileURL } from 'node:url';
import { FatalError } from '../../core/errors.js';
import type { GapReason } from '../../core/event.js';
import type { Logger } from '../../core/logger.js';
import type { GitCommit } from './commit.js';
import type { GitConfig } from './config.js';
import { finishPass, type GitCursor, type GitPass, tipOf } from './cursor.js';
import type { RefChange } from './events.js';
import { FileLister } from './file-lister.js';
import type { GitProcess } from './git-process.js';
import { mergeBase, type PeeledObject, peelObjects, readObjects } from './objects.js';
import * as plan from './plan.js';
import { listRefs, type RefListing, type RefSelection, unknownNames } from './refs.js';
import {
  checkVersion,
  isEmptyRepository,
  isPartialClone,
  needsRecentGit,
  partialCloneRefused,
  shallowBoundary,
  unknownRefs,
} from './repository.js';
import { parseTag, type TagContents } from './tag.js';
import { walkCommits, walkFingerprint } from './walk.js';

interface Positioned {
  /** The cursor after so many events of the batch. */
  cursorAt(count: number): GitCursor;
}

/** What a pass delivers, not yet events. */
export type PassBatch = Positioned &
  (
    | { kind: 'commits'; commits: readonly GitCommit[]; uri: string }
    | { kind: 'refs'; changes: readonly RefChange[]; uri: string }
    | { kind: 'gap'; reason: GapReason; detail: string; range: { from: unknown; to?: unknown; count?: number } }
  );

export interface PassOptions {
  git: GitProcess;
  config: GitConfig;
  selection: RefSelection;
  logger: Logger;
  /** Something was found to deliver. */
  onWork(): void;
}

/** A cursor in the middle of a pass. */
type MidPass = GitCursor & { pass: GitPass };
type Objects = ReadonlyMap<string, PeeledObject>;

const REF_EVENTS_AT_ONCE = 256;
const REFS_IN_A_GAP = 20;

/**
 * Brings a cursor up to the repository in passes. A pass is pinned to the refs as they were when it began: first the
 * commits that they reach and the cursor did not, then one event for each ref. The cursor says how far it has come, so
 * a pass that was cut off is gone on with, whatever happened to the refs since.
 */
export class PassReader {
  readonly #options: PassOptions;
  readonly #uri: string;
  #cursor: GitCursor;

  constructor(options: PassOptions, cursor: GitCursor) {
    this.#options = options;
    this.#cursor = cursor;
    this.#uri = pathToFileURL(options.git.directory).href;
  }

  /** All that is there now. Costs one process when nothing is new. */
  async *catchUp(): AsyncGenerator<PassBatch, void, undefined> {
    if (this.#cursor.pass !== undefined) yield* this.#resume(this.#cursor as MidPass);
    const { git, selection } = this.#options;
    const listing = await listRefs(git, selection);
    await this.#refuseUnknownNames(listing);
    const changes = plan.changedRefs(this.#cursor, listing, selection);
    if (changes.size === 0) return;
    yield* this.#begin(changes);
  }

  async *#begin(changes: plan.RefChanges): AsyncGenerator<PassBatch, void, undefined> {
    const { git, config, onWork } = this.#options;
    onWork();
    const objects = await peelObjects(git, plan.objectsOf(this.#cursor, changes));
    refuseBrokenRefs(plan.brokenRefs(changes, objects), git.directory);
    const settings = { maxCommits: config.maxCommits, walk: walkFingerprint(config) };
    yield* this.#run({ ...this.#cursor, pass: plan.planPass(this.#cursor, changes, objects, settings) }, objects);
  }

  async *#resume(cursor: MidPass): AsyncGenerator<PassBatch, void, undefined> {
    const { git, config, logger, onWork } = this.#options;
    onWork();
    const objects = await peelObjects(git, plan.objectsOf(cursor));
    const vanished = plan.vanishedRefs(cursor.pass, objects);
    if (vanished.length > 0) return yield* this.#abandon(cursor, vanished);
    const walk = walkFingerprint(config);
    if (walk === cursor.pass.walk) return yield* this.#run(cursor, objects);
    logger.warn({ dir: config.dir }, 'the settings were changed in the middle of a pass: it begins again');
    yield* this.#run({ ...cursor, pass: { ...cursor.pass, walk, commits: 0, events: 0, after: undefined } }, objects);
  }

  async *#run(cursor: MidPass, objects: Objects): AsyncGenerator<PassBatch, void, undefined> {
    this.#cursor = cursor;
    const lost = plan.lostRefs(cursor, objects);
    if (lost.length > 0) yield this.#gap(lost, plan.markGone(cursor, lost));
    if (cursor.pass.events === 0) yield* this.#commits(objects);
    yield* this.#refs(objects);
  }

  async *#commits(objects: Objects): AsyncGenerator<PassBatch, void, undefined> {
    const { git, config, logger } = this.#options;
    const cursor = this.#cursor as MidPass;
    const { pass } = cursor;
    const refsByTip = plan.passTips(pass);
    const base = plan.baseTips(cursor, objects);
    const known = new Set(base);
    const tips = [...refsByTip.keys()].filter((sha) => !known.has(sha));
    if (tips.length === 0) return;
    const { shallow, isPartial } = await this.#prepareWalk();
    const lister = config.files ? new FileLister(git, config, isPartial) : undefined;
    const onRestart = (): void => logger.warn({ dir: config.dir }, 'a walk cannot be gone on with: it begins again');
    try {
      const request = { tips, base, limit: pass.limit, config };
      for await (const { commits, delivered } of walkCommits(git, request, { ...pass, onRestart })) {
        completeCommits(commits, refsByTip, shallow);
        await lister?.addFiles(commits.filter((commit) => this.#hasFiles(commit)).reverse());
        yield this.#commitBatch(commits, cursor, delivered - commits.length);
      }
    } finally {
      await lister?.close();
    }
  }

  #hasFiles({ shallow, parents }: GitCommit): boolean {
    return shallow !== true && (this.#options.config.firstParent || parents.length < 2);
  }

  #commitBatch(commits: readonly GitCommit[], cursor: MidPass, before: number): PassBatch {
    const start = this.#cursor;
    const cursorAt = (count: number): GitCursor => {
      const after = commits[count - 1]?.sha;
      return after === undefined ? start : { ...cursor, pass: { ...cursor.pass, commits: before + count, after } };
    };
    return this.#step(commits.length, { kind: 'commits', commits, uri: this.#uri, cursorAt });
  }

  async #prepareWalk() {
    const { git, config } = this.#options;
    const wanted = needsRecentGit(config);
    if (wanted !== undefined) checkVersion((await git.run(['version'])).toString('utf8'), wanted);
    const [shallow, isPartial] = await Promise.all([shallowBoundary(git), config.files && isPartialClone(git)]);
    if (isPartial && config.numstat) throw partialCloneRefused(git.directory);
    return { shallow, isPartial };
  }

  async *#refs(objects: Objects): AsyncGenerator<PassBatch, void, undefined> {
    const names = Object.keys((this.#cursor as MidPass).pass.refs).sort();
    while (this.#cursor.pass !== undefined) {
      const cursor = this.#cursor as MidPass;
      const done = cursor.pass.events;
      const changes = await this.#describe(names.slice(done, done + REF_EVENTS_AT_ONCE), objects);
      const cursorAt = (count: number): GitCursor => {
        if (done + count >= names.length) return finishPass(cursor);
        return { ...cursor, pass: { ...cursor.pass, events: done + count } };
      };
      yield this.#step(changes.length, { kind: 'refs', changes, uri: this.#uri, cursorAt });
    }
  }

  /** What has to be asked of git about each ref before its event can be made. */
  async #describe(names: readonly string[], objects: Objects): Promise<RefChange[]> {
    const { refs, pass } = this.#cursor as MidPass;
    const changes: RefChange[] = names.map((ref) => ({ ref, before: refs[ref], after: pass.refs[ref] ?? null }));
    const tags = await this.#readTags(changes, objects);
    for (const change of changes) {
      if (change.after === null) continue;
      if (change.ref.startsWith('refs/tags/')) change.tag = tags.get(change.after.sha);
      else change.mergeBase = await this.#mergeBase(change, objects);
    }
    return changes;
  }

  async #readTags(changes: readonly RefChange[], objects: Objects): Promise<Map<string, TagContents>> {
    const shas = changes.flatMap(({ ref, after }) => {
      if (after === null || !ref.startsWith('refs/tags/')) return [];
      return (objects.get(after.sha)?.sha ?? after.sha) === after.sha ? [] : [after.sha];
    });
    const contents = await readObjects(this.#options.git, shas);
    return new Map([...contents].map(([sha, bytes]) => [sha, parseTag(bytes, objects.get(sha)?.sha ?? sha)]));
  }

  async #mergeBase({ before, after }: RefChange, objects: Objects): Promise<string | undefined> {
    if (before === undefined || after === null || before.gone === true) return undefined;
    const [old, now] = [tipOf(before), tipOf(after)];
    if (old === null || now === null || !objects.has(old)) return undefined;
    return mergeBase(this.#options.git, old, now);
  }

  /** The next batch begins where this one ends, whether or not it is acknowledged. */
  #step(count: number, batch: PassBatch): PassBatch {
    this.#cursor = batch.cursorAt(count);
    return batch;
  }

  #gap(lost: readonly string[], after: GitCursor): PassBatch {
    const { refs, pass } = this.#cursor as MidPass;
    const from = shasOf(lost, (name) => refs[name]?.sha);
    const to = shasOf(lost, (name) => pass.refs[name]?.sha);
    const detail =
      `${nameSome(lost)} had reached commits that the repository no longer has (removed after a rewrite, or cut off ` +
      'by a shallow clone), so what is new cannot be told from what was delivered before: what the refs lead to now ' +
      'comes again, except for what other refs had reached';
    return this.#step(1, this.#gapBatch(detail, { from, to, count: lost.length }, after));
  }

  /** The commits of the pass that were not delivered are gone; what the refs hold now is found by a new pass. */
  async *#abandon(cursor: MidPass, vanished: readonly string[]): AsyncGenerator<PassBatch, void, undefined> {
    const from = shasOf(vanished, (name) => cursor.pass.refs[name]?.sha);
    const detail =
      `the commits of ${nameSome(vanished)} were removed from the repository before all of them were delivered; ` +
      `the ${cursor.pass.commits} commits delivered in that pass may come again`;
    yield this.#step(1, this.#gapBatch(detail, { from, count: vanished.length }, plan.withoutPass(cursor)));
  }

  #gapBatch(detail: string, range: { from: unknown; to?: unknown; count: number }, after: GitCursor): PassBatch {
    const before = this.#cursor;
    return {
      kind: 'gap',
      reason: 'cursor-expired',
      detail,
      range,
      cursorAt: (count) => (count === 0 ? before : after),
    };
  }

  /** A first sync of a name that does not exist would be silence; later on it is a ref that was deleted. */
  async #refuseUnknownNames(listing: RefListing): Promise<void> {
    const { git, selection } = this.#options;
    if (Object.keys(this.#cursor.refs).length > 0) return;
    const unknown = unknownNames(selection, listing);
    if (unknown.length > 0 && !(await isEmptyRepository(git))) throw unknownRefs(unknown, git.directory);
  }
}

/** What the log does not say: which refs point here, and where a shallow clone was cut off. */
function completeCommits(
  commits: readonly GitCommit[],
  refsByTip: ReadonlyMap<string, readonly string[]>,
  shallow: ReadonlyMap<string, readonly string[]>,
): void {
  for (const commit of commits) {
    const refs = refsByTip.get(commit.sha);
    if (refs !== undefined) commit.refs = refs;
    const parents = shallow.size === 0 ? undefined : shallow.get(commit.sha);
    if (parents !== undefined) Object.assign(commit, { parents, shallow: true });
  }
}

function shasOf(names: readonly string[], shaOf: (name: string) => string | undefined): Record<string, string> {
  return Object.fromEntries(names.slice(0, REFS_IN_A_GAP).map((name) => [name, shaOf(name) ?? '']));
}

function nameSome(names: readonly string[]): string {
  const more = names.length - REFS_IN_A_GAP;
  return names.slice(0, REFS_IN_A_GAP).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function refuseBrokenRefs(broken: readonly string[], directory: string): void {
  if (broken.length === 0) return;
  throw new FatalError(
    `the repository ${directory} lacks what ${nameSome(broken)} points at: repair it, or leave these refs out with "refs"`,
    { code: 'GIT_OBJECT_MISSING' },
  );
}
