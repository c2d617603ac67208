import type { Clock } from 'headwater';
import { GitHubSource } from 'headwater/sources/github';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { faults } from '../../services/github/faults.js';
import type { Repository } from '../../services/github/repository.js';
import { GithubServer } from '../../services/github/server.js';

const FLOOD = 4_000;

/** A repository with a little of everything, on a server of its own. */
class Github implements SourceWorld {
  readonly server: GithubServer;
  readonly repository: Repository;
  readonly config: object;
  readonly credentials: { readonly token: string };
  /** A commit, two issues, two pull requests, a comment, a review, a release, a tag. */
  readonly events = 9;

  static async start(): Promise<Github> {
    const clock: Pick<Clock, 'now'> = { now: () => Date.now() };
    return new Github(await GithubServer.start({ clock }));
  }

  private constructor(server: GithubServer) {
    this.server = server;
    this.repository = server.repository('octo/spoon');
    this.#fill();
    this.config = {
      baseUrl: server.url,
      owner: 'octo',
      repo: 'spoon',
      streams: ['commits', 'issues', 'pulls', 'issueComments', 'reviews', 'releases', 'tags'],
      pollIntervalMs: 100,
    };
    this.credentials = { token: server.personalToken() };
  }

  #fill(): void {
    const before = { createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' };
    const { repository } = this;
    repository.git.commit({ committerDate: before.createdAt });
    const [issue] = [repository.issue(before), repository.issue(before)];
    const [pull] = [repository.pull(before), repository.pull(before)];
    repository.comment(issue, before);
    repository.review(pull, { submittedAt: before.createdAt });
    repository.release('v1', before);
    repository.git.tag('v1');
  }

  async close(): Promise<void> {
    await this.server.close();
  }
}

const ISSUES = '/repos/{owner}/{repo}/issues';
const PER_PAGE = 100;

/** Every server gives out the same token first. */
const secrets: string[] = [];

export const harness: SourceHarness<Github> = {
  source: GitHubSource,
  open: async () => {
    const github = await Github.start();
    if (!secrets.includes(github.credentials.token)) secrets.push(github.credentials.token);
    return github;
  },
  more: async ({ repository }) => {
    repository.issue();
  },
  requests: ({ server }) => server.requests.length,
  fail: ({ server }, kind, after) => {
    server.clearFaults();
    const fault = kind === 'transient' ? faults.status(502) : faults.forbidden();
    server.inject(fault, { after, times: kind === 'transient' ? 1 : 1_000_000 });
  },
  hang: ({ server }) => server.inject(faults.hang(), { times: 1_000_000 }),
  connections: ({ server }) => server.connections,
  flood: async ({ repository }) => {
    repository.issues(FLOOD);
  },
  taken: ({ server }) => ((server.counts.byRoute[ISSUES] ?? 0) * PER_PAGE) / FLOOD,
  secrets,
  patienceMs: 20_000,
};
