import { createHash } from 'node:crypto';
import type { EventFields } from '../../core/event-source.js';
import type { GitHubEvent, GithubRepository, GithubUnavailable } from './data.js';
import { type Payload, part, parts, person, text } from './payload.js';
import * as things from './things.js';

/** What `this.event` takes. */
export type GithubFields = EventFields<Exclude<GitHubEvent['type'], 'headwater.gap'>, unknown>;

/** Where something was found. */
export interface Place {
  readonly repository: GithubRepository;
  /** URI of the repository, by its number: a name may change hands. */
  readonly uri: string;
  /** Adds the payload. */
  readonly raw: boolean;
}

/** An event to be, and the hash of its id that cursors keep. */
export interface Item {
  readonly key: string;
  readonly fields: GithubFields;
}

export type ToItem = (payload: Payload, place: Place) => Item;

interface Thing {
  type: GithubFields['type'];
  /** What GitHub calls it, over all its versions. */
  identity: string;
  /** When this version was made. */
  time: string | null;
  subject: string;
  content: object;
}

/** Short enough for cursors; long enough that two of some hundred versions are never the same. */
export function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 8);
}

/**
 * Times are of whole seconds, so two changes within one have the same: a hash of the content tells them apart. It is of
 * the fields that `data` has now; one that is added later must be left out of it, or every id would change.
 */
function versionOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 10);
}

function toItem({ type, identity, time, subject, content }: Thing, payload: Payload, place: Place): Item {
  const id = `${identity}:${time ?? ''}:${versionOf(content)}`;
  // The URL changes with the name of the repository, which is no change of the thing.
  const data = { ...content, url: text(payload, 'html_url') };
  return itemOf({ type, id, subject, time: time ?? undefined }, data, payload, place);
}

function itemOf(
  fields: Pick<GithubFields, 'type' | 'id' | 'subject' | 'time'>,
  content: object,
  payload: Payload,
  { repository, uri, raw }: Place,
): Item {
  const { type, id, subject, time } = fields;
  const data = raw ? { ...content, repository, raw: payload } : { ...content, repository };
  const dataschema = `urn:headwater:${type.replace(/\.(?:created|updated)$/, '')}:1`;
  return { key: keyOf(id), fields: { type, id, subject, time, source: uri, dataschema, data } };
}

/** By the data alone, so that every run says the same: 'created' is the version that nothing has changed yet. */
function change(thing: { createdAt: string; updatedAt: string | null }): 'created' | 'updated' {
  return thing.updatedAt === null || thing.updatedAt === thing.createdAt ? 'created' : 'updated';
}

export const issueItem: ToItem = (payload, place) => {
  const content = things.issue(payload);
  const subject = `issues/${content.number}`;
  const thing = { identity: content.nodeId, time: content.updatedAt, subject, content };
  return toItem({ type: `github.issue.${change(content)}`, ...thing }, payload, place);
};

export const pullItem: ToItem = (payload, place) => {
  const content = things.pull(payload);
  const subject = `pulls/${content.number}`;
  const thing = { identity: content.nodeId, time: content.updatedAt, subject, content };
  return toItem({ type: `github.pull_request.${change(content)}`, ...thing }, payload, place);
};

export const commentItem: ToItem = (payload, place) => {
  const content = things.comment(payload);
  const subject = `issues/${content.issue}`;
  const thing = { identity: content.nodeId, time: content.updatedAt, subject, content };
  return toItem({ type: `github.comment.${change(content)}`, ...thing }, payload, place);
};

export const reviewCommentItem: ToItem = (payload, place) => {
  const content = things.reviewComment(payload);
  const subject = `pulls/${content.pull}`;
  const thing = { identity: content.nodeId, time: content.updatedAt, subject, content };
  return toItem({ type: `github.review_comment.${change(content)}`, ...thing }, payload, place);
};

/** A review has no time of update; what is dismissed was something else before. */
export const reviewItem: ToItem = (payload, place) => {
  const content = things.review(payload);
  const type = content.state === 'DISMISSED' ? 'github.review.updated' : 'github.review.created';
  const thing = { identity: content.nodeId, time: content.submittedAt, subject: `pulls/${content.pull}`, content };
  return toItem({ type, ...thing }, payload, place);
};

export const releaseItem: ToItem = (payload, place) => {
  const content = things.release(payload);
  const time = content.updatedAt ?? content.publishedAt ?? content.createdAt;
  const changed = { createdAt: content.publishedAt ?? content.createdAt, updatedAt: time };
  const thing = { identity: content.nodeId, time, subject: `releases/${content.tag}`, content };
  return toItem({ type: `github.release.${change(changed)}`, ...thing }, payload, place);
};

export const workflowRunItem: ToItem = (payload, place) => {
  const content = things.workflowRun(payload);
  const subject = `actions/runs/${content.id}`;
  const thing = { identity: content.nodeId, time: content.updatedAt, subject, content };
  const type = content.attempt > 1 ? 'updated' : change(content);
  return toItem({ type: `github.workflow_run.${type}`, ...thing }, payload, place);
};

/** Who stars, unstars and stars again did so at another time. */
export const starItem: ToItem = (payload, place) => {
  const content = things.star(payload);
  const { account, starredAt: time } = content;
  const id = `star:${account.id}:${time}`;
  return itemOf({ type: 'github.star', id, subject: `stargazers/${account.login}`, time }, content, payload, place);
};

export const activityItem: ToItem = (payload, place) => {
  const content = things.activity(payload);
  const { id, kind, createdAt: time } = content;
  return itemOf({ type: 'github.event', id: `event:${id}`, subject: kind, time }, content, payload, place);
};

/** `revision` counts how often it moved since it was first read: back and forth again are three events. */
export function tagItem(payload: Payload, place: Place, revision: number): Item {
  const { name, sha } = things.tag(payload);
  const id = ['tag', name, sha, ...(revision > 1 ? [revision] : [])].join(':');
  const content = { change: revision > 1 ? 'moved' : 'created', name, sha };
  return itemOf({ type: 'github.tag', id, subject: `tags/${name}` }, content, payload, place);
}

export function commitItem(payload: Payload, place: Place, branch: string): Item {
  const commit = part(payload, 'commit');
  const sha = text(payload, 'sha');
  const message = text(commit, 'message');
  const end = message.indexOf('\n');
  const committer = person(commit, payload, 'committer');
  const content = {
    sha,
    parents: parts(payload, 'parents').map((parent) => text(parent, 'sha')),
    author: person(commit, payload, 'author'),
    committer,
    subject: end < 0 ? message : message.slice(0, end),
    body: end < 0 ? '' : message.slice(end).trim(),
    branch,
    url: text(payload, 'html_url'),
  };
  const time = committer.time === '' ? undefined : committer.time;
  return itemOf({ type: 'github.commit', id: sha, subject: sha, time }, content, payload, place);
}

export interface ForcedBranch {
  branch: string;
  sha: string;
  previousSha: string;
  mergeBase: string | undefined;
  /** How often it has happened to this branch, from 1. */
  count: number;
}

export function forcedFields({ count, mergeBase, ...known }: ForcedBranch, place: Place): GithubFields {
  const { branch, sha, previousSha } = known;
  const id = ['forced', branch, previousSha, sha, count].join(':');
  const content = { ...known, ...(mergeBase !== undefined && { mergeBase }) };
  const fields = { type: 'github.branch.forced', id, subject: `branches/${branch}`, time: undefined } as const;
  return itemOf(fields, content, {}, { ...place, raw: false }).fields;
}

/** `count` of the problems of this repository so far, from 1. */
export function unavailableFields(
  problem: Omit<GithubUnavailable, 'repository'>,
  count: number,
  place: Place,
): GithubFields {
  const id = ['unavailable', problem.stream, problem.code, count].join(':');
  const fields = { type: 'github.repository.unavailable', id, subject: problem.stream, time: undefined } as const;
  return itemOf(fields, problem, {}, { ...place, raw: false }).fields;
}
