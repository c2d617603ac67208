import { HeadwaterError, NotFoundError, PermissionError } from '../../core/errors.js';
import type { Problem, ValidationResult } from '../../core/source-definition.js';
import type { GithubClient } from './client.js';
import type { GithubConfig, GithubStream } from './config.js';
import { EMPTY_CURSOR } from './cursor.js';
import { flag, number } from './payload.js';
import { findTargets, lookUp, namesOf } from './repositories.js';

/** Of a long list not every repository is asked for. */
const MOST_REPOSITORIES = 20;
/** GitHub lists so many stars of a repository. */
const MOST_STARS = 40_000;

/** A small request for each stream, and the permission that it needs. */
const PROBES: Readonly<Record<GithubStream, readonly [path: string, permission: string]>> = {
  commits: ['commits?per_page=1', 'Contents: read'],
  issues: ['issues?per_page=1', 'Issues: read'],
  pulls: ['pulls?per_page=1', 'Pull requests: read'],
  issueComments: ['issues/comments?per_page=1', 'Issues: read'],
  reviewComments: ['pulls/comments?per_page=1', 'Pull requests: read'],
  reviews: ['pulls?per_page=1', 'Pull requests: read'],
  releases: ['releases?per_page=1', 'Contents: read'],
  tags: ['tags?per_page=1', 'Contents: read'],
  workflowRuns: ['actions/runs?per_page=1', 'Actions: read'],
  stars: ['stargazers?per_page=1', 'Metadata: read'],
  events: ['events?per_page=1', 'Metadata: read'],
};

/** Whether the credentials are good, the repositories there, and the streams readable. */
export async function inspect(
  open: () => Promise<GithubClient>,
  config: GithubConfig,
  signal: AbortSignal | undefined,
): Promise<ValidationResult> {
  const problems: Problem[] = [];
  let client: GithubClient | undefined;
  try {
    signal?.throwIfAborted();
    client = await open();
    for await (const problem of findProblems(client, config)) problems.push(problem);
  } catch (error) {
    signal?.throwIfAborted();
    if (!HeadwaterError.isInstance(error)) throw error;
    problems.push(problemOf(error));
  } finally {
    await client?.close();
  }
  return { ok: problems.every(({ severity }) => severity !== 'error'), problems };
}

async function* findProblems(client: GithubClient, config: GithubConfig): AsyncGenerator<Problem, void, undefined> {
  const names = namesOf(config) ?? (await firstOf(client, config));
  if (names.length === 0) yield nothingThere(config);
  let readable: string | undefined;
  for (const name of names.slice(0, MOST_REPOSITORIES)) {
    try {
      yield* inspectRepository(client, name, config);
      readable ??= name;
    } catch (error) {
      if (!NotFoundError.isInstance(error) && !PermissionError.isInstance(error)) throw error;
      yield problemOf(error);
    }
  }
  if (readable !== undefined) yield* inspectStreams(client, readable, config);
}

/** A repository of an organisation or a user stands for all. */
async function firstOf(client: GithubClient, config: GithubConfig): Promise<string[]> {
  for await (const { found } of findTargets(client, config, EMPTY_CURSOR)) return [found?.name ?? ''];
  return [];
}

async function* inspectRepository(
  client: GithubClient,
  name: string,
  { streams }: GithubConfig,
): AsyncGenerator<Problem, void, undefined> {
  const { name: now, payload } = await lookUp(client, name);
  const warning = (code: string, message: string, fix?: string): Problem => ({
    severity: 'warning',
    code,
    message,
    ...(fix !== undefined && { fix }),
  });
  if (now.toLowerCase() !== name.toLowerCase()) {
    yield warning(
      'GITHUB_RENAMED',
      `${name} is called ${now} now`,
      'write the new name: the old one may be given away',
    );
  }
  if (flag(payload, 'archived')) yield warning('GITHUB_ARCHIVED', `${now} is archived: nothing new will come of it`);
  if (streams.includes('stars') && number(payload, 'stargazers_count') > MOST_STARS) {
    yield warning('GITHUB_STARS', `${now} has more stars than the ${MOST_STARS} that GitHub lists`);
  }
}

async function* inspectStreams(
  client: GithubClient,
  name: string,
  { streams }: GithubConfig,
): AsyncGenerator<Problem, void, undefined> {
  for (const stream of new Set(streams)) {
    const [path, permission] = PROBES[stream];
    try {
      const { status } = await client.get(`/repos/${name}/${path}`, { acceptStatus: [409] });
      if (status === 409) {
        yield { severity: 'warning', code: 'GITHUB_EMPTY', message: `${name} has no commits yet` };
      }
    } catch (error) {
      if (!NotFoundError.isInstance(error) && !PermissionError.isInstance(error)) throw error;
      const fix = `give the token this permission on the repository: ${permission}`;
      yield { ...problemOf(error), message: `stream "${stream}": ${error.message}`, fix };
    }
  }
}

function nothingThere({ org, user }: GithubConfig): Problem {
  return {
    severity: 'warning',
    code: 'GITHUB_NO_REPOSITORIES',
    message: `${org ?? user} has no repository that these credentials may see and the filters let through`,
  };
}

function problemOf({ code, message }: HeadwaterError): Problem {
  return { severity: 'error', code, message };
}
