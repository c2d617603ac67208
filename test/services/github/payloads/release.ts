import type { ReleaseRecord } from '../records.js';
import type { Repository } from '../repository.js';
import { accountPayload } from './account.js';
import { type Json, type Links, nodeId } from './links.js';
import { repositoryPage, repositoryUrl } from './repository.js';

/** 'release'. */
export function releasePayload(release: ReleaseRecord, repository: Repository, links: Links): Json {
  const api = repositoryUrl(repository, links);
  const url = `${api}/releases/${release.id}`;
  return {
    url,
    assets_url: `${url}/assets`,
    upload_url: `https://uploads.github.com/repos/${repository.fullName}/releases/${release.id}/assets{?name,label}`,
    html_url: `${repositoryPage(repository, links)}/releases/tag/${release.tagName}`,
    id: release.id,
    author: accountPayload(release.user, links),
    node_id: nodeId('RE', release.id),
    tag_name: release.tagName,
    target_commitish: release.target,
    name: release.name,
    draft: release.draft,
    immutable: false,
    prerelease: release.prerelease,
    created_at: release.createdAt,
    updated_at: release.updatedAt,
    published_at: release.publishedAt,
    assets: [],
    tarball_url: `${api}/tarball/${release.tagName}`,
    zipball_url: `${api}/zipball/${release.tagName}`,
    body: release.body,
  };
}

/** 'tag'. */
export function tagPayload(name: string, sha: string, repository: Repository, links: Links): Json {
  const api = repositoryUrl(repository, links);
  return {
    name,
    zipball_url: `${api}/zipball/refs/tags/${name}`,
    tarball_url: `${api}/tarball/refs/tags/${name}`,
    commit: { sha, url: `${api}/commits/${sha}` },
    node_id: nodeId('REF', name),
  };
}
