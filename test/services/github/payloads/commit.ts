import type { Commit, Signature } from '../git-graph.js';
import type { Repository } from '../repository.js';
import { type Json, type Links, nodeId } from './links.js';
import { repositoryPage, repositoryUrl } from './repository.js';

const MOST_FILES = 300;

/** 'commit', as lists have it. Authors have no account here: `author` is null, as for an unknown mail address. */
export function commitPayload(commit: Commit, repository: Repository, links: Links): Json {
  const url = repositoryUrl(repository, links);
  const page = repositoryPage(repository, links);
  return {
    sha: commit.sha,
    node_id: nodeId('C', commit.sha),
    commit: {
      author: signaturePayload(commit.author),
      committer: signaturePayload(commit.committer),
      message: commit.message,
      tree: { sha: commit.tree, url: `${url}/git/trees/${commit.tree}` },
      url: `${url}/git/commits/${commit.sha}`,
      comment_count: 0,
      verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
    },
    url: `${url}/commits/${commit.sha}`,
    html_url: `${page}/commit/${commit.sha}`,
    comments_url: `${url}/commits/${commit.sha}/comments`,
    author: null,
    committer: null,
    parents: commit.parents.map((sha) => ({ sha, url: `${url}/commits/${sha}`, html_url: `${page}/commit/${sha}` })),
  };
}

/** With statistics and files, as a commit asked for alone has them. */
export function fullCommitPayload(commit: Commit, repository: Repository, links: Links): Json {
  const count = commit.paths.length;
  return {
    ...commitPayload(commit, repository, links),
    stats: { total: count, additions: count, deletions: 0 },
    files: filesPayload([commit], repository, links),
  };
}

/** What several commits change, each file once. */
export function filesPayload(commits: readonly Commit[], repository: Repository, links: Links): Json[] {
  const paths = new Map(commits.flatMap(({ sha, paths }) => paths.map((path) => [path, sha] as const)));
  return [...paths].slice(0, MOST_FILES).map(([path, sha]) => filePayload(path, sha, repository, links));
}

function filePayload(path: string, sha: string, repository: Repository, links: Links): Json {
  const page = repositoryPage(repository, links);
  return {
    sha,
    filename: path,
    status: 'modified',
    additions: 1,
    deletions: 0,
    changes: 1,
    blob_url: `${page}/blob/${sha}/${encodeURIComponent(path)}`,
    raw_url: `${page}/raw/${sha}/${encodeURIComponent(path)}`,
    contents_url: `${repositoryUrl(repository, links)}/contents/${encodeURIComponent(path)}?ref=${sha}`,
    patch: '@@ -1 +1,2 @@',
  };
}

function signaturePayload({ name, email, date }: Signature): Json {
  return { name, email, date };
}
