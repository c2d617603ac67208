import { listName, listOnce, order, orderComments } from '../listing.js';
import { listAnswer, pageByNumber } from '../pagination.js';
import { fullPullPayload, pullPayload, reviewCommentPayload, reviewPayload } from '../payloads/pull.js';
import { repositoryPayload } from '../payloads/repository.js';
import type { IssueRecord, PullRecord, ReviewCommentRecord } from '../records.js';
import type { Repository } from '../repository.js';
import { type Answer, type ApiRequest, findOr404, PAGING, type Route, repositoryRoute } from '../route.js';

const PULL_KEYS: Readonly<Record<string, (pull: PullRecord) => string | number>> = {
  created: ({ createdAt }) => createdAt,
  updated: ({ updatedAt }) => updatedAt,
  popularity: ({ commentCount }) => commentCount,
};

export const pullRoutes: readonly Route[] = [
  repositoryRoute('/pulls', {
    permission: 'pull_requests',
    parameters: [...PAGING, 'state', 'sort', 'direction', 'base'],
    handle: listPulls,
  }),
  repositoryRoute('/pulls/comments', {
    permission: 'pull_requests',
    parameters: [...PAGING, 'since', 'sort', 'direction'],
    handle: (request, repository) => listReviewComments(request, repository, repository.reviewCommentRecords),
  }),
  repositoryRoute('/pulls/{pull_number}', {
    permission: 'pull_requests',
    parameters: [],
    handle(request, repository) {
      const pull = findPull(request, repository);
      return {
        status: 200,
        body: fullPullPayload(pull, repository, request.links),
        headers: { 'last-modified': new Date(pull.updatedAt).toUTCString() },
      };
    },
  }),
  repositoryRoute('/pulls/{pull_number}/comments', {
    permission: 'pull_requests',
    parameters: [...PAGING, 'since', 'sort', 'direction'],
    handle(request, repository) {
      const pull = findPull(request, repository);
      const comments = repository.reviewCommentRecords.filter((comment) => comment.pull === pull);
      return listReviewComments(request, repository, comments);
    },
  }),
  repositoryRoute('/pulls/{pull_number}/reviews', {
    permission: 'pull_requests',
    parameters: PAGING,
    handle(request, repository) {
      const pull = findPull(request, repository);
      const reviews = repository.reviewRecords.filter((review) => review.pull === pull);
      return listAnswer(pageByNumber(request, reviews, { of: repository }), (review) =>
        reviewPayload(review, repository, request.links),
      );
    },
  }),
];

/** There is no `since`, and asking for it changes nothing. */
function listPulls(request: ApiRequest, repository: Repository): Answer {
  const { query, links } = request;
  const state = query.get('state') ?? 'open';
  const base = query.get('base');
  const pulls = listOnce(repository, listName(request), () => {
    const wanted = repository.issueRecords
      .filter(isPull)
      .filter((issue) => (state === 'all' || issue.state === state) && (base === null || issue.pull.baseRef === base));
    // https://docs.github.com/rest/pulls/pulls: the default is desc for `created` or no `sort`, else asc.
    const sort = query.get('sort') ?? 'created';
    return order(wanted, query, PULL_KEYS, sort === 'created' ? 'desc' : 'asc').items;
  });
  const repositoryPart = repositoryPayload(repository, links);
  return listAnswer(pageByNumber(request, pulls, { of: repository }), (pull) =>
    pullPayload(pull, repository, links, repositoryPart),
  );
}

function listReviewComments(
  request: ApiRequest,
  repository: Repository,
  comments: readonly ReviewCommentRecord[],
): Answer {
  const sorted = listOnce(repository, listName(request), () => orderComments(comments, request.query));
  return listAnswer(pageByNumber(request, sorted, { of: repository }), (comment) =>
    reviewCommentPayload(comment, repository, request.links),
  );
}

function findPull(request: ApiRequest, repository: Repository): PullRecord {
  const pulls = repository.issueRecords.filter(isPull);
  return findOr404(pulls, ({ number }) => String(number) === request.variables['pull_number']);
}

function isPull(issue: IssueRecord): issue is PullRecord {
  return issue.pull !== undefined;
}
