import { Octokit } from '@octokit/rest';

import { expect, test } from 'vitest';
import { githubForEach } from './github/for-each.js';
import type { GithubServer } from './github/server.js';

let server: GithubServer;
let octokit: Octokit;

const spoon = { owner: 'octo', repo: 'spoon' };

githubForEach((started) => {
  ({ server } = started);
  octokit = new Octokit({ auth: started.token, baseUrl: server.url, userAgent: 'headwater-test' });
});

test.each([10_000, 100])('Octokit reads all issues, with cursors from %i on', async (pageWindow) => {
  server.settings.pageWindow = pageWindow;
  server.repository('octo/spoon').issues(250);
  const issues = await octokit.paginate(octokit.rest.issues.listForRepo, { ...spoon, state: 'all', per_page: 100 });
  expect(issues.map(({ number }) => number)).toEqual(Array.from({ length: 250 }, (_, index) => 250 - index));
  expect(server.counts.total).toBe(3);
});

test('Octokit unwraps the pages of workflow runs, and follows a rename', async () => {
  const repository = server.repository('octo/spoon');
  repository.runs(60);
  repository.rename('fork');
  const runs = await octokit.paginate(octokit.rest.actions.listWorkflowRunsForRepo, spoon);
  expect(runs).toHaveLength(60);
  expect(server.requests.map(({ status }) => status)).toEqual([301, 200, 200]);
});

test('Octokit takes our refusals for those of GitHub', async () => {
  server.repository('octo/spoon');
  await expect(octokit.rest.repos.listCommits(spoon)).rejects.toMatchObject({
    status: 409,
    message: expect.stringContaining('Git Repository is empty.'),
  });
  await expect(octokit.rest.repos.get({ ...spoon, repo: 'none' })).rejects.toMatchObject({ status: 404 });
});
