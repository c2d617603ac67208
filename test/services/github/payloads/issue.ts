import type { IssueCommentRecord, IssueRecord } from '../records.js';
import type { Repository } from '../repository.js';
import { accountPayload } from './account.js';
import { type Json, type Links, nodeId } from './links.js';
import { repositoryPage, repositoryUrl } from './repository.js';

/** 'issue'. A pull request is one too, with the key `pull_request`. */
export function issuePayload(issue: IssueRecord, repository: Repository, links: Links): Json {
  const url = `${repositoryUrl(repository, links)}/issues/${issue.number}`;
  return {
    url,
    repository_url: repositoryUrl(repository, links),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: `${repositoryPage(repository, links)}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`,
    id: issue.id,
    node_id: nodeId(issue.pull ? 'PR' : 'I', issue.id),
    number: issue.number,
    title: issue.title,
    user: accountPayload(issue.user, links),
    labels: labelPayloads(issue, repository, links),
    state: issue.state,
    locked: false,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: issue.commentCount,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    author_association: 'CONTRIBUTOR',
    active_lock_reason: null,
    body: issue.body,
    closed_by: null,
    reactions: reactionsPayload(url),
    timeline_url: `${url}/timeline`,
    performed_via_github_app: null,
    state_reason: issue.state === 'closed' ? 'completed' : null,
    ...(issue.pull && {
      draft: issue.pull.draft,
      pull_request: pullLinks(issue, issue.pull.mergedAt, repository, links),
    }),
  };
}

/** 'issue-comment'. */
export function commentPayload(comment: IssueCommentRecord, repository: Repository, links: Links): Json {
  const url = `${repositoryUrl(repository, links)}/issues/comments/${comment.id}`;
  const { issue } = comment;
  const page = `${repositoryPage(repository, links)}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`;
  return {
    url,
    html_url: `${page}#issuecomment-${comment.id}`,
    issue_url: `${repositoryUrl(repository, links)}/issues/${issue.number}`,
    id: comment.id,
    node_id: nodeId('IC', comment.id),
    user: accountPayload(comment.user, links),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: 'CONTRIBUTOR',
    body: comment.body,
    reactions: reactionsPayload(url),
    performed_via_github_app: null,
  };
}

export function labelPayloads(issue: IssueRecord, repository: Repository, links: Links): Json[] {
  return issue.labels.map((name, index) => ({
    id: issue.id * 100 + index,
    node_id: nodeId('LA', name),
    url: `${repositoryUrl(repository, links)}/labels/${encodeURIComponent(name)}`,
    name,
    color: 'd73a4a',
    default: true,
    description: '',
  }));
}

export function reactionsPayload(url: string): Json {
  const none = { '+1': 0, '-1': 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 };
  return { url: `${url}/reactions`, total_count: 0, ...none };
}

function pullLinks(issue: IssueRecord, mergedAt: string | null, repository: Repository, links: Links): Json {
  const page = `${repositoryPage(repository, links)}/pull/${issue.number}`;
  return {
    url: `${repositoryUrl(repository, links)}/pulls/${issue.number}`,
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    merged_at: mergedAt,
  };
}
