import type { Account } from '../records.js';
import { type Json, type Links, nodeId } from './links.js';

/** An account is of one server and never changes, so that each is rendered once. */
const rendered = new WeakMap<Account, Json>();

/** 'simple-user' of the description: users, organisations and bots alike. */
export function accountPayload(account: Account, links: Links): Json {
  const payload = rendered.get(account) ?? render(account, links);
  rendered.set(account, payload);
  return payload;
}

function render(account: Account, { api, web }: Links): Json {
  const url = `${api}/users/${account.login}`;
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId(account.type === 'Organization' ? 'O' : 'U', account.id),
    avatar_url: `https://avatars.githubusercontent.com/u/${account.id}?v=4`,
    gravatar_id: '',
    url,
    html_url: `${web}/${account.login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: account.type,
    user_view_type: 'public',
    site_admin: false,
  };
}

/** 'public-user': one account asked for by name. */
export function publicUserPayload(account: Account, links: Links, createdAt: string): Json {
  return {
    ...accountPayload(account, links),
    name: null,
    company: null,
    blog: '',
    location: null,
    email: null,
    hireable: null,
    bio: null,
    twitter_username: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: createdAt,
    updated_at: createdAt,
  };
}
