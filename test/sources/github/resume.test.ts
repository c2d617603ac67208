import { readFileSync } from 'node:fs';
import { type GitHubEvent, GitHubSource, type GithubConfigInput, type GithubCursor } from 'headwater/sources/github';
import { describe, expect, it } from 'vitest';
import { faults } from '../../services/github/faults.js';
import { githubForEach, type StartedGithub } from '../../services/github/for-each.js';
import type { Repository } from '../../services/github/repository.js';
import { errorOf, idsOf, read, readSome, sourceOf, throughJson } from './reading.js';

let github: StartedGithub;
let repository: Repository;
githubForEach((started) => {
  github = started;
  repository = started.server.repository('octo/spoon');
});

const streams: GithubConfigInput['streams'] = [
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
];

/** A little of everything. */
async function fill(target: Repository, rounds = 3): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    target.git.commit({ message: `main ${round}` });
    target.git.branch(`side-${round}`);
    target.git.commit({ branch: `side-${round}` });
    const issue = target.issue();
    target.comment(issue);
    const pull = target.pull();
    target.reviewComment(pull);
    target.review(pull);
    target.review(pull, { state: 'COMMENTED' });
    target.release(`v${round}`);
    target.git.tag(`v${round}`);
    target.run();
    target.star(`user-${round}`);
    target.event();
    await github.clock.advance(61_000);
  }
}

/** Something of everything happens. */
function drift(target: Repository, round: number): void {
  target.git.commit({ message: `later ${round}` });
  target.git.commit({ branch: 'side-0', message: `later on the side ${round}` });
  target.edit(target.issueRecords[0], { title: `changed ${round}` });
  target.edit(target.commentRecords[0], { body: `changed ${round}` });
  const pull = target.pull();
  target.review(pull);
  target.run();
  target.git.tag(`w${round}`);
  target.release(`w${round}`);
  target.star(`later-${round}`);
}

/** What there is to find in the end: the present version of everything. */
async function everything(config: GithubConfigInput): Promise<Set<string>> {
  return new Set(idsOf((await read(github, config)).events));
}

function expectComplete(events: readonly GitHubEvent[], wanted: ReadonlySet<string>): void {
  const ids = new Set(idsOf(events));
  expect([...wanted].filter((id) => !ids.has(id))).toEqual([]);
}

describe('resuming', () => {
  it('X1: after being killed at any event the union is complete, and only the event in hand repeats', async () => {
    await fill(repository);
    const { events: all } = await read(github, { streams });
    for (let killed = 1; killed <= all.length; killed += 1) {
      const first = await readSome(github, killed, { streams });
      const second = await read(github, { streams }, { cursor: first.cursor });
      expect([...idsOf(first.events.slice(0, -1)), ...idsOf(second.events)]).toEqual(idsOf(all));
    }
  }, 120_000);

  it.each(['issues', 'pulls', 'commits', 'stars', 'workflowRuns', 'reviews'] as const)(
    'X1: a long list is gone on with where it was, at any page: %s',
    async (stream) => {
      github.server.settings.checkAnswers = false;
      for (let index = 0; index < 330; index += 1) {
        const at = `2026-01-10T${String(index % 24).padStart(2, '0')}:${String(index % 60).padStart(2, '0')}:00Z`;
        const times = { createdAt: at, updatedAt: at };
        if (stream === 'issues') repository.issue(times);
        if (stream === 'pulls') repository.pull(times);
        if (stream === 'commits') repository.git.commit();
        if (stream === 'stars') repository.star(`user-${index}`, at);
        if (stream === 'workflowRuns') repository.run(times);
        if (stream === 'reviews' && index < 130) repository.review(repository.pull(times), { submittedAt: at });
      }
      const config = { streams: [stream] };
      const { events: all } = await read(github, config);
      for (const killed of [1, 99, 100, 101, 150, 200, 250, 300, 329].filter((count) => count < all.length)) {
        const first = await readSome(github, killed, config);
        github.server.forgetRequests();
        const second = await read(github, config, { cursor: first.cursor });
        expect([...idsOf(first.events.slice(0, -1)), ...idsOf(second.events)]).toEqual(idsOf(all));
        if (stream !== 'reviews') expect(github.server.counts.total).toBeLessThanOrEqual(7 - Math.floor(killed / 100));
      }
    },
    120_000,
  );

  it('X1: killed at any event, with things happening before each start: nothing is lost, the same has the same id', async () => {
    await fill(repository, 2);
    const { length } = (await read(github, { streams })).events;
    for (let killed = 1; killed <= length; killed += 3) {
      const events: GitHubEvent[] = [];
      let cursor: GithubCursor | undefined;
      for (let run = 0; run < 3; run += 1) {
        const some = await readSome(github, killed, { streams }, { cursor });
        events.push(...some.events);
        cursor = some.cursor;
        drift(repository, killed * 10 + run);
        await github.clock.advance(20_000);
      }
      events.push(...(await read(github, { streams }, { cursor })).events);
      expectComplete(events, await everything({ streams }));
    }
  }, 240_000);

  it('X3: a request that fails for good at any place loses nothing and moves nothing that was not delivered', async () => {
    await fill(repository, 2);
    const { events: all } = await read(github, { streams });
    github.server.forgetRequests();
    await read(github, { streams });
    const requests = github.server.counts.total;
    for (let failing = 0; failing < requests; failing += 1) {
      github.server.inject(faults.status(400, 'No'), { after: failing });
      const source = await sourceOf(github, { streams });
      const events: GitHubEvent[] = [];
      const error = await errorOf(
        (async () => {
          for await (const event of source.generateEvents()) events.push(event);
        })(),
      );
      expect(error.code).toBe('HTTP_BAD_REQUEST');
      github.server.clearFaults();
      const rest = await read(github, { streams }, { cursor: throughJson(source.getCursor()) });
      expect([...idsOf(events), ...idsOf(rest.events)]).toEqual(idsOf(all));
    }
  }, 120_000);

  it('X1: of an organisation as well, several repositories at once', async () => {
    for (const name of ['a', 'b', 'c'])
      await fill(github.server.repository(`many/${name}`, { ownerType: 'Organization' }), 1);
    const config: GithubConfigInput = { org: 'many', streams };
    const wanted = await everything(config);
    for (let killed = 1; killed <= wanted.size; killed += 4) {
      const first = await readSome(github, killed, config);
      const second = await read(github, config, { cursor: first.cursor });
      const ids = [...idsOf(first.events.slice(0, -1)), ...idsOf(second.events)];
      expect(ids).toHaveLength(wanted.size);
      expectComplete([...first.events, ...second.events], wanted);
    }
  }, 120_000);

  it.each([1, 60, 99])(
    'X1: what new items push on to the next page does not come again: %i delivered',
    async (killed) => {
      github.server.settings.checkAnswers = false;
      repository.pulls(150);
      const first = await readSome(github, killed + 1, { streams: ['pulls'] });
      await github.clock.advance(60_000);
      for (let count = 0; count < 5; count += 1) repository.pull();
      const second = await read(github, { streams: ['pulls'] }, { cursor: first.cursor });
      const ids = idsOf([...first.events.slice(0, -1), ...second.events]);
      expect(ids).toHaveLength(155);
      expect(new Set(ids).size).toBe(155);
    },
  );

  it('X4: two processes give the same events the same ids', async () => {
    await fill(repository);
    expect((await read(github, { streams })).events).toEqual((await read(github, { streams })).events);
  });

  it('X8: a cursor is plain JSON without secrets, and stays small', async () => {
    await fill(repository);
    const { cursor } = await read(github, { streams });
    const text = JSON.stringify(cursor);
    expect(text).not.toContain(github.token);
    expect(text.length).toBeLessThan(5_000);
  });

  it('a cursor that a release wrote is still read', async () => {
    const text = readFileSync(new URL('./cursors/version-1.json', import.meta.url), 'utf8');
    const { schema } = GitHubSource.definition.cursor;
    const parsed = schema.safeParse(JSON.parse(text));
    expect(parsed.error).toBeUndefined();
  });

  it('a cursor that is none of ours is refused', async () => {
    const cursor = { repositories: { 'octo/spoon': {} } } as unknown as GithubCursor;
    const error = await errorOf(read(github, {}, { cursor }));
    expect(error.name).toBe('CursorError');
  });
});
