import type { Commit, Comparison, GitGraph } from '../git-graph.js';
import { listName, listOnce } from '../listing.js';
import { canonicalPath, listAnswer, pageByNumber } from '../pagination.js';
import { commitPayload, filesPayload, fullCommitPayload } from '../payloads/commit.js';
import { repositoryPage } from '../payloads/repository.js';
import type { Repository } from '../repository.js';
import { type Answer, type ApiRequest, notFound, PAGING, Refusal, type Route, repositoryRoute } from '../route.js';
import { refuseEmpty } from './branches.js';

/** Of a comparison that is asked for without `page` and `per_page`. */
const MOST_UNPAGED = 250;

export const commitRoutes: readonly Route[] = [
  repositoryRoute('/commits', {
    permission: 'contents',
    parameters: [...PAGING, 'sha', 'path', 'since', 'until'],
    handle(request, repository) {
      refuseEmpty(repository);
      const { graph } = repository.git;
      const head = graph.resolve(request.query.get('sha') ?? repository.defaultBranch);
      if (head === undefined) throw notFound();
      const commits = listOnce(repository, listName(request), () => filterCommits(graph, head, request.query));
      const page = pageByNumber(request, commits, { of: repository });
      return listAnswer(page, (commit) => commitPayload(commit, repository, request.links));
    },
  }),
  repositoryRoute('/commits/{ref}', {
    permission: 'contents',
    parameters: PAGING,
    handle(request, repository) {
      refuseEmpty(repository);
      const { graph } = repository.git;
      const sha = graph.resolve(request.variables['ref'] ?? '');
      if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${request.variables['ref']}`);
      const commit = graph.get(sha);
      return {
        status: 200,
        body: fullCommitPayload(commit, repository, request.links),
        headers: { 'last-modified': new Date(commit.committer.date).toUTCString() },
      };
    },
  }),
  repositoryRoute('/compare/{basehead}', { permission: 'contents', parameters: PAGING, handle: compare }),
];

/** `since` and `until` are about the committer's date, not the author's. */
function filterCommits(graph: GitGraph, head: string, query: URLSearchParams): Commit[] {
  const since = Date.parse(query.get('since') ?? '');
  const until = Date.parse(query.get('until') ?? '');
  const path = query.get('path');
  return graph
    .log(head)
    .map((sha) => graph.get(sha))
    .filter(({ committer, paths }) => {
      const time = Date.parse(committer.date);
      if (time < since || time > until) return false;
      return path === null || paths.some((other) => other === path || other.startsWith(`${path}/`));
    });
}

/** https://docs.github.com/rest/commits/commits#compare-two-commits */
function compare(request: ApiRequest, repository: Repository): Answer {
  const { graph } = repository.git;
  const [base = '', head = ''] = (request.variables['basehead'] ?? '').split('...');
  const [baseSha, headSha] = [graph.resolve(base), graph.resolve(head)];
  if (baseSha === undefined || headSha === undefined) throw notFound();
  const comparison = graph.compare(baseSha, headSha);
  if (comparison === undefined) throw notFound(`No common ancestor between ${base} and ${head}.`);

  const isPaged = PAGING.some((name) => request.query.has(name));
  const { items, headers } = isPaged
    ? pageByNumber(request, comparison.ahead, { of: repository })
    : { items: comparison.ahead.slice(-MOST_UNPAGED), headers: {} };
  const isFirst = (request.query.get('page') ?? '1') === '1';
  return {
    status: 200,
    headers,
    body: {
      ...describe(comparison, base, head, request, repository),
      commits: items.map((sha) => commitPayload(graph.get(sha), repository, request.links)),
      ...(isFirst && { files: changedFiles(comparison, request, repository) }),
    },
  };
}

function describe(comparison: Comparison, base: string, head: string, request: ApiRequest, repository: Repository) {
  const page = repositoryPage(repository, request.links);
  const { status, ahead, behindBy } = comparison;
  return {
    url: request.links.api + canonicalPath(request.path, repository),
    html_url: `${page}/compare/${base}...${head}`,
    permalink_url: `${page}/compare/${base}...${head}`,
    diff_url: `${page}/compare/${base}...${head}.diff`,
    patch_url: `${page}/compare/${base}...${head}.patch`,
    base_commit: commitPayload(comparison.base, repository, request.links),
    merge_base_commit: commitPayload(comparison.mergeBase, repository, request.links),
    status,
    ahead_by: ahead.length,
    behind_by: behindBy,
    total_commits: ahead.length,
  };
}

function changedFiles(comparison: Comparison, request: ApiRequest, repository: Repository) {
  const commits = comparison.ahead.map((sha) => repository.git.graph.get(sha));
  return filesPayload(commits, repository, request.links);
}
