import { listAnswer, pageByNumber } from '../pagination.js';
import { commitPayload } from '../payloads/commit.js';
import { type Json, type Links, nodeId } from '../payloads/links.js';
import { repositoryPage, repositoryUrl } from '../payloads/repository.js';
import type { Repository } from '../repository.js';
import { notFound, PAGING, Refusal, type Route, repositoryRoute } from '../route.js';

export const branchRoutes: readonly Route[] = [
  repositoryRoute('/branches', {
    permission: 'contents',
    parameters: PAGING,
    handle: (request, repository) =>
      listAnswer(pageByNumber(request, repository.git.graph.branches(), { of: repository }), ([name, sha]) => ({
        name,
        commit: { sha, url: `${repositoryUrl(repository, request.links)}/commits/${sha}` },
        protected: false,
      })),
  }),
  repositoryRoute('/branches/{branch}', {
    permission: 'contents',
    parameters: [],
    handle(request, repository) {
      const name = request.variables['branch'] ?? '';
      const sha = repository.git.graph.head(name);
      if (sha === undefined) throw notFound('Branch not found');
      return { status: 200, body: branchPayload(name, sha, repository, request.links) };
    },
  }),
  repositoryRoute('/git/matching-refs/{ref}', {
    permission: 'contents',
    parameters: [],
    handle(request, repository) {
      refuseEmpty(repository);
      const references = repository.git.graph.references(`refs/${request.variables['ref']}`);
      return {
        status: 200,
        body: references.map(([name, sha]) => referencePayload(name, sha, repository, request.links)),
      };
    },
  }),
  repositoryRoute('/git/ref/{ref}', {
    permission: 'contents',
    parameters: [],
    handle(request, repository) {
      refuseEmpty(repository);
      const name = `refs/${request.variables['ref']}`;
      const sha = new Map(repository.git.graph.references()).get(name);
      if (sha === undefined) throw notFound();
      return { status: 200, body: referencePayload(name, sha, repository, request.links) };
    },
  }),
];

/** https://github.com/github/rest-api-description/issues/385 */
export function refuseEmpty(repository: Repository): void {
  if (repository.git.graph.isEmpty) throw new Refusal(409, 'Git Repository is empty.');
}

function referencePayload(name: string, sha: string, repository: Repository, links: Links): Json {
  const url = `${repositoryUrl(repository, links)}/git`;
  return {
    ref: name,
    node_id: nodeId('REF', name),
    url: `${url}/${name}`,
    object: { sha, type: 'commit', url: `${url}/commits/${sha}` },
  };
}

function branchPayload(name: string, sha: string, repository: Repository, links: Links): Json {
  const url = `${repositoryUrl(repository, links)}/branches/${name}`;
  return {
    name,
    commit: commitPayload(repository.git.graph.get(sha), repository, links),
    _links: { self: url, html: `${repositoryPage(repository, links)}/tree/${name}` },
    protected: false,
    protection: { enabled: false, required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] } },
    protection_url: `${url}/protection`,
  };
}
