import { describe, expect, it } from 'vitest';
import { type Fault, faults, type RawAnswer } from '../../services/github/faults.js';
import { githubForEach, type StartedGithub } from '../../services/github/for-each.js';
import type { Repository } from '../../services/github/repository.js';
import { errorOf, idsOf, ofType, read, readSome, sourceOf, titlesOf } from './reading.js';

const ISSUES = '/repos/{owner}/{repo}/issues';
const PULLS = '/repos/{owner}/{repo}/pulls';

describe('lists by time of change', () => {
  let github: StartedGithub;
  let repository: Repository;
  githubForEach((started) => {
    github = started;
    repository = started.server.repository('octo/spoon');
  });

  it('GH1: an issue that changes while the list is walked pushes none out of sight, and comes in both versions', async () => {
    const { server } = github;
    const issues = repository.issues(250);
    server.before(2, () => repository.edit(issues[4], { title: 'changed' }), { route: ISSUES });
    const { events } = await read(github, { streams: ['issues'] });
    expect(events).toHaveLength(251);
    expect(new Set(titlesOf(events)).size).toBe(251);
    expect(ofType(events, 'github.issue.updated')).toHaveLength(1);
  });

  it('GH1: an issue that goes away while the list is walked pushes none out of sight', async () => {
    const issues = repository.issues(250);
    github.server.before(2, () => repository.remove(issues[4] as object), { route: ISSUES });
    const { events } = await read(github, { streams: ['issues'] });
    expect(new Set(titlesOf(events)).size).toBe(250);
  });

  it.each([['changes', 'edit'] as const, ['goes away', 'remove'] as const])(
    'GH1: of issues that all have one time, one that %s meanwhile pushes none out of sight',
    async (_, what) => {
      const issues = Array.from({ length: 250 }, () => repository.issue());
      github.server.before(3, () => change(), { route: ISSUES });
      await github.clock.advance(3_600_000);
      const { events } = await read(github, { streams: ['issues'] });
      expect(new Set(titlesOf(events)).size).toBe(what === 'edit' ? 251 : 250);
      expect(new Set(idsOf(events)).size).toBe(events.length);

      function change(): void {
        if (what === 'edit') repository.edit(issues[4], { title: 'changed' });
        else repository.remove(issues[4] as object);
      }
    },
  );

  it.each([4, 104, 204])(
    'GH1: a pull request that changes while the list is walked comes too: number %i',
    async (at) => {
      const pulls = repository.pulls(250);
      github.server.before(2, () => repository.edit(pulls[at], { title: 'changed' }), { route: PULLS });
      const { events } = await read(github, { streams: ['pulls'] });
      const titles = new Set(titlesOf(events));
      expect(titles.has('changed')).toBe(true);
      expect(titles.size).toBeGreaterThanOrEqual(250);
      expect(new Set(idsOf(events)).size).toBe(events.length);
    },
  );

  it('GH2: what appears later at the second of the cursor comes, once; what came does not come again', async () => {
    const at = { createdAt: '2026-01-15T11:00:00Z', updatedAt: '2026-01-15T11:00:00Z' };
    repository.issue(at);
    repository.issue(at);
    const first = await read(github, { streams: ['issues'] });
    expect(titlesOf(first.events)).toEqual(['Issue 1', 'Issue 2']);
    repository.issue(at);
    const second = await read(github, { streams: ['issues'] }, { cursor: first.cursor });
    expect(titlesOf(second.events)).toEqual(['Issue 3']);
    const third = await read(github, { streams: ['issues'] }, { cursor: second.cursor });
    expect(third.events).toEqual([]);
  });

  it.each(['issues', 'pulls'] as const)(
    'GH2: two changes within one second are two events with two ids, and neither is lost: %s',
    async (stream) => {
      const thing = stream === 'issues' ? repository.issue({ title: 'one' }) : repository.pull({ title: 'one' });
      const first = await read(github, { streams: [stream] });
      repository.edit(thing, { title: 'two' });
      const second = await read(github, { streams: [stream] }, { cursor: first.cursor });
      expect(titlesOf([...first.events, ...second.events])).toEqual(['one', 'two']);
      expect(new Set(idsOf([...first.events, ...second.events])).size).toBe(2);
    },
  );

  it('GH2: a change that becomes visible after a later one comes as well', async () => {
    repository.issue({ updatedAt: '2026-01-15T11:59:50Z', createdAt: '2026-01-15T11:59:50Z' });
    const first = await read(github, { streams: ['issues', 'pulls'] });
    repository.issue({ title: 'late', updatedAt: '2026-01-15T11:59:20Z' });
    repository.pull({ title: 'late pull', updatedAt: '2026-01-15T11:59:20Z' });
    const second = await read(github, { streams: ['issues', 'pulls'] }, { cursor: first.cursor });
    expect(titlesOf(second.events)).toEqual(['late', 'late pull']);
  });

  it('GH3: nothing is asked by time before there is one', async () => {
    repository.issues(3);
    await read(github, { streams: ['issues', 'issueComments', 'reviewComments', 'pulls'] });
    expect(github.server.requests.filter(({ url }) => url.includes('since='))).toEqual([]);
    const epoch = await read(github, { streams: ['issues'], since: '1970-01-01' });
    expect(epoch.events).toHaveLength(3);
  });

  it('since leaves out what was last changed before', async () => {
    const old = { createdAt: '2025-12-01T00:00:00Z', updatedAt: '2025-12-01T00:00:00Z' };
    repository.issue(old);
    repository.pull(old);
    repository.issue({ title: 'new issue' });
    repository.pull({ title: 'new pull' });
    const { events } = await read(github, { streams: ['issues', 'pulls'], since: '2026-01-01' });
    expect(titlesOf(events)).toEqual(['new issue', 'new pull']);
  });

  it('GH4: a list that refuses numbers of pages is read to its end by its links', async () => {
    github.server.settings.pageWindow = 100;
    for (let count = 0; count < 250; count += 1) repository.issue();
    const { events } = await read(github, { streams: ['issues'] });
    expect(new Set(titlesOf(events)).size).toBe(250);
    expect(github.server.requests.some(({ url }) => url.includes('after='))).toBe(true);
  });

  it.each(['pulls', 'issues'] as const)(
    'GH4: a link to another place is refused, and nothing is sent there: %s',
    async (stream) => {
      if (stream === 'pulls') repository.pulls(3);
      else for (let count = 0; count < 3; count += 1) repository.issue();
      github.server.inject(faults.nextLink('https://evil.example/next'), {
        route: stream === 'pulls' ? PULLS : ISSUES,
      });
      const error = await errorOf(read(github, { streams: [stream] }));
      expect(error.code).toBe('PAGINATION_ORIGIN');
    },
  );

  it.each(['pulls', 'issues', 'releases', 'stars'] as const)(
    'a link that leads round in circles is an error: %s',
    async (stream) => {
      repository.pulls(3);
      for (let count = 0; count < 3; count += 1) repository.issue();
      repository.release('v1');
      repository.star('ann');
      const relation = stream === 'stars' ? 'prev' : 'next';
      const loop: Fault = { change: (answer, url) => withLink(answer, url, relation) };
      github.server.inject(loop, { times: 100, after: 1 });
      const error = await errorOf(read(github, { streams: [stream] }));
      expect(error.code).toBe('PAGINATION_LOOP');
    },
  );

  it('an empty page that has a next one is no end', async () => {
    repository.pulls(150);
    github.server.inject(faults.emptyPage(), { route: PULLS });
    const { events, cursor } = await read(github, { streams: ['pulls'] });
    const { events: rest } = await read(github, { streams: ['pulls'] }, { cursor });
    expect(new Set(titlesOf([...events, ...rest])).size).toBeGreaterThanOrEqual(50);
  });

  it('pull requests are not among the issues', async () => {
    repository.pulls(2);
    repository.issue({ title: 'an issue' });
    const { events } = await read(github, { streams: ['issues'] });
    expect(titlesOf(events)).toEqual(['an issue']);
  });

  it('comments on the changes are found although their pull request is not updated', async () => {
    const pull = repository.pull();
    const first = await read(github, { streams: ['pulls', 'reviewComments'] });
    await github.clock.advance(600_000);
    repository.reviewComment(pull, { body: 'here' });
    const second = await read(github, { streams: ['pulls', 'reviewComments'] }, { cursor: first.cursor });
    expect(ofType(second.events, 'github.review_comment.created').map(({ data }) => data)).toMatchObject([
      { pull: pull.number, body: 'here', path: 'README.md', line: 1 },
    ]);
  });

  it('reviews come with their pull requests, each once', async () => {
    const [one, two] = repository.pulls(2);
    if (one === undefined || two === undefined) throw new Error('there are two');
    repository.review(one);
    repository.review(two);
    const first = await read(github, { streams: ['pulls', 'reviews'] });
    expect(ofType(first.events, 'github.review.created')).toHaveLength(2);
    repository.review(one, { body: 'again' });
    repository.comment(two);
    const second = await read(github, { streams: ['reviews'] }, { cursor: first.cursor });
    expect(second.events.map(({ data }) => (data as { body: string }).body)).toEqual(['again']);
    await github.clock.advance(3_600_000);
    repository.comment(one);
    const third = await read(github, { streams: ['reviews'] }, { cursor: second.cursor });
    expect(third.events).toEqual([]);
  });

  it('created and updated are told apart by what was read, so every run says the same', async () => {
    const issue = repository.issue();
    const first = await read(github, { streams: ['issues'] });
    await github.clock.advance(60_000);
    repository.closeIssue(issue);
    const second = await read(github, { streams: ['issues'] }, { cursor: first.cursor });
    const anew = await read(github, { streams: ['issues'] });
    expect(first.events.map(({ type }) => type)).toEqual(['github.issue.created']);
    expect(second.events.map(({ type }) => type)).toEqual(['github.issue.updated']);
    expect(second.events).toEqual(anew.events);
  });

  it('with raw the payload is there as GitHub sent it', async () => {
    repository.issue();
    const { events } = await read(github, { streams: ['issues'], raw: true });
    expect(events[0]?.data).toMatchObject({ raw: { number: 1, labels_url: expect.any(String) } });
  });

  it('follows: what happens later comes with the next round', async () => {
    repository.issue({ title: 'one' });
    const controller = new AbortController();
    const titles: string[] = [];
    const source = await sourceOf(github, { streams: ['issues'], pollIntervalMs: 60_000 });
    const reading = (async () => {
      for await (const event of source.generateEvents({ follow: true, signal: controller.signal })) {
        titles.push(...titlesOf([event]));
        if (titles.length === 2) break;
      }
    })();
    await expect.poll(() => source.getStatus().state).toBe('caught-up');
    repository.issue({ title: 'two' });
    await github.clock.advance(60_000);
    await reading;
    expect(titles).toEqual(['one', 'two']);
  });
});

describe('GH7: a condition is only sent for what was delivered', () => {
  let github: StartedGithub;
  let repository: Repository;
  githubForEach((started) => {
    github = started;
    repository = started.server.repository('octo/spoon');
  });
  const streams = ['issues', 'pulls', 'releases', 'commits', 'workflowRuns', 'stars', 'tags'] as const;

  it.each(streams)('GH7: not after a run that ended before its page was delivered: %s', async (stream) => {
    fill(repository);
    const { cursor } = await readSome(github, 1, { streams: [stream] });
    github.server.forgetRequests();
    await read(github, { streams: [stream] }, { cursor });
    expect(github.server.requests[0]?.headers['if-none-match']).toBeUndefined();
    expect(github.server.requests[0]?.status).toBe(200);
  });

  it('GH7: two streams that ask for the same page do not take the one for the other', async () => {
    const [pull] = repository.pulls(1);
    if (pull !== undefined) repository.review(pull);
    const { events } = await read(github, { streams: ['pulls', 'reviews'] });
    expect(ofType(events, 'github.review.created')).toHaveLength(1);
  });

  it('GH7: not with other credentials', async () => {
    fill(repository);
    const { cursor } = await read(github, { streams: ['issues'] });
    github.server.forgetRequests();
    const token = github.server.personalToken({ login: 'another' });
    await read(github, { streams: ['issues'] }, { cursor, credentials: { token } });
    expect(github.server.requests[0]?.headers['if-none-match']).toBeUndefined();
  });

  it('GH7: once an hour at least it asks without condition', async () => {
    fill(repository);
    const first = await read(github, { streams: ['issues'] });
    await github.clock.advance(3_600_000);
    github.server.forgetRequests();
    await read(github, { streams: ['issues'] }, { cursor: first.cursor });
    expect(github.server.requests[0]?.headers['if-none-match']).toBeUndefined();
  });
});

function fill(repository: Repository): void {
  for (let count = 0; count < 3; count += 1) {
    repository.issue();
    repository.pull();
    repository.release(`v${count}`);
    repository.run();
    repository.star(`user-${count}`);
    repository.git.commit();
    repository.git.tag(`v${count}`);
  }
}

function withLink(answer: RawAnswer, url: string, relation: string): RawAnswer {
  return { ...answer, headers: { ...answer.headers, link: `<${url}>; rel="${relation}"` } };
}
