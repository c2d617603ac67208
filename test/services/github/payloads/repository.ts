import type { Repository } from '../repository.js';
import { accountPayload } from './account.js';
import { type Json, type Links, nodeId } from './links.js';

/** Ends of the URLs below a repository, by the name of their field. */
const URLS: Readonly<Record<string, string>> = {
  archive_url: '/{archive_format}{/ref}',
  assignees_url: '/assignees{/user}',
  blobs_url: '/git/blobs{/sha}',
  branches_url: '/branches{/branch}',
  collaborators_url: '/collaborators{/collaborator}',
  comments_url: '/comments{/number}',
  commits_url: '/commits{/sha}',
  compare_url: '/compare/{base}...{head}',
  contents_url: '/contents/{+path}',
  contributors_url: '/contributors',
  deployments_url: '/deployments',
  downloads_url: '/downloads',
  events_url: '/events',
  forks_url: '/forks',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  hooks_url: '/hooks',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  issues_url: '/issues{/number}',
  keys_url: '/keys{/key_id}',
  labels_url: '/labels{/name}',
  languages_url: '/languages',
  merges_url: '/merges',
  milestones_url: '/milestones{/number}',
  notifications_url: '/notifications{?since,all,participating}',
  pulls_url: '/pulls{/number}',
  releases_url: '/releases{/id}',
  stargazers_url: '/stargazers',
  statuses_url: '/statuses/{sha}',
  subscribers_url: '/subscribers',
  subscription_url: '/subscription',
  tags_url: '/tags',
  teams_url: '/teams',
  trees_url: '/git/trees{/sha}',
};

export function repositoryUrl(repository: Repository, { api }: Links): string {
  return `${api}/repos/${repository.fullName}`;
}

export function repositoryPage(repository: Repository, { web }: Links): string {
  return `${web}/${repository.fullName}`;
}

/** The part that every form of a repository has: what workflow runs carry. */
export function bareRepositoryPayload(repository: Repository, links: Links): Json {
  const url = repositoryUrl(repository, links);
  return {
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: repository.fullName,
    private: repository.private,
    owner: accountPayload(repository.owner, links),
    html_url: repositoryPage(repository, links),
    description: null,
    fork: false,
    url,
    ...Object.fromEntries(Object.entries(URLS).map(([name, end]) => [name, url + end])),
  };
}

/** 'repository' and 'minimal-repository': in lists and within pull requests. */
export function repositoryPayload(repository: Repository, links: Links): Json {
  const page = repositoryPage(repository, links);
  const openIssues = repository.issueRecords.filter(({ state }) => state === 'open').length;
  const stars = repository.starRecords.length;
  return {
    ...bareRepositoryPayload(repository, links),
    created_at: repository.createdAt,
    updated_at: repository.updatedAt,
    pushed_at: repository.pushedAt,
    git_url: `git:${page.slice('https:'.length)}.git`,
    ssh_url: `git@github.com:${repository.fullName}.git`,
    clone_url: `${page}.git`,
    svn_url: page,
    homepage: null,
    size: 108,
    stargazers_count: stars,
    watchers_count: stars,
    language: null,
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: 0,
    mirror_url: null,
    archived: repository.archived,
    disabled: false,
    open_issues_count: openIssues,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [],
    visibility: repository.private ? 'private' : 'public',
    forks: 0,
    open_issues: openIssues,
    watchers: stars,
    default_branch: repository.defaultBranch,
    permissions: { admin: false, maintain: false, push: false, triage: false, pull: true },
  };
}

/** 'full-repository': asked for alone. */
export function fullRepositoryPayload(repository: Repository, links: Links): Json {
  return { ...repositoryPayload(repository, links), temp_clone_token: null, network_count: 0, subscribers_count: 1 };
}
