import { EventSourceFactory } from 'headwater';
import { builtinSources } from 'headwater/sources';
import type { GithubConfigInput } from 'headwater/sources/github';
import { RecordingLogger } from 'headwater/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { faults } from '../../services/github/faults.js';
import { githubForEach, type StartedGithub } from '../../services/github/for-each.js';
import type { Repository } from '../../services/github/repository.js';
import { errorOf, idsOf, ofType, read, sourceOf, titlesOf } from './reading.js';

let github: StartedGithub;
githubForEach((started) => {
  github = started;
});
const config: GithubConfigInput = { org: 'octo', streams: ['issues', 'commits'] };

function organisation(count: number, issues = 2): Repository[] {
  return Array.from({ length: count }, (_, index) => {
    const repository = github.server.repository(`octo/r${index}`);
    for (let number = 1; number <= issues; number += 1) repository.issue({ title: `r${index} ${number}` });
    return repository;
  });
}

describe('GH11: many repositories', () => {
  let repositories: Repository[];
  beforeEach(() => {
    repositories = organisation(5);
  });

  it('GH11: new repositories are found with each round', async () => {
    const first = await read(github, config);
    expect(first.events).toHaveLength(10);
    github.server.repository('octo/new').issue({ title: 'first of the new one' });
    const second = await read(github, config, { cursor: first.cursor });
    expect(titlesOf(second.events)).toEqual(['first of the new one']);
  });

  it.each([['blocked', 'HTTP_BLOCKED', (repository: Repository) => repository.block()]] as const)(
    'GH11: one that is %s neither stops nor rewinds the others; it is told once, and so is a second time',
    async (_, code, spoil) => {
      const first = await read(github, config);
      const bad = repositories[1] as Repository;
      spoil(bad);
      repositories[3]?.issue({ title: 'meanwhile' });
      const second = await read(github, config, { cursor: first.cursor });
      expect(titlesOf(ofType(second.events, 'github.issue.created'))).toEqual(['meanwhile']);
      const problems = ofType(second.events, 'github.repository.unavailable');
      expect(problems.map(({ data }) => data)).toMatchObject([{ repository: { id: bad.id }, stream: '*', code }]);
      const third = await read(github, config, { cursor: second.cursor });
      expect(third.events).toEqual([]);
      bad.blocked = undefined;
      const fourth = await read(github, config, { cursor: third.cursor });
      expect(fourth.events).toEqual([]);
      spoil(bad);
      const fifth = await read(github, config, { cursor: fourth.cursor });
      expect(fifth.events).toHaveLength(1);
      expect(fifth.events[0]?.id).not.toBe(problems[0]?.id);
    },
  );

  it.each([404, 403, 451])('GH11: one that answers %i neither stops nor rewinds the others', async (status) => {
    const { cursor } = await read(github, config);
    for (const repository of repositories) repository.issue({ title: 'meanwhile' });
    github.server.inject(faults.status(status, 'No'), { route: '/repos/{owner}/{repo}/issues' });
    const logger = new RecordingLogger();
    const second = await read(github, config, { cursor, logger });
    expect(titlesOf(ofType(second.events, 'github.issue.created'))).toHaveLength(4);
    expect(ofType(second.events, 'github.repository.unavailable')).toHaveLength(1);
    expect(logger.lines.some(({ level }) => level === 'warn')).toBe(true);
    const third = await read(github, config, { cursor: second.cursor });
    expect(titlesOf(ofType(third.events, 'github.issue.created'))).toEqual(['meanwhile']);
  });

  it('GH11: an empty one (409) is no problem', async () => {
    repositories[0]?.git.commit();
    const { events } = await read(github, config);
    expect(ofType(events, 'github.repository.unavailable')).toEqual([]);
    expect(ofType(events, 'github.commit')).toHaveLength(1);
  });

  it('of a list of names, one that is not there is told, and the others are read', async () => {
    const list: GithubConfigInput = { repos: ['octo/r0', 'octo/nothing', 'octo/r1'], streams: ['issues'] };
    const { events, cursor } = await read(github, list);
    expect(titlesOf(ofType(events, 'github.issue.created'))).toHaveLength(4);
    expect(ofType(events, 'github.repository.unavailable').map(({ data }) => data.repository.name)).toEqual([
      'octo/nothing',
    ]);
    expect(Object.keys(cursor.repositories)).toHaveLength(2);
  });

  it('a wrong token stops everything', async () => {
    const error = await errorOf(read(github, config, { credentials: { token: 'ghp_wrong' } }));
    expect(error.name).toBe('AuthenticationError');
  });

  it('filters leave repositories out', async () => {
    repositories[0]?.archive();
    repositories[1]?.makePrivate();
    const names = async (filters: GithubConfigInput): Promise<string[]> => {
      const { events } = await read(github, { ...config, ...filters });
      return [...new Set(ofType(events, 'github.issue.created').map(({ data }) => data.repository.name))].sort();
    };
    expect(await names({ archived: false })).toEqual(['octo/r1', 'octo/r2', 'octo/r3', 'octo/r4']);
    expect(await names({ visibility: 'public' })).toEqual(['octo/r0', 'octo/r2', 'octo/r3', 'octo/r4']);
    expect(await names({ visibility: 'private' })).toEqual(['octo/r1']);
    expect(await names({ include: ['r[0-2]'], exclude: ['r2'] })).toEqual(['octo/r0', 'octo/r1']);
  });

  it('no more are read at once than is said', async () => {
    github.server.settings.latencyMs = 5;
    await read(github, { ...config, concurrency: 3 });
    expect(github.server.counts.mostAtOnce).toBe(3);
  });

  it('partitions: one for each repository, with a reference instead of credentials; together they read the same', async () => {
    const source = await sourceOf(github, { ...config, since: '2026-01-01' });
    const whole = await read(github, config);
    const specs = await source.partitions({ credentials: { ref: 'github' } });
    expect(specs.map(({ id }) => id)).toEqual(repositories.map(({ id }) => `github/${id}`));
    expect(JSON.stringify(specs)).not.toContain(github.token);
    const credentials = { resolve: async () => ({ token: github.token }) };
    const factory = new EventSourceFactory({ sources: builtinSources, credentials, clock: github.clock });
    const ids: string[] = [];
    for (const spec of JSON.parse(JSON.stringify(specs)) as typeof specs) {
      const part = await factory.createFromSpec(spec);
      for await (const event of part.generateEvents()) ids.push(event.id);
    }
    expect(ids.sort()).toEqual(idsOf(whole.events).sort());
  });
});

describe('a user', () => {
  beforeEach(() => {
    const open = github.server.repository('mona/open', { ownerType: 'User' });
    open.issue({ title: 'open' });
    github.server.repository('mona/closed', { private: true }).issue({ title: 'closed' });
  });

  it('of somebody else has public repositories', async () => {
    const { events } = await read(github, { user: 'mona', streams: ['issues'] });
    expect(titlesOf(events)).toEqual(['open']);
  });

  it('whose token it is has private ones too', async () => {
    const token = github.server.personalToken({ login: 'mona' });
    const { events } = await read(github, { user: 'mona', streams: ['issues'] }, { credentials: { token } });
    expect(titlesOf(events).sort()).toEqual(['closed', 'open']);
  });

  it('is read without credentials too', async () => {
    const { events } = await read(github, { user: 'mona', streams: ['issues'] }, { credentials: 'anonymous' });
    expect(titlesOf(events)).toEqual(['open']);
  });
});

describe('what it costs', () => {
  it('a full sync of 10,000 issues takes at most 1.02 requests for each page there is', async () => {
    github.server.settings.checkAnswers = false;
    github.server.repository('octo/spoon').issues(10_000);
    const { events } = await read(github, { streams: ['issues'] });
    expect(events).toHaveLength(10_000);
    const { byRoute } = github.server.counts;
    expect(byRoute['/repos/{owner}/{repo}/issues']).toBeLessThanOrEqual(102);
  }, 60_000);

  it('one repository with nothing new: one request for each stream, all answered 304 and free', async () => {
    const repository = github.server.repository('octo/spoon');
    const issues = repository.issues(130);
    for (const pull of repository.pulls(120)) repository.reviewComment(pull);
    repository.comments(issues[0] as never, 3);
    repository.git.commits(120);
    repository.release('v1');
    repository.git.tag('v1');
    repository.runs(3);
    repository.star('ann');
    repository.event();
    await github.clock.advance(120_000);
    const streams = [
      'commits',
      'issues',
      'pulls',
      'issueComments',
      'reviewComments',
      'reviews',
      'releases',
      'tags',
      'workflowRuns',
      'stars',
      'events',
    ] as const;
    const { cursor } = await read(github, { streams: [...streams] });
    for (let round = 0; round < 3; round += 1) {
      github.server.forgetRequests();
      await read(github, { streams: [...streams] }, { cursor });
      expect(github.server.counts).toMatchObject({ total: streams.length, notModified: streams.length, billed: 0 });
    }
  });

  // The whole figure, of 100 repositories with 20 pages each, is a row of the bench.
  it('of 20 repositories with one changed, at most a twentieth of what the full sync cost', async () => {
    github.server.settings.checkAnswers = false;
    const repositories = organisation(20, 0);
    for (const repository of repositories) {
      repository.issues(500);
      repository.pulls(500);
    }
    const streams: GithubConfigInput = { org: 'octo', streams: ['issues', 'pulls'] };
    const { cursor } = await read(github, streams);
    const full = github.server.counts.billed;
    repositories[7]?.issue({ title: 'new' });
    repositories[7]?.pull({ title: 'new' });
    github.server.forgetRequests();
    const { events } = await read(github, streams, { cursor });
    expect(titlesOf(events)).toEqual(['new', 'new']);
    expect(github.server.counts.billed).toBeLessThanOrEqual(full / 20);
  }, 120_000);

  it('the first event is there after the first page', async () => {
    github.server.repository('octo/spoon').issues(1_000);
    const source = await sourceOf(github, { streams: ['issues'] });
    const iterator = source.generateEvents();
    await iterator.next();
    // The repository itself, its first page, and the one that is read ahead.
    expect(github.server.counts.total).toBeLessThanOrEqual(3);
    await iterator.return();
  });

  it('reads at most two pages ahead of a consumer that waits', async () => {
    github.server.repository('octo/spoon').issues(1_000);
    const source = await sourceOf(github, { streams: ['issues'] });
    const iterator = source.generateEvents();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(github.server.counts.total).toBeLessThanOrEqual(4);
    await iterator.return();
  });
});
