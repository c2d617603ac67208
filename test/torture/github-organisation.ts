import type { GithubConfigInput } from '../../src/sources/github/index.js';
import type { Repository } from '../services/github/repository.js';
import { GithubServer } from '../services/github/server.js';
import type { GithubAccess } from './github-scenarios.js';
import type { Service } from './services.js';

/** After so many requests something happens, and again, until it has happened so often. */
const REQUESTS_BETWEEN = 3;
const MOST_CHANGES = 40;

/** An organisation of three repositories in which things happen while they are read: by the requests that are seen. */
export class MovingOrganisation implements Service {
  readonly access: GithubAccess;
  readonly server: GithubServer;
  readonly #repositories: readonly Repository[];
  #isAtRest = false;

  private constructor(server: GithubServer) {
    this.server = server;
    this.#repositories = ['octo/fork', 'octo/knife', 'octo/spoon'].map((name) => server.repository(name));
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
    const organisation = new MovingOrganisation(server);
    for (const repository of organisation.#repositories) fill(repository);
    organisation.#drift(0);
    return organisation;
  }

  rest(): void {
    this.#isAtRest = true;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  #drift(count: number): void {
    if (count === MOST_CHANGES) return;
    this.server.before(REQUESTS_BETWEEN, () => {
      if (this.#isAtRest) return;
      change(this.#repositories[count % this.#repositories.length] as Repository, count);
      this.#drift(count + 1);
    });
  }
}

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
