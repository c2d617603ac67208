import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GitHubSource, type GithubConfigInput } from '../../src/sources/github/index.js';
import type { Repository } from '../services/github/repository.js';
import { GithubServer } from '../services/github/server.js';
import type { Judge } from './judge.js';
import { scenarios } from './scenarios.js';
import { type Service, Services } from './services.js';

/** After so many requests something happens, and again, until it has happened so often. */
const REQUESTS_BETWEEN = 3;
const MOST_CHANGES = 40;

/** What a child needs to know to read it. */
export interface GithubAccess {
  readonly config: GithubConfigInput;
  readonly token: string;
}

/** An organisation on which things happen while it is read. */
class MovingOrganisation implements Service {
  readonly access: GithubAccess;
  readonly server: GithubServer;
  #isAtRest = false;

  private constructor(server: GithubServer) {
    this.server = server;
    const config: GithubConfigInput = {
      baseUrl: server.url,
      org: 'octo',
      concurrency: 2,
      streams: [
        'commits',
        'issues',
        'pulls',
        'issueComments',
        'reviewComments',
        'reviews',
        'releases',
        'tags',
        'stars',
      ],
    };
    this.access = { config, token: server.personalToken() };
  }

  static async start(): Promise<MovingOrganisation> {
    const server = await GithubServer.start({ clock: { now: () => Date.now() }, checkAnswers: false });
    const repositories = ['octo/fork', 'octo/knife', 'octo/spoon'].map((name) => server.repository(name));
    for (const repository of repositories) fill(repository);
    const organisation = new MovingOrganisation(server);
    organisation.#drift(repositories, 0);
    return organisation;
  }

  rest(): void {
    this.#isAtRest = true;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  #drift(repositories: readonly Repository[], count: number): void {
    if (count === MOST_CHANGES) return;
    this.server.before(REQUESTS_BETWEEN, () => {
      if (this.#isAtRest) return;
      change(repositories[count % repositories.length] as Repository, count);
      this.#drift(repositories, count + 1);
    });
  }
}

export const githubServices = new Services(() => MovingOrganisation.start());

function fill(repository: Repository): void {
  repository.git.commits(120);
  repository.git.branch('topic');
  repository.git.commit({ branch: 'topic' });
  const [issue] = repository.issues(130);
  const [pull] = repository.pulls(110, { updatedAt: '2026-01-10T00:00:00Z', createdAt: '2026-01-10T00:00:00Z' });
  if (issue === undefined || pull === undefined) throw new Error('there are some');
  repository.comments(issue, 3);
  repository.review(pull);
  repository.reviewComment(pull);
  repository.release('v1');
  repository.git.tag('v1');
  repository.star('ann');
}

function change(repository: Repository, count: number): void {
  repository.edit(repository.issueRecords[count * 2], { title: `changed ${count}` });
  repository.git.commit({ message: `later ${count}` });
  if (count % 5 === 0) repository.git.rebase('topic', 'main');
  if (count % 4 === 0) repository.review(repository.pull());
  repository.star(`later-${count}`);
  if (count % 6 === 0) repository.git.tag(`later-${count}`);
  if (count % 7 === 0) repository.release(`later-${count}`);
}

/** Everything that there is now is among what was stored, in its present version; nothing is there oftener than may be. */
export const judgeGithub: Judge = async (directory, atRisk) => {
  const organisation = githubServices.of(directory);
  const { server, access } = organisation;
  // What changed while the last run went on is for the next.
  organisation.rest();
  await scenarios['github']?.(directory);
  const stored = readFileSync(join(directory, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; source: string });
  const keys = stored.map(({ source, id }) => `${source} ${id}`);
  const distinct = new Set(keys);
  const lost: string[] = [];
  const source = await GitHubSource.create({
    id: 'torture',
    config: access.config,
    credentials: { token: access.token },
  });
  for await (const { source: from, id } of source.generateEvents()) {
    if (!distinct.has(`${from} ${id}`)) lost.push(`${from} ${id}`);
  }
  if (lost.length > 0) throw new Error(`lost: ${lost.slice(0, 5).join(', ')} and ${lost.length} in all`);
  const repeats = keys.length - distinct.size;
  if (repeats > atRisk) throw new Error(`${repeats} repeats where at most ${atRisk} were on their way`);
  if (server.violations.length > 0) throw new Error(`asked for what is not documented: ${server.violations[0]}`);
  return { events: distinct.size, repeats };
};
