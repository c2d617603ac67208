import type { GithubConfigInput } from 'headwater/sources/github';
import { expect, it } from 'vitest';
import { githubForEach, type StartedGithub } from '../../services/github/for-each.js';
import type { Repository } from '../../services/github/repository.js';
import { errorOf, idsOf, ofType, read, sourceOf, titlesOf } from './reading.js';

let github: StartedGithub;
let repository: Repository;
githubForEach((started) => {
  github = started;
  repository = started.server.repository('octo/spoon');
});

const config: GithubConfigInput = { streams: ['commits', 'issues', 'pulls', 'releases', 'tags', 'stars'] };

it('GH6: an empty repository has no commits; it is no error, and they come when there are some', async () => {
  const first = await read(github, { streams: ['commits'] });
  expect(first.events).toEqual([]);
  repository.git.commit();
  const second = await read(github, { streams: ['commits'] }, { cursor: first.cursor });
  expect(second.events).toHaveLength(1);
});

it('GH6: what is not there, or may not be seen, is told as such, and the cursor stays', async () => {
  repository.issue();
  const { cursor } = await read(github, config);
  repository.delete();
  const source = await sourceOf(github, config, { cursor });
  const error = await errorOf(source.generateEvents().next());
  expect(error).toMatchObject({ name: 'NotFoundError', code: 'NOT_FOUND' });
  expect(error.message).toContain('these credentials may not see it');
  expect(source.getCursor()).toEqual(cursor);
});

it('GH6: what is blocked is told as such, and the cursor stays', async () => {
  repository.issue();
  const { cursor } = await read(github, config);
  repository.block();
  const source = await sourceOf(github, config, { cursor });
  expect(await errorOf(source.generateEvents().next())).toMatchObject({
    name: 'PermissionError',
    code: 'HTTP_BLOCKED',
  });
  expect(source.getCursor()).toEqual(cursor);
});

it.each([
  ['renamed', () => repository.rename('fork')],
  ['transferred', () => repository.transfer('elsewhere')],
])('GH6: a repository that is %s is followed: what is new comes, and nothing comes again', async (_, move) => {
  repository.issues(3);
  repository.git.commits(2);
  const first = await read(github, config);
  move();
  repository.issue({ title: 'afterwards' });
  const second = await read(github, config, { cursor: first.cursor });
  expect(titlesOf(second.events)).toEqual(['afterwards']);
  expect(second.events[0]?.data).toMatchObject({ repository: { id: repository.id, name: repository.fullName } });
  expect(second.events[0]?.source).toBe(first.events[0]?.source);
});

it('GH6: a repository that was renamed before the first run is found by its old name', async () => {
  repository.issue({ title: 'an issue' });
  repository.rename('fork');
  const { events } = await read(github, config);
  expect(titlesOf(events)).toEqual(['an issue']);
});

it.each([
  ['renamed', () => repository.rename('fork')],
  ['deleted', () => repository.delete()],
])('GH6: when a repository was %s and its name given to another, nothing is mixed', async (_, leave) => {
  repository.issues(3);
  const { cursor } = await read(github, config);
  leave();
  github.server.repository('octo/spoon').issues(2, { title: 'of another' });
  const source = await sourceOf(github, config, { cursor });
  const error = await errorOf(source.generateEvents().next());
  expect(error).toMatchObject({ name: 'CursorError', code: 'GITHUB_IDENTITY_CHANGED' });
  expect(source.getCursor()).toEqual(cursor);
  const { events } = await read(github, config);
  expect(titlesOf(events)).toEqual(['of another', 'of another']);
});

it('the origin is the number of the repository, whatever it is called', async () => {
  const before = await (await sourceOf(github)).origin();
  repository.rename('fork');
  const after = await (await sourceOf(github, { owner: 'octo', repo: 'fork' })).origin();
  expect(after).toBe(before);
  expect(before).toBe(`${github.server.url}/repositories/${repository.id}`);
});

it('GH8: what a rebase rewrote comes once, although its dates are old', async () => {
  repository.git.commits(5);
  repository.git.branch('topic');
  for (let count = 0; count < 3; count += 1) {
    repository.git.commit({ branch: 'topic', committerDate: '2020-01-01T00:00:00Z', message: `topic ${count}` });
  }
  const first = await read(github, { streams: ['commits'] });
  expect(first.events).toHaveLength(8);
  const old = repository.git.head('topic');
  repository.git.commit({ message: 'on main' });
  const rebased = repository.git.rebase('topic', 'main');
  const second = await read(github, { streams: ['commits'] }, { cursor: first.cursor });
  const commits = ofType(second.events, 'github.commit');
  expect(commits.map(({ id }) => id).sort()).toEqual(
    [repository.git.head('main'), ...rebased.map(({ sha }) => sha)].sort(),
  );
  expect(ofType(second.events, 'github.branch.forced').map(({ data }) => data)).toMatchObject([
    { branch: 'topic', previousSha: old, sha: repository.git.head('topic'), mergeBase: expect.any(String) },
  ]);
});

it('GH8: back and forth again are as many events with as many ids', async () => {
  repository.git.commits(3);
  const [one, two] = [repository.git.head(), repository.git.commit().sha];
  let { cursor } = await read(github, { streams: ['commits'] });
  const ids: string[] = [];
  for (const sha of [one, two, one, two]) {
    repository.git.forcePush('main', sha);
    const next = await read(github, { streams: ['commits'] }, { cursor });
    ids.push(...idsOf(ofType(next.events, 'github.branch.forced')));
    cursor = next.cursor;
  }
  expect(new Set(ids).size).toBe(2);
});

it('GH8: commits of a merged branch do not come again with the merge', async () => {
  repository.git.commits(3);
  repository.git.branch('topic');
  repository.git.commit({ branch: 'topic' });
  repository.git.commit({ branch: 'topic' });
  const first = await read(github, { streams: ['commits'] });
  const merge = repository.git.merge('topic');
  repository.git.deleteBranch('topic');
  const second = await read(github, { streams: ['commits'] }, { cursor: first.cursor });
  expect(idsOf(second.events)).toEqual([merge.sha]);
});

it('GH8: a branch that is rebased onto, or takes in, what the default branch brought does not bring that again', async () => {
  repository.git.commits(3);
  repository.git.branch('topic');
  repository.git.branch('other');
  repository.git.commit({ branch: 'topic' });
  repository.git.commit({ branch: 'other' });
  repository.git.commits(4);
  const middle = repository.git.head();
  repository.git.commits(2);
  const first = await read(github, { streams: ['commits'] });
  const [rebased] = repository.git.rebase('topic', middle);
  const merge = repository.git.merge(middle, 'other');
  const second = await read(github, { streams: ['commits'] }, { cursor: first.cursor });
  expect(idsOf(ofType(second.events, 'github.commit')).sort()).toEqual([rebased?.sha, merge.sha].sort());
});

it('GH8: of a branch whose last commit was amended only that one comes', async () => {
  repository.git.commits(2);
  repository.git.branch('topic');
  for (let count = 0; count < 3; count += 1) repository.git.commit({ branch: 'topic' });
  const [tip] = [repository.git.head('topic')];
  const first = await read(github, { streams: ['commits'] });
  const parent = repository.git.graph.get(tip ?? '').parents[0] ?? '';
  repository.git.forcePush('topic', parent);
  const amended = repository.git.commit({ branch: 'topic', message: 'amended' });
  const second = await read(github, { streams: ['commits'] }, { cursor: first.cursor });
  expect(idsOf(ofType(second.events, 'github.commit'))).toEqual([amended.sha]);
});

it('GH8: a rewritten branch whose old commit GitHub has dropped is a gap, and with emit it goes on', async () => {
  repository.git.commits(3);
  repository.git.branch('topic');
  repository.git.commit({ branch: 'topic', message: 'old' });
  const { cursor } = await read(github, { streams: ['commits'] });
  repository.git.forcePush('topic', repository.git.head('main'));
  const fresh = repository.git.commit({ branch: 'topic', message: 'new' });
  repository.git.collectGarbage();
  const source = await sourceOf(github, { streams: ['commits'] }, { cursor });
  expect(await errorOf(source.generateEvents().next())).toMatchObject({ name: 'GapError' });
  expect(source.getCursor()).toEqual(cursor);
  const { events } = await read(github, { streams: ['commits'] }, { cursor, onGap: 'emit' });
  expect(events.map(({ type }) => type)).toEqual(['headwater.gap', 'github.branch.forced', 'github.commit']);
  expect(events[2]?.id).toBe(fresh.sha);
});

it('GH8: a branch without any commit in common, and one that is reset, bring what is theirs', async () => {
  const [one] = repository.git.commits(3);
  const first = await read(github, { streams: ['commits'] });
  const orphan = repository.git.orphan('pages');
  repository.git.forcePush('main', one?.sha ?? '');
  const second = await read(github, { streams: ['commits'] }, { cursor: first.cursor });
  expect(second.events.map(({ type, id }) => (type === 'github.commit' ? id : type))).toEqual([
    'github.branch.forced',
    orphan.sha,
  ]);
});

it('only the branches that are named are read', async () => {
  repository.git.commits(2);
  for (const branch of ['release/1', 'release/2', 'topic']) repository.git.commit({ branch });
  const { events } = await read(github, { streams: ['commits'], branches: ['main', 'release/*'] });
  expect(ofType(events, 'github.commit').map(({ data }) => data.branch)).toEqual([
    'main',
    'main',
    'release/1',
    'release/2',
  ]);
});

it('tags that move come again, as often as they move; releases that change come as updated', async () => {
  const [one] = repository.git.commits(2);
  repository.git.tag('v1');
  const release = repository.release('v1');
  let { cursor, events } = await read(github, { streams: ['tags', 'releases'] });
  const ids = idsOf(ofType(events, 'github.tag'));
  for (const at of [one?.sha, repository.git.head()]) {
    repository.git.tag('v1', at);
    ({ cursor, events } = await read(github, { streams: ['tags', 'releases'] }, { cursor }));
    ids.push(...idsOf(events));
  }
  expect(new Set(ids).size).toBe(3);
  await github.clock.advance(60_000);
  repository.edit(release, { name: 'Renamed' });
  ({ events } = await read(github, { streams: ['tags', 'releases'] }, { cursor }));
  expect(events.map(({ type }) => type)).toEqual(['github.release.updated']);
});

it('runs that end after others began are seen to end', async () => {
  const run = repository.run({ status: 'in_progress', conclusion: null });
  let { cursor, events } = await read(github, { streams: ['workflowRuns'] });
  await github.clock.advance(60_000);
  for (let count = 0; count < 150; count += 1) repository.run();
  ({ cursor } = await read(github, { streams: ['workflowRuns'] }, { cursor }));
  await github.clock.advance(60_000);
  repository.edit(run, { status: 'completed', conclusion: 'failure' });
  repository.run();
  ({ events } = await read(github, { streams: ['workflowRuns'] }, { cursor }));
  expect(events.map(({ data }) => data)).toContainEqual(expect.objectContaining({ id: run.id, conclusion: 'failure' }));
  expect(events).toHaveLength(2);
});

it('stars come once, also when others are taken back meanwhile', async () => {
  const at = (index: number): string =>
    `2026-01-${String(1 + (index % 10)).padStart(2, '0')}T00:00:${String(index % 60).padStart(2, '0')}Z`;
  for (let index = 0; index < 230; index += 1) repository.star(`user-${index}`, at(index));
  github.server.before(3, () => repository.unstar('user-0'), { route: '/repos/{owner}/{repo}/stargazers' });
  const first = await read(github, { streams: ['stars'] });
  expect(new Set(idsOf(first.events)).size).toBe(229);
  for (let index = 1; index < 60; index += 1) repository.unstar(`user-${index}`);
  repository.star('late');
  const second = await read(github, { streams: ['stars'] }, { cursor: first.cursor });
  expect(second.events.map(({ subject }) => subject)).toEqual(['stargazers/late']);
});
