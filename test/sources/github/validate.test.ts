import type { GithubConfigInput } from 'headwater/sources/github';
import { describe, expect, it } from 'vitest';
import { githubForEach, type StartedGithub } from '../../services/github/for-each.js';
import type { Repository } from '../../services/github/repository.js';
import { errorOf, sourceOf } from './reading.js';

let github: StartedGithub;
let repository: Repository;
githubForEach((started) => {
  github = started;
  repository = started.server.repository('octo/spoon');
  repository.git.commit();
});

async function problemsOf(config: GithubConfigInput = {}, token = github.token): Promise<[string, string, string][]> {
  const source = await sourceOf(github, config, { credentials: { token } });
  const { problems } = await source.validate();
  return problems.map(({ severity, code, message, fix = '' }) => [severity, code, `${message} ${fix}`]);
}

describe('validate', () => {
  it('finds nothing where all is well, and reads nothing', async () => {
    expect(
      await problemsOf({ streams: ['issues', 'commits', 'workflowRuns', 'stars', 'events', 'reviews', 'tags'] }),
    ).toEqual([]);
    expect(await problemsOf({ org: 'octo' })).toEqual([]);
  });

  it('a wrong token', async () => {
    const problems = await problemsOf({}, 'ghp_wrong');
    expect(problems).toMatchObject([['error', 'AUTHENTICATION', expect.stringContaining('make a new one')]]);
  });

  it('a permission that is missing, with its stream and what it is called', async () => {
    const token = github.server.personalToken({ login: 'less', permissions: ['metadata', 'contents'] });
    expect(await problemsOf({ streams: ['commits', 'issues', 'workflowRuns'] }, token)).toMatchObject([
      ['error', 'PERMISSION', expect.stringMatching(/stream "issues".*Issues: read/)],
      ['error', 'PERMISSION', expect.stringMatching(/stream "workflowRuns".*Actions: read/)],
    ]);
  });

  it.each([
    ['no such repository', { owner: 'octo', repo: 'nothing' }],
    ['no such organisation', { org: 'nothing' }],
    ['no such user', { user: 'nothing' }],
  ])('%s', async (_, config) => {
    expect(await problemsOf(config)).toMatchObject([
      ['error', 'NOT_FOUND', expect.stringContaining('does not exist, or these credentials may not see it')],
    ]);
  });

  it('a private repository that may not be seen', async () => {
    repository.makePrivate();
    const token = github.server.personalToken({ login: 'less', privateRepositories: [] });
    expect(await problemsOf({}, token)).toMatchObject([['error', 'NOT_FOUND', expect.stringContaining('permissions')]]);
  });

  it('blocked', async () => {
    repository.block();
    expect(await problemsOf()).toMatchObject([['error', 'HTTP_BLOCKED', expect.stringContaining('legal')]]);
  });

  it('archived, renamed, and empty: warnings', async () => {
    repository.archive();
    repository.rename('fork');
    const empty = github.server.repository('octo/empty');
    const problems = await problemsOf({ repos: ['octo/spoon'], streams: ['commits'] });
    expect(problems.map(([severity, code]) => [severity, code])).toEqual([
      ['warning', 'GITHUB_RENAMED'],
      ['warning', 'GITHUB_ARCHIVED'],
    ]);
    expect(await problemsOf({ repos: [empty.fullName], streams: ['commits'] })).toMatchObject([
      ['warning', 'GITHUB_EMPTY', expect.anything()],
    ]);
    expect(await problemsOf({ org: 'octo', include: ['x*'] })).toMatchObject([
      ['warning', 'GITHUB_NO_REPOSITORIES', expect.anything()],
    ]);
  });
});

describe('configuration', () => {
  const wrong: [string, unknown, string][] = [
    ['nothing', {}, 'exactly one of'],
    ['two at once', { owner: 'o', repo: 'r', org: 'x' }, 'exactly one of'],
    ['an owner without repo', { owner: 'o' }, 'belong together'],
    ['a repo without owner', { repo: 'r' }, 'belong together'],
    ['a full name as repo', { owner: 'o', repo: 'o/r' }, 'config.repo'],
    ['a name that climbs', { owner: 'o', repo: '..' }, 'config.repo'],
    ['a list of what is no name', { repos: ['spoon'] }, 'owner/name'],
    ['a stream that is none', { org: 'o', streams: ['issue'] }, 'config.streams'],
    ['branches without commits', { org: 'o', streams: ['issues'], branches: ['main'] }, 'config.branches'],
    ['a base URL with a password', { org: 'o', baseUrl: 'https://u:p@example.com' }, 'user info'],
    ['a base URL without TLS', { org: 'o', baseUrl: 'http://github.example.com/api/v3' }, 'must be https'],
    ['what is misspelt', { org: 'o', stream: ['issues'] }, 'streams'],
    ['a date that is none', { org: 'o', since: 'yesterday' }, 'config.since'],
  ];

  it.each(wrong)('is refused, with what is wrong: %s', async (_, config, said) => {
    const { GitHubSource } = await import('headwater/sources/github');
    const error = await errorOf(GitHubSource.create({ id: 'x', credentials: 'anonymous', config: config as never }));
    expect(error.name).toBe('ConfigError');
    expect(error.message).toContain(said);
  });

  it('an Enterprise server has its API below a path', async () => {
    const config = { baseUrl: 'https://github.example.com/api/v3/', org: 'octo' };
    const source = await sourceOf(github, config);
    expect(await source.origin()).toBe('https://github.example.com/api/v3/orgs/octo');
  });
});
