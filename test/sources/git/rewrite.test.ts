import { expect, it } from 'vitest';
import { GapError } from '../../../src/core/errors.js';
import { describeGit } from '../../services/needs.js';
import {
  commitsOf,
  ofType,
  read,
  refEventsOf,
  subjectsOf,
  TestRepository,
  temporaryDirectory,
} from './test-repository.js';

describeGit('rewritten history', () => {
  it('GT2: a force-push is an event with old, new and merge base, and brings only what is new', async () => {
    const repository = TestRepository.create();
    const base = repository.commit('base');
    const old = repository.commit('old');
    const first = await read(repository);
    repository.git('reset', '--quiet', '--hard', base);
    const now = repository.commit('new');
    const second = await read(repository, {}, first.cursor);
    expect(subjectsOf(second.events)).toEqual(['new']);
    const [rewritten] = ofType(second.events, 'git.branch.rewritten');
    expect(rewritten?.data).toMatchObject({ name: 'main', sha: now, previousSha: old, mergeBase: base });
    expect(ofType(second.events, 'headwater.gap')).toEqual([]);
  });

  it('GT2: a history without anything in common has no merge base; a branch moved back has its own', async () => {
    const repository = TestRepository.create();
    const base = repository.commit('base');
    repository.commit('two');
    const first = await read(repository);
    repository.git('reset', '--quiet', '--hard', base);
    const back = await read(repository, {}, first.cursor);
    expect(ofType(back.events, 'git.branch.rewritten')[0]?.data).toMatchObject({ sha: base, mergeBase: base });
    repository.git('checkout', '--quiet', '--orphan', 'fresh');
    repository.commit('unrelated');
    repository.git('branch', '--force', 'main', 'fresh');
    repository.git('switch', '--quiet', 'main');
    repository.git('branch', '--delete', '--force', 'fresh');
    const unrelated = await read(repository, {}, back.cursor);
    expect(ofType(unrelated.events, 'git.branch.rewritten')[0]?.data).not.toHaveProperty('mergeBase');
  });

  it('GT2: a cursor whose commit was removed ends the run with a GapError and stays where it is', async () => {
    const { repository, cursor, old } = await rewrittenAndCollected();
    const failure = await read(repository, {}, cursor).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(GapError);
    const { gap } = failure as GapError;
    expect(gap.data).toMatchObject({
      reason: 'cursor-expired',
      from: { 'refs/heads/main': old },
      to: { 'refs/heads/main': repository.git('rev-parse', 'main') },
    });
  });

  it('GT2: with onGap emit the gap comes first, then what other refs had not reached, and never again', async () => {
    const { repository, cursor } = await rewrittenAndCollected();
    const second = await read(repository, {}, cursor, 'emit');
    expect(second.events.map(({ type }) => type)).toEqual(['headwater.gap', 'git.commit', 'git.branch.rewritten']);
    expect(subjectsOf(second.events)).toEqual(['new']);
    expect(ofType(second.events, 'git.branch.rewritten')[0]?.data).not.toHaveProperty('mergeBase');
    expect((await read(repository, {}, second.cursor, 'emit')).events).toEqual([]);
  });

  it('a deleted branch whose commit is gone as well is a deletion, not a gap', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    repository.git('switch', '--quiet', '--create', 'side');
    repository.commit('side');
    const first = await read(repository);
    repository.git('switch', '--quiet', 'main');
    repository.git('branch', '--delete', '--force', 'side');
    repository.collectGarbage();
    const second = await read(repository, {}, first.cursor);
    expect(refEventsOf(second.events)).toEqual(['deleted side']);
    expect(second.events).toHaveLength(1);
  });

  it('a pass whose pinned commits were removed in the middle is a gap, then everything that is there now', async () => {
    const repository = TestRepository.create();
    const base = repository.commit('base');
    for (const number of [1, 2, 3]) repository.commit(`old ${number}`);
    const half = await read(repository);
    const cursor = {
      refs: {},
      floor: 0,
      pass: { refs: half.cursor?.refs ?? {}, walk: '', commits: 2, after: base, events: 0 },
    };
    repository.git('reset', '--quiet', '--hard', base);
    repository.commit('new');
    repository.collectGarbage();
    await expect(read(repository, {}, cursor)).rejects.toThrow(GapError);
    const { events } = await read(repository, {}, cursor, 'emit');
    expect(events[0]?.type).toBe('headwater.gap');
    expect(subjectsOf(events)).toEqual(['base', 'new']);
  });
});

/** `main` was force-pushed, its old commit removed; `kept` still holds the base. */
async function rewrittenAndCollected() {
  const repository = TestRepository.create();
  const base = repository.commit('base');
  repository.git('branch', 'kept');
  const old = repository.commit('old');
  const { cursor } = await read(repository);
  repository.git('reset', '--quiet', '--hard', base);
  repository.commit('new');
  repository.collectGarbage();
  return { repository, cursor, old };
}

describeGit('shallow clones', () => {
  it('GT7: flags the commits at the boundary and gives the parents they have upstream, but no files', async () => {
    const upstream = TestRepository.create();
    upstream.commit('one', { files: { a: '1' } });
    const two = upstream.commit('two', { files: { b: '1' } });
    const three = upstream.commit('three', { files: { c: '1' } });
    upstream.commit('four', { files: { d: '1' } });
    const clone = new TestRepository(temporaryDirectory());
    clone.git('clone', '--quiet', '--depth=2', `file://${upstream.dir}`, '.');
    const { events } = await read(clone);
    const [boundary, tip] = ofType(events, 'git.commit');
    expect(boundary?.data).toMatchObject({ sha: three, parents: [two], shallow: true });
    expect(boundary?.data).not.toHaveProperty('files');
    expect(tip?.data).not.toHaveProperty('shallow');
    expect(tip?.data).toMatchObject({ parents: [three], files: [{ path: 'd', status: 'added' }] });
  });

  it('GT2: a cursor from before a repository was cloned again, shallow, is a gap', async () => {
    const upstream = TestRepository.create();
    upstream.commit('one');
    const { cursor } = await read(upstream);
    for (const number of [2, 3, 4]) upstream.commit(`${number}`);
    const clone = new TestRepository(temporaryDirectory());
    clone.git('clone', '--quiet', '--depth=1', `file://${upstream.dir}`, '.');
    await expect(read(clone, {}, cursor)).rejects.toThrow(GapError);
    const { events } = await read(clone, {}, cursor, 'emit');
    expect(commitsOf(events)).toEqual([upstream.git('rev-parse', 'main')]);
  });
});

describeGit('kinds of repository', () => {
  it('reads SHA-256 repositories', async () => {
    const repository = TestRepository.create('--object-format=sha256');
    const one = repository.commit('one', { files: { a: '1' } });
    repository.git('tag', '--annotate', '--message', 'v1', 'v1');
    const first = await read(repository);
    expect(one).toHaveLength(64);
    expect(ofType(first.events, 'git.commit')[0]?.data).toMatchObject({
      sha: one,
      files: [{ path: 'a', status: 'added' }],
    });
    repository.commit('two');
    expect(subjectsOf((await read(repository, {}, first.cursor)).events)).toEqual(['two']);
  });

  it('reads bare repositories and linked worktrees', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    const bare = new TestRepository(temporaryDirectory());
    bare.git('clone', '--quiet', '--bare', repository.dir, '.');
    const worktree = temporaryDirectory();
    repository.git('worktree', 'add', '--quiet', '--force', worktree, 'main');
    for (const dir of [bare.dir, worktree]) expect(subjectsOf((await read({ dir })).events)).toEqual(['one']);
  });

  it('knows a shallow clone in a linked worktree and in a bare repository', async () => {
    const upstream = TestRepository.create();
    upstream.commit('one');
    upstream.commit('two');
    const bare = new TestRepository(temporaryDirectory());
    bare.git('clone', '--quiet', '--bare', '--depth=1', `file://${upstream.dir}`, '.');
    const worktree = temporaryDirectory();
    bare.git('worktree', 'add', '--quiet', '--force', worktree, 'main');
    for (const dir of [bare.dir, worktree]) {
      const [commit] = ofType((await read({ dir })).events, 'git.commit');
      expect(commit?.data).toMatchObject({ shallow: true, parents: [upstream.git('rev-parse', 'main~1')] });
    }
  });
});
