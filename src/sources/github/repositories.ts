import { CursorError, PermissionError } from '../../core/errors.js';
import { compileGlobs } from '../../toolkit/glob.js';
import { paginate } from '../../toolkit/http/paginate.js';
import { itemsOf, unexpectedAnswer } from './answers.js';
import type { GithubClient } from './client.js';
import type { GithubConfig } from './config.js';
import type { GithubCursor } from './cursor.js';
import { flag, number, type Payload, part, payloadOf, text, textOrNull } from './payload.js';
import { PER_PAGE } from './walk.js';

/** A repository as it was found. */
export interface FoundRepository {
  readonly id: number;
  /** 'owner/name', now. */
  readonly name: string;
  readonly defaultBranch: string | undefined;
}

/** A repository to be read. */
export interface Target {
  /** As it is configured; undefined where it was found in a list. */
  readonly configuredAs: string | undefined;
  /** Which one it is; undefined as long as only its name is known. */
  readonly found: FoundRepository | undefined;
  /** Whether its name and number were seen together in this pass. */
  readonly isVerified: boolean;
}

/** The repositories of a configuration, as soon as each is known. */
export async function* findTargets(
  client: GithubClient,
  config: GithubConfig,
  cursor: GithubCursor,
): AsyncGenerator<Target, void, undefined> {
  const names = namesOf(config);
  if (names === undefined) {
    for await (const found of listRepositories(client, config)) {
      yield { configuredAs: undefined, found, isVerified: true };
    }
    return;
  }
  for (const name of names) yield { configuredAs: name, found: knownAs(name, cursor), isVerified: false };
}

/** The configured names, each once; undefined for an organisation or a user. */
export function namesOf({ owner, repo, repos }: GithubConfig): string[] | undefined {
  if (owner !== undefined && repo !== undefined) return [`${owner}/${repo}`];
  return repos && [...new Map(repos.map((name) => [name.toLowerCase(), name])).values()];
}

function knownAs(name: string, { names, repositories }: GithubCursor): FoundRepository | undefined {
  const id = names[name.toLowerCase()];
  if (id === undefined) return undefined;
  return { id: Number(id), name: repositories[id]?.name ?? name, defaultBranch: undefined };
}

/**
 * What a name leads to now, also when it is a former name.
 * @throws NotFoundError and PermissionError as GitHub answers
 */
export async function lookUp(client: GithubClient, name: string): Promise<FoundRepository & { payload: Payload }> {
  const response = await client.get(`/repos/${name}`);
  const payload = payloadOf(response.json());
  const found = foundIn(payload);
  if (found.id === 0 || found.name === '') throw unexpectedAnswer(response.label, 'describes no repository');
  return { ...found, payload };
}

/**
 * Finds out whether a name still leads to the repository that a cursor is of.
 * @throws CursorError (GITHUB_IDENTITY_CHANGED) when it leads to another one
 */
export async function checkIdentity(client: GithubClient, name: string, id: number): Promise<FoundRepository> {
  const found = await lookUp(client, name);
  if (found.id === id) return found;
  throw new CursorError(
    `${name} is another repository now (${found.id}) than the one the cursor is of (${id}): that one was deleted, or ` +
      'renamed before its name was given to this one. Nothing of the new one was read. To read the old one, configure ' +
      'its new name; to read the new one, give the source another id, or start it without a cursor',
    { code: 'GITHUB_IDENTITY_CHANGED' },
  );
}

/** By the date of creation, which does not change: what is pushed to meanwhile moves nothing from page to page. */
async function* listRepositories(
  client: GithubClient,
  config: GithubConfig,
): AsyncGenerator<FoundRepository, void, undefined> {
  const isWanted = selector(config);
  const seen = new Set<number>();
  const pages = paginate({
    start: `${client.baseUrl}${await listPath(client, config)}&per_page=${PER_PAGE}&sort=created&direction=asc`,
    read: (url) => client.get(url),
    next: { link: ({ headers }) => headers['link'] },
  });
  for await (const { page } of pages) {
    for (const payload of itemsOf(page).map(payloadOf)) {
      const found = foundIn(payload);
      if (seen.has(found.id) || !isWanted(payload)) continue;
      seen.add(found.id);
      yield found;
    }
  }
}

/** Only `/user/repos` lists the private repositories of a user, and only to that user. */
async function listPath(client: GithubClient, { org, user, visibility }: GithubConfig): Promise<string> {
  if (org !== undefined) return `/orgs/${org}/repos?type=${visibility}`;
  if (visibility !== 'public' && (await loginOf(client))?.toLowerCase() === user?.toLowerCase()) {
    return '/user/repos?affiliation=owner';
  }
  return `/users/${user}/repos?type=owner`;
}

/** Whose the credentials are; undefined where they are nobody's: an app's, or none. */
async function loginOf(client: GithubClient): Promise<string | undefined> {
  if (!client.mayBeUser) return undefined;
  try {
    return text(payloadOf((await client.get('/user')).json()), 'login');
  } catch (error) {
    if (PermissionError.isInstance(error)) return undefined;
    throw error;
  }
}

function selector(config: GithubConfig): (payload: Payload) => boolean {
  const { visibility, archived, forks, include, exclude } = config;
  const included = include === undefined ? () => true : compileGlobs(include);
  const excluded = compileGlobs(exclude ?? []);
  return (payload) => {
    const name = text(payload, 'name');
    if (!included(name) || excluded(name)) return false;
    if (visibility !== 'all' && flag(payload, 'private') !== (visibility === 'private')) return false;
    return (archived || !flag(payload, 'archived')) && (forks || !flag(payload, 'fork'));
  };
}

function foundIn(payload: Payload): FoundRepository {
  const defaultBranch = textOrNull(payload, 'default_branch') ?? undefined;
  const name = text(payload, 'full_name') || `${text(part(payload, 'owner'), 'login')}/${text(payload, 'name')}`;
  return { id: number(payload, 'id'), name, defaultBranch };
}
