import { order } from '../listing.js';
import { listAnswer, pageByNumber } from '../pagination.js';
import { publicUserPayload } from '../payloads/account.js';
import { fullRepositoryPayload, repositoryPayload } from '../payloads/repository.js';
import { type Account, type AccountType, timestamp } from '../records.js';
import type { Repository } from '../repository.js';
import { type Answer, type ApiRequest, notFound, PAGING, Refusal, type Route, repositoryRoute } from '../route.js';

const SORTING = [...PAGING, 'sort', 'direction', 'type'];

const KEYS: Readonly<Record<string, (repository: Repository) => string>> = {
  created: ({ createdAt }) => createdAt,
  updated: ({ updatedAt }) => updatedAt,
  pushed: ({ pushedAt }) => pushedAt,
  full_name: ({ fullName }) => fullName.toLowerCase(),
};

export const repositoryRoutes: readonly Route[] = [
  repositoryRoute('', {
    permission: 'metadata',
    parameters: [],
    handle: (request, repository) => ({
      status: 200,
      body: fullRepositoryPayload(repository, request.links),
      headers: { 'last-modified': new Date(repository.updatedAt).toUTCString() },
    }),
  }),
  {
    method: 'GET',
    template: '/orgs/{org}/repos',
    permission: 'metadata',
    parameters: SORTING,
    handle(request) {
      const account = findAccount(request, 'org', 'Organization');
      return list(request, ownedBy(request, account), 'created', account);
    },
  },
  {
    method: 'GET',
    template: '/users/{username}/repos',
    permission: 'metadata',
    parameters: SORTING,
    handle(request) {
      const account = findAccount(request, 'username');
      const repositories = ownedBy(request, account).filter((repository) => !repository.private);
      return list(request, repositories, 'full_name', account);
    },
  },
  {
    method: 'GET',
    template: '/user/repos',
    permission: 'metadata',
    parameters: [...SORTING, 'visibility', 'affiliation'],
    handle(request) {
      if (request.credential.login === undefined) throw requiresAuthentication();
      const visible = request.world.repositories.filter((repository) => request.credential.maySee(repository));
      const wanted = request.query.get('affiliation') ?? '';
      const login = request.credential.login;
      const owned = wanted === 'owner' ? visible.filter(({ owner }) => owner.login === login) : visible;
      return list(request, owned, 'full_name');
    },
  },
  {
    method: 'GET',
    template: '/installation/repositories',
    permission: 'metadata',
    parameters: PAGING,
    handle(request) {
      const { installation, kind } = request.credential;
      if (installation === undefined || kind !== 'installation') throw notForOthers();
      const repositories = request.world.repositories.filter((repository) => installation.includes(repository));
      const { items, headers } = pageByNumber(request, repositories);
      const payloads = items.map((repository) => repositoryPayload(repository, request.links));
      return { status: 200, body: { total_count: repositories.length, repositories: payloads }, headers };
    },
  },
  {
    method: 'GET',
    template: '/user',
    parameters: [],
    handle(request) {
      const account = request.world.findAccount(request.credential.login ?? '');
      if (account === undefined) throw requiresAuthentication();
      return accountAnswer(request, account);
    },
  },
  {
    method: 'GET',
    template: '/users/{username}',
    parameters: [],
    handle: (request) => accountAnswer(request, findAccount(request, 'username')),
  },
];

function accountAnswer({ links, now }: ApiRequest, account: Account): Answer {
  return { status: 200, body: publicUserPayload(account, links, timestamp(now)) };
}

/** By its name, or by its number as in the links to other pages. */
function findAccount({ world, variables }: ApiRequest, name: 'org' | 'username', type?: AccountType): Account {
  const id = Number(variables['account_id']);
  const found = world.findAccount(variables[name] ?? '') ?? world.accounts.find((account) => account.id === id);
  if (found === undefined || (type !== undefined && found.type !== type)) throw notFound();
  return found;
}

function ownedBy({ world, credential }: ApiRequest, { id }: Account): Repository[] {
  return world.repositories.filter((repository) => repository.owner.id === id && credential.maySee(repository));
}

function list(request: ApiRequest, repositories: readonly Repository[], defaultSort: string, of?: Account): Answer {
  const query = new URLSearchParams(request.query);
  if (!query.has('sort')) query.set('sort', defaultSort);
  const defaultDirection = query.get('sort') === 'full_name' ? 'asc' : 'desc';
  const type = query.get('type');
  const wanted = repositories.filter(
    (repository) => (type !== 'public' && type !== 'private') || repository.private === (type === 'private'),
  );
  const page = pageByNumber(request, order(wanted, query, KEYS, defaultDirection).items, { ...(of && { of }) });
  return listAnswer(page, (repository) => repositoryPayload(repository, request.links));
}

function requiresAuthentication(): Refusal {
  return new Refusal(401, 'Requires authentication');
}

function notForOthers(): Refusal {
  return new Refusal(
    403,
    'You must authenticate with an installation access token in order to list repositories for an installation.',
  );
}
