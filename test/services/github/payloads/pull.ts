import type { PullRecord, ReviewCommentRecord, ReviewRecord } from '../records.js';
import type { Repository } from '../repository.js';
import { accountPayload } from './account.js';
import { labelPayloads, reactionsPayload } from './issue.js';
import { type Json, type Links, nodeId } from './links.js';
import { repositoryPage, repositoryPayload, repositoryUrl } from './repository.js';

/** 'pull-request-simple'. `repositoryPart` is rendered once for a whole page. */
export function pullPayload(
  record: PullRecord,
  repository: Repository,
  links: Links,
  repositoryPart = repositoryPayload(repository, links),
): Json {
  const { pull, number } = record;
  const api = repositoryUrl(repository, links);
  const url = `${api}/pulls/${number}`;
  const issueUrl = `${api}/issues/${number}`;
  const page = `${repositoryPage(repository, links)}/pull/${number}`;
  const statuses = `${api}/statuses/${pull.headSha}`;
  const owner = accountPayload(repository.owner, links);
  const side = (ref: string, sha: string): Json => ({
    label: `${repository.owner.login}:${ref}`,
    ref,
    sha,
    user: owner,
    repo: repositoryPart,
  });
  return {
    url,
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    issue_url: issueUrl,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: `${issueUrl}/comments`,
    statuses_url: statuses,
    number,
    state: record.state,
    locked: false,
    title: record.title,
    user: accountPayload(record.user, links),
    body: record.body,
    labels: labelPayloads(record, repository, links),
    milestone: null,
    active_lock_reason: null,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    closed_at: record.closedAt,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergedAt === null ? null : pull.headSha,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    head: side(pull.headRef, pull.headSha),
    base: side(pull.baseRef, pull.baseSha),
    _links: hrefs({
      self: url,
      html: page,
      issue: issueUrl,
      comments: `${issueUrl}/comments`,
      review_comments: `${url}/comments`,
      review_comment: `${api}/pulls/comments{/number}`,
      commits: `${url}/commits`,
      statuses,
    }),
    author_association: 'CONTRIBUTOR',
    auto_merge: null,
    draft: pull.draft,
  };
}

/** 'pull-request': asked for alone. */
export function fullPullPayload(record: PullRecord, repository: Repository, links: Links): Json {
  return {
    ...pullPayload(record, repository, links),
    merged: record.pull.mergedAt !== null,
    mergeable: true,
    rebaseable: true,
    mergeable_state: 'clean',
    merged_by: null,
    comments: record.commentCount,
    review_comments: record.pull.reviewCommentCount,
    maintainer_can_modify: false,
    commits: 1,
    additions: 1,
    deletions: 0,
    changed_files: 1,
  };
}

/** 'pull-request-review-comment'. */
export function reviewCommentPayload(comment: ReviewCommentRecord, repository: Repository, links: Links): Json {
  const url = `${repositoryUrl(repository, links)}/pulls/comments/${comment.id}`;
  const pullUrl = `${repositoryUrl(repository, links)}/pulls/${comment.pull.number}`;
  const page = `${repositoryPage(repository, links)}/pull/${comment.pull.number}#discussion_r${comment.id}`;
  return {
    url,
    pull_request_review_id: comment.reviewId,
    id: comment.id,
    node_id: nodeId('PRRC', comment.id),
    diff_hunk: '@@ -1 +1 @@',
    path: comment.path,
    position: comment.line,
    original_position: comment.line,
    commit_id: comment.pull.pull.headSha,
    original_commit_id: comment.pull.pull.headSha,
    user: accountPayload(comment.user, links),
    body: comment.body,
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    html_url: page,
    pull_request_url: pullUrl,
    author_association: 'CONTRIBUTOR',
    _links: hrefs({ self: url, html: page, pull_request: pullUrl }),
    start_line: null,
    original_start_line: null,
    start_side: null,
    line: comment.line,
    original_line: comment.line,
    side: 'RIGHT',
    subject_type: 'line',
    reactions: reactionsPayload(url),
  };
}

/** 'pull-request-review'. */
export function reviewPayload(review: ReviewRecord, repository: Repository, links: Links): Json {
  const pullUrl = `${repositoryUrl(repository, links)}/pulls/${review.pull.number}`;
  const page = `${repositoryPage(repository, links)}/pull/${review.pull.number}#pullrequestreview-${review.id}`;
  return {
    id: review.id,
    node_id: nodeId('PRR', review.id),
    user: accountPayload(review.user, links),
    body: review.body,
    state: review.state,
    html_url: page,
    pull_request_url: pullUrl,
    author_association: 'MEMBER',
    _links: hrefs({ html: page, pull_request: pullUrl }),
    submitted_at: review.submittedAt,
    commit_id: review.commitId,
  };
}

function hrefs(urls: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(Object.entries(urls).map(([name, href]) => [name, { href }]));
}
