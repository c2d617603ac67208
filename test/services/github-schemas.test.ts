import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asked, ask } from './github/ask.js';
import { OpenApi } from './github/open-api.js';
import { routes } from './github/routes/index.js';
import { SchemaChecks } from './github/schema-check.js';
import { GithubServer } from './github/server.js';

let server: GithubServer;
let token: string;
let installationToken: string;

beforeAll(async () => {
  server = await GithubServer.start({ eventLatencyMs: 0 });
  fill(server);
  token = server.personalToken();
  const app = server.app({ account: 'octo' });
  const path = `/app/installations/${app.installation.id}/access_tokens`;
  const answer = await ask(server, path, { method: 'POST', token: app.sign(GithubServer.startOfTime) });
  installationToken = (answer.json as { token: string }).token;
});

afterAll(() => server.close());

function fill(filled: GithubServer): void {
  filled.repository('octocat/hello', { ownerType: 'User' });
  const repository = filled.repository('octo/spoon');
  repository.git.commits(5);
  repository.git.commit({ branch: 'topic' });
  repository.git.merge('topic');
  repository.git.commit({ branch: 'topic' });
  repository.git.tag('v1');
  repository.closeIssue(repository.issue({ labels: ['bug'] }));
  repository.mergePull(repository.pull());
  const pull = repository.pull({ branch: 'topic', labels: ['bug'] });
  repository.comments(pull, 2);
  repository.reviewComment(pull);
  repository.review(pull);
  repository.release('v1');
  repository.runs(2);
  repository.star('fan');
  repository.event();
  const head = repository.git.head();
  const payload = { repository_id: repository.id, push_id: 1, ref: 'refs/heads/main', head, before: head };
  repository.event({ type: 'PushEvent', payload });
}

const EXAMPLES: Readonly<Record<string, string>> = {
  owner: 'octo',
  repo: 'spoon',
  org: 'octo',
  username: 'octocat',
  branch: 'topic',
  ref: 'heads/main',
  basehead: 'main...topic',
  issue_number: '3',
  pull_number: '3',
};

function get(template: string, query = ''): Promise<Asked> {
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => EXAMPLES[name] ?? '');
  return ask(server, path + query, { token: template.startsWith('/installation') ? installationToken : token });
}

const readable = routes.filter(({ method }) => method === 'GET').map(({ template }) => template);

test.each(readable)('GET %s answers as GitHub describes it', async (template) => {
  const { status, json } = await get(template);
  expect(status).toBe(200);
  expect(json).not.toEqual([]);
  expect(server.answerProblems).toEqual([]);
  expect(server.violations).toEqual([]);
});

test.each(['/repos/{owner}/{repo}/issues', '/repos/{owner}/{repo}/pulls'])(
  'GET %s answers so of what is closed as well',
  async (template) => {
    const { json } = await get(template, '?state=all');
    expect((json as unknown[]).length).toBeGreaterThan(1);
    expect(server.answerProblems).toEqual([]);
  },
);

test('stars carry their time for who asks so', async () => {
  const { json } = await ask(server, '/repos/octo/spoon/stargazers', {
    token,
    headers: { accept: 'application/vnd.github.star+json' },
  });
  expect(json).toMatchObject([{ starred_at: '2026-01-15T12:00:00Z', user: { login: 'fan' } }]);
  expect(server.answerProblems).toEqual([]);
});

test('errors are described too, and carry where to read more', async () => {
  const { status, json } = await ask(server, '/repos/octo/nothing/issues', { token });
  expect(status).toBe(404);
  expect(json).toEqual({
    message: 'Not Found',
    documentation_url: 'https://docs.github.com/rest/issues/issues#list-repository-issues',
    status: '404',
  });
  expect(server.answerProblems).toEqual([]);
});

describe('the check of answers', () => {
  const checks = new SchemaChecks((reference) => {
    if (reference !== '#/name') throw new Error(reference);
    return { type: 'object', required: ['name'], properties: { name: { type: 'string' }, parent: { $ref: '#/name' } } };
  });
  const named = { $ref: '#/name' };

  test.each([
    ['a missing property', named, {}, '.name: missing'],
    ['an unknown property', named, { name: 'a', nom: 'b' }, '.nom: unknown'],
    ['a wrong type further down', named, { name: 'a', parent: { name: 1 } }, '.parent.name: not a string'],
    ['null where none may be', { type: 'string' }, null, ': not a string'],
    ['a fraction', { type: 'integer' }, 1.5, ': not an integer'],
    ['a value that is not listed', { type: 'string', enum: ['a'] }, 'b', ': not one of a'],
    ['a time without a zone', { type: 'string', format: 'date-time' }, '2026-01-01T00:00:00', ': not a date and time'],
    ['a path for a URL', { type: 'string', format: 'uri' }, '/a', ': not a URL'],
    ['a wrong item', { type: 'array', items: named }, [{ name: 'a' }, 1], '[1]: not an object'],
    ['a part that is not met', { allOf: [named, { required: ['b'], type: 'object' }] }, { name: 'a' }, '.b: missing'],
  ])('finds %s', (_, schema, value, problem) => {
    expect(checks.compile(schema)(value)).toBe(problem);
  });

  test.each([
    ['null where it may be', { type: 'string', nullable: true }, null],
    ['one alternative of several', { oneOf: [{ type: 'string' }, named] }, { name: 'a' }],
    ['parts that know different properties', { allOf: [named, { properties: { b: {} } }] }, { name: 'a', b: 1 }],
    ['an open map', { type: 'object', additionalProperties: { type: 'integer' } }, { a: 1 }],
  ])('accepts %s', (_, schema, value) => {
    expect(checks.compile(schema)(value)).toBeUndefined();
  });

  test('finds a field of a real payload that has gone', async () => {
    const { json } = await get('/repos/{owner}/{repo}/issues/{issue_number}');
    const { node_id: _, ...rest } = json as Record<string, unknown>;
    expect(OpenApi.load().schemaProblem('issue', json)).toBeUndefined();
    expect(OpenApi.load().schemaProblem('issue', rest)).toBe('.node_id: missing');
  });
});

describe('payloads have every field that GitHub was seen to send', () => {
  interface Recorded {
    readonly name: string;
    readonly examples: readonly Readonly<Record<string, Readonly<Record<string, unknown>>>>[];
  }
  const require = createRequire(import.meta.url);
  const file = require.resolve('@octokit/webhooks-examples');
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as readonly Recorded[];

  test.each([
    ['issues', 'issue', '/repos/{owner}/{repo}/issues'],
    ['issue_comment', 'comment', '/repos/{owner}/{repo}/issues/comments'],
    ['pull_request', 'pull_request', '/repos/{owner}/{repo}/pulls/{pull_number}'],
    ['pull_request_review', 'review', '/repos/{owner}/{repo}/pulls/{pull_number}/reviews'],
    ['pull_request_review_comment', 'comment', '/repos/{owner}/{repo}/pulls/comments'],
    ['release', 'release', '/repos/{owner}/{repo}/releases'],
    ['workflow_run', 'workflow_run', '/repos/{owner}/{repo}/actions/runs'],
    ['issues', 'repository', '/repos/{owner}/{repo}'],
    ['issues', 'sender', '/users/{username}'],
  ])('%s: %s', async (event, key, template) => {
    const example = recorded.find(({ name }) => name === event)?.examples[0]?.[key];
    const { json } = await get(template);
    const runs = (json as { workflow_runs?: unknown[] }).workflow_runs;
    const ours = (runs ?? (Array.isArray(json) ? json : [json]))[0] as object;
    expect(Object.keys(example ?? {}).length).toBeGreaterThan(5);
    expect(Object.keys(example ?? {}).filter((name) => !(name in ours))).toEqual([]);
  });
});
