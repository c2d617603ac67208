import type {
  GithubActivity,
  GithubComment,
  GithubIssue,
  GithubPull,
  GithubRelease,
  GithubReview,
  GithubReviewComment,
  GithubStar,
  GithubTag,
  GithubWorkflowRun,
} from './data.js';
import {
  account,
  flag,
  number,
  numberAtEnd,
  numberOrNull,
  type Payload,
  part,
  parts,
  text,
  textOrNull,
} from './payload.js';

/**
 * `data` without the repository, the URL and the payload, which do not belong to the version of a thing.
 *
 * Each is one object literal: spreading parts into it takes ten times as long, and there is one for every event.
 */
type Without<Data> = Omit<Data, 'repository' | 'url' | 'raw'>;

function names(payload: Payload, list: string, name: string): string[] {
  return parts(payload, list).map((each) => text(each, name));
}

export function issue(payload: Payload): Without<GithubIssue> {
  return {
    id: number(payload, 'id'),
    nodeId: text(payload, 'node_id'),
    number: number(payload, 'number'),
    title: text(payload, 'title'),
    body: textOrNull(payload, 'body'),
    state: text(payload, 'state'),
    stateReason: textOrNull(payload, 'state_reason'),
    author: account(payload, 'user'),
    labels: names(payload, 'labels', 'name'),
    assignees: names(payload, 'assignees', 'login'),
    milestone: textOrNull(part(payload, 'milestone'), 'title'),
    locked: flag(payload, 'locked'),
    comments: number(payload, 'comments'),
    createdAt: text(payload, 'created_at'),
    updatedAt: text(payload, 'updated_at'),
    closedAt: textOrNull(payload, 'closed_at'),
  };
}

export function pull(payload: Payload): Without<GithubPull> {
  const [head, base] = [part(payload, 'head'), part(payload, 'base')];
  const mergedAt = textOrNull(payload, 'merged_at');
  return {
    id: number(payload, 'id'),
    nodeId: text(payload, 'node_id'),
    number: number(payload, 'number'),
    title: text(payload, 'title'),
    body: textOrNull(payload, 'body'),
    state: text(payload, 'state'),
    draft: flag(payload, 'draft'),
    merged: mergedAt !== null,
    author: account(payload, 'user'),
    labels: names(payload, 'labels', 'name'),
    assignees: names(payload, 'assignees', 'login'),
    reviewers: names(payload, 'requested_reviewers', 'login'),
    milestone: textOrNull(part(payload, 'milestone'), 'title'),
    head: {
      ref: text(head, 'ref'),
      sha: text(head, 'sha'),
      repository: textOrNull(part(head, 'repo'), 'full_name'),
    },
    base: { ref: text(base, 'ref'), sha: text(base, 'sha') },
    mergeCommit: textOrNull(payload, 'merge_commit_sha'),
    createdAt: text(payload, 'created_at'),
    updatedAt: text(payload, 'updated_at'),
    closedAt: textOrNull(payload, 'closed_at'),
    mergedAt,
  };
}

export function comment(payload: Payload): Without<GithubComment> {
  return {
    id: number(payload, 'id'),
    nodeId: text(payload, 'node_id'),
    issue: numberAtEnd(payload, 'issue_url'),
    body: text(payload, 'body'),
    author: account(payload, 'user'),
    createdAt: text(payload, 'created_at'),
    updatedAt: text(payload, 'updated_at'),
  };
}

export function reviewComment(payload: Payload): Without<GithubReviewComment> {
  return {
    id: number(payload, 'id'),
    nodeId: text(payload, 'node_id'),
    pull: numberAtEnd(payload, 'pull_request_url'),
    body: text(payload, 'body'),
    author: account(payload, 'user'),
    path: text(payload, 'path'),
    line: numberOrNull(payload, 'line'),
    side: textOrNull(payload, 'side'),
    commit: text(payload, 'commit_id'),
    review: numberOrNull(payload, 'pull_request_review_id'),
    inReplyTo: numberOrNull(payload, 'in_reply_to_id'),
    createdAt: text(payload, 'created_at'),
    updatedAt: text(payload, 'updated_at'),
  };
}

export function review(payload: Payload): Without<GithubReview> {
  return {
    id: number(payload, 'id'),
    nodeId: text(payload, 'node_id'),
    pull: numberAtEnd(payload, 'pull_request_url'),
    state: text(payload, 'state'),
    body: text(payload, 'body'),
    author: account(payload, 'user'),
    commit: textOrNull(payload, 'commit_id'),
    submittedAt: textOrNull(payload, 'submitted_at'),
  };
}

export function release(payload: Payload): Without<GithubRelease> {
  return {
    id: number(payload, 'id'),
    nodeId: text(payload, 'node_id'),
    tag: text(payload, 'tag_name'),
    target: text(payload, 'target_commitish'),
    name: textOrNull(payload, 'name'),
    body: textOrNull(payload, 'body'),
    draft: flag(payload, 'draft'),
    prerelease: flag(payload, 'prerelease'),
    author: account(payload, 'author'),
    createdAt: text(payload, 'created_at'),
    updatedAt: textOrNull(payload, 'updated_at'),
    publishedAt: textOrNull(payload, 'published_at'),
    assets: parts(payload, 'assets').map((asset) => ({
      id: number(asset, 'id'),
      name: text(asset, 'name'),
      size: number(asset, 'size'),
      contentType: text(asset, 'content_type'),
      downloadUrl: text(asset, 'browser_download_url'),
    })),
  };
}

export function tag(payload: Payload): Omit<Without<GithubTag>, 'change'> {
  return { name: text(payload, 'name'), sha: text(part(payload, 'commit'), 'sha') };
}

export function workflowRun(payload: Payload): Without<GithubWorkflowRun> {
  return {
    id: number(payload, 'id'),
    nodeId: text(payload, 'node_id'),
    name: textOrNull(payload, 'name'),
    number: number(payload, 'run_number'),
    attempt: numberOrNull(payload, 'run_attempt') ?? 1,
    workflow: number(payload, 'workflow_id'),
    event: text(payload, 'event'),
    status: textOrNull(payload, 'status'),
    conclusion: textOrNull(payload, 'conclusion'),
    branch: textOrNull(payload, 'head_branch'),
    sha: text(payload, 'head_sha'),
    actor: account(payload, 'actor'),
    createdAt: text(payload, 'created_at'),
    updatedAt: text(payload, 'updated_at'),
    startedAt: textOrNull(payload, 'run_started_at'),
  };
}

export function star(payload: Payload): Without<GithubStar> {
  const found = account(payload, 'user') ?? { id: 0, login: '', type: 'User' };
  return { account: found, starredAt: text(payload, 'starred_at') };
}

export function activity(payload: Payload): Without<GithubActivity> {
  return {
    id: text(payload, 'id'),
    kind: text(payload, 'type'),
    actor: account(payload, 'actor'),
    payload: payload['payload'] ?? null,
    createdAt: text(payload, 'created_at'),
  };
}
