import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GitHubSource, type GithubConfigInput } from '../../src/sources/github/index.js';
import type { Repository } from '../services/github/repository.js';
import { GithubServer } from '../services/github/server.js';
import type { Judge } from './judge.js';
import { scenarios } from './scenarios.js';

/** After so many requests something happens, and again, until it has happened so often. */
const REQUESTS_BETWEEN = 3;
const MOST_CHANGES = 40;

interface Served {
  readonly server: GithubServer;
  readonly token: string;
  readonly config: GithubConfigInput;
  /** From then on nothing changes. */
  isAtRest: boolean;
}

const servers = new Map<string, Served>();

/** A server that outlives the processes that read it, and on which things happen while they do. */
export async function startGithub(directory: string): Promise<void> {
  const server = await GithubServer.start({ clock: { now: () => Date.now() }, checkAnswers: false });
  const repositories = ['octo/fork', 'octo/knife', 'octo/spoon'].map((name) => server.repository(name));
  for (const repository of repositories) fill(repository);
  const config: GithubConfigInput = {
    baseUrl: server.url,
    org: 'octo',
    concurrency: 2,
    streams: ['commits', 'issues', 'pulls', 'issueComments', 'reviewComments', 'reviews', 'releases', 'tags', 'stars'],
  };
  const token = server.personalToken();
  const served: Served = { server, token, config, isAtRest: false };
  servers.set(directory, served);
  writeFileSync(join(directory, 'github.json'), JSON.stringify({ config, token }));
  drift(served, repositories, 0);
}

export async function closeGithub(directory: string): Promise<void> {
  await servers.get(directory)?.server.close();
  servers.delete(directory);
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

function drift(served: Served, repositories: readonly Repository[], count: number): void {
  if (count === MOST_CHANGES) return;
  served.server.before(REQUESTS_BETWEEN, () => {
    if (served.isAtRest) return;
    const repository = repositories[count % repositories.length] as Repository;
    change(repository, count);
    drift(served, repositories, count + 1);
  });
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
  const served = servers.get(directory);
  if (served === undefined) throw new Error('the server is gone');
  const { server, token, config } = served;
  // What changed while the last run went on is for the next.
  served.isAtRest = true;
  await scenarios['github']?.(directory);
  const stored = readFileSync(join(directory, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; source: string });
  const keys = stored.map(({ source, id }) => `${source} ${id}`);
  const distinct = new Set(keys);
  const lost: string[] = [];
  const source = await GitHubSource.create({ id: 'torture', config, credentials: { token } });
  for await (const { source: from, id } of source.generateEvents()) {
    if (!distinct.has(`${from} ${id}`)) lost.push(`${from} ${id}`);
  }
  if (lost.length > 0) throw new Error(`lost: ${lost.slice(0, 5).join(', ')} and ${lost.length} in all`);
  const repeats = keys.length - distinct.size;
  if (repeats > atRisk) throw new Error(`${repeats} repeats where at most ${atRisk} were on their way`);
  if (server.violations.length > 0) throw new Error(`asked for what is not documented: ${server.violations[0]}`);
  return { events: distinct.size, repeats };
};
