import { listName, listOnce, order, orderComments, updatedSince } from '../listing.js';
import { listAnswer, pageByCursor, pageByNumber } from '../pagination.js';
import { commentPayload, issuePayload } from '../payloads/issue.js';
import type { IssueRecord } from '../records.js';
import type { Repository } from '../repository.js';
import { type Answer, type ApiRequest, findOr404, PAGING, type Route, repositoryRoute } from '../route.js';

const EPOCH_MS = 0;

const ISSUE_KEYS: Readonly<Record<string, (issue: IssueRecord) => string | number>> = {
  created: ({ createdAt }) => createdAt,
  updated: ({ updatedAt }) => updatedAt,
  comments: ({ commentCount }) => commentCount,
};

export const issueRoutes: readonly Route[] = [
  repositoryRoute('/issues', {
    permission: 'issues',
    parameters: [...PAGING, 'state', 'since', 'sort', 'direction', 'labels', 'creator'],
    handle: listIssues,
  }),
  repositoryRoute('/issues/comments', {
    permission: 'issues',
    parameters: [...PAGING, 'since', 'sort', 'direction'],
    handle(request, repository) {
      const comments = listOnce(repository, listName(request), () =>
        orderComments(repository.commentRecords, request.query),
      );
      return listAnswer(pageByNumber(request, comments, { of: repository }), (comment) =>
        commentPayload(comment, repository, request.links),
      );
    },
  }),
  repositoryRoute('/issues/{issue_number}', {
    permission: 'issues',
    parameters: [],
    handle(request, repository) {
      const issue = findIssue(request, repository);
      return {
        status: 200,
        body: issuePayload(issue, repository, request.links),
        headers: { 'last-modified': new Date(issue.updatedAt).toUTCString() },
      };
    },
  }),
  repositoryRoute('/issues/{issue_number}/comments', {
    permission: 'issues',
    parameters: [...PAGING, 'since'],
    handle(request, repository) {
      const issue = findIssue(request, repository);
      const comments = repository.commentRecords.filter((comment) => comment.issue === issue);
      const page = pageByNumber(request, updatedSince(comments, request.query.get('since')), { of: repository });
      return listAnswer(page, (comment) => commentPayload(comment, repository, request.links));
    },
  }),
];

function listIssues(request: ApiRequest, repository: Repository): Answer {
  const { query, settings, links } = request;
  // Sorted once for whatever is asked since when: a walk asks from a later time at each page.
  const orders = listOnce(repository, listName(request, ['since']), () => [
    order(filterIssues(repository.issueRecords, query), query, ISSUE_KEYS, 'desc'),
  ]);
  const all = orders[0] ?? order([], query, ISSUE_KEYS, 'desc');
  const sorted = { ...all, items: issuesSince(all.items, query.get('since')) };
  const page =
    sorted.items.length >= settings.pageWindow
      ? pageByCursor(request, sorted.items, { repository, place: sorted.place, isAfter: sorted.isAfter })
      : pageByNumber(request, sorted.items, { of: repository });
  return listAnswer(page, (issue) => issuePayload(issue, repository, links));
}

function issuesSince(issues: readonly IssueRecord[], since: string | null): readonly IssueRecord[] {
  // Seen on GitHub: https://github.com/chaoss/grimoirelab-perceval/issues/865
  if (since !== null && Date.parse(since) === EPOCH_MS) return [];
  return updatedSince(issues, since);
}

function filterIssues(issues: readonly IssueRecord[], query: URLSearchParams): readonly IssueRecord[] {
  const state = query.get('state') ?? 'open';
  const labels = query.get('labels')?.split(',') ?? [];
  const creator = query.get('creator');
  return issues.filter(
    (issue) =>
      (state === 'all' || issue.state === state) &&
      labels.every((label) => issue.labels.includes(label)) &&
      (creator === null || issue.user.login === creator),
  );
}

function findIssue(request: ApiRequest, repository: Repository): IssueRecord {
  return findOr404(repository.issueRecords, ({ number }) => String(number) === request.variables['issue_number']);
}
