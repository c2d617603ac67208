import type { EventRecord, StarRecord } from '../records.js';
import type { Repository } from '../repository.js';
import { accountPayload } from './account.js';
import type { Json, Links } from './links.js';
import { repositoryUrl } from './repository.js';

/** 'event' of a feed. */
export function eventPayload(event: EventRecord, repository: Repository, links: Links): Json {
  const { id, login } = event.actor;
  return {
    id: event.id,
    type: event.type,
    actor: {
      id,
      login,
      display_login: login,
      gravatar_id: '',
      url: `${links.api}/users/${login}`,
      avatar_url: `https://avatars.githubusercontent.com/u/${id}?`,
    },
    repo: { id: repository.id, name: repository.fullName, url: repositoryUrl(repository, links) },
    payload: event.payload,
    public: !repository.private,
    created_at: event.createdAt,
  };
}

/** 'simple-user', or 'stargazer' for who asks for the time. */
export function starPayload(star: StarRecord, links: Links, withTime: boolean): Json {
  const user = accountPayload(star.user, links);
  return withTime ? { starred_at: star.starredAt, user } : user;
}
