import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { gitlab, gitlabOptions, readGitlab } from '../../../../src/sources/webhook/providers/gitlab.js';
import { request, unread } from './request.js';

const NOW = 1_700_000_000_000;
const SIGNING = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const project = { id: 15, name: 'App', path_with_namespace: 'team/app', web_url: 'https://gitlab.example/team/app' };

function read(payload: unknown, headers: Record<string, string> = { 'idempotency-key': 'f5e5f430' }) {
  const delivery = readGitlab(request({ headers, body: JSON.stringify(payload) }));
  const [event] = delivery.events;
  if (event === undefined) throw new Error('no event');
  return { ...delivery, event };
}

const object = (kind: string, object_attributes: object) => ({ object_kind: kind, project, object_attributes });

/** Made after the examples of GitLab's documentation. */
const PAYLOADS: readonly (readonly [string, string | undefined, object])[] = [
  [
    'gitlab.push',
    undefined,
    { object_kind: 'push', ref: 'refs/heads/main', project, commits: [], total_commits_count: 0 },
  ],
  ['gitlab.tag_push', undefined, { object_kind: 'tag_push', ref: 'refs/tags/v1', project, commits: [] }],
  [
    'gitlab.issue.open',
    '2026-01-02T03:04:05Z',
    object('issue', { id: 1, action: 'open', updated_at: '2026-01-02T03:04:05Z' }),
  ],
  ['gitlab.work_item.close', undefined, object('work_item', { id: 1, action: 'close' })],
  [
    'gitlab.note.create',
    '2026-01-02T03:04:05Z',
    object('note', { id: 2, action: 'create', updated_at: '2026-01-02 03:04:05 UTC' }),
  ],
  ['gitlab.note', undefined, object('note', { id: 2, note: 'before 16.11' })],
  ['gitlab.merge_request.merge', undefined, object('merge_request', { id: 3, action: 'merge' })],
  ['gitlab.merge_request.approved', undefined, object('merge_request', { id: 3, action: 'approved' })],
  ['gitlab.wiki_page.create', undefined, object('wiki_page', { action: 'create' })],
  [
    'gitlab.pipeline.success',
    '2026-01-02T03:04:05Z',
    object('pipeline', { id: 4, status: 'success', finished_at: '2026-01-02 03:04:05 UTC' }),
  ],
  ['gitlab.pipeline.running', undefined, object('pipeline', { id: 4, status: 'running', finished_at: null })],
  [
    'gitlab.job.failed',
    '2026-01-02T03:04:05.678Z',
    {
      object_kind: 'build',
      project,
      build_status: 'failed',
      build_started_at: '2026-01-02T03:00:00Z',
      build_finished_at: '2026-01-02T03:04:05.678Z',
    },
  ],
  ['gitlab.job.created', undefined, { object_kind: 'build', project, build_status: 'created', build_started_at: null }],
  [
    'gitlab.deployment.success',
    '2026-01-02T03:04:05+02:00',
    { object_kind: 'deployment', project, status: 'success', status_changed_at: '2026-01-02 03:04:05 +0200' },
  ],
  [
    'gitlab.release.create',
    undefined,
    { object_kind: 'release', project, action: 'create', tag: 'v1', created_at: '2026-01-02 03:04:05 UTC' },
  ],
  ['gitlab.milestone.close', undefined, { ...object('milestone', { id: 5 }), action: 'close' }],
  ['gitlab.emoji.award', undefined, object('emoji', { id: 6, action: 'award' })],
  ['gitlab.feature_flag', undefined, object('feature_flag', { id: 7, active: true })],
  ['gitlab.access_token', undefined, { ...object('access_token', { id: 8 }), event_name: 'expiring_access_token' }],
  ['gitlab.vulnerability', undefined, object('vulnerability', { title: 'x' })],
  [
    'gitlab.user_add_to_group',
    '2026-01-02T03:04:05Z',
    { event_name: 'user_add_to_group', group_path: 'team/app', updated_at: '2026-01-02T03:04:05Z' },
  ],
  ['gitlab.project_create', undefined, { event_name: 'project_create', path_with_namespace: 'team/app' }],
  ['gitlab.subgroup_destroy', undefined, { event_name: 'subgroup_destroy', full_path: 'team/app' }],
  ['gitlab.invented_later.begun', undefined, object('invented_later', { action: 'begun' })],
  ['gitlab.custom', undefined, { project, text: 'a template of the host' }],
];

describe('events of GitLab', () => {
  it.each(PAYLOADS)('%s', (type, time, payload) => {
    const { event, truncated } = read(payload);
    expect(event).toEqual({ type, id: 'f5e5f430', time, subject: 'team/app', data: payload });
    expect(truncated).toBeUndefined();
  });

  it("cannot be of a type that is not GitLab's", () => {
    for (const kind of ['headwater.gap', '../x', 'a b', '', '__proto__', 7, null]) {
      expect(read({ object_kind: kind }).event.type).toBe('gitlab.custom');
      expect(read(object('issue', { action: kind })).event.type).toBe('gitlab.issue');
    }
  });

  it('WH11: tell that commits of a push were left out', () => {
    const commits = Array.from({ length: 20 }, (_, index) => ({ id: String(index) }));
    const push = { object_kind: 'push', ref: 'refs/heads/main', project, commits };
    expect(read({ ...push, total_commits_count: 57 }).truncated).toEqual({
      count: 37,
      detail:
        'GitLab lists 20 of 57 commits pushed to refs/heads/main of team/app; read the others from the repository',
    });
    expect(read({ ...push, total_commits_count: 20 }).truncated).toBeUndefined();
    expect(read({ ...push, commits: [], total_commits_count: 0 }).truncated).toBeUndefined();
    expect(read({ ...push, commits: undefined, total_commits_count: 1 }).truncated?.count).toBe(1);
  });

  it('WH5: are called after what stays when GitLab sends them again', () => {
    const payload = object('issue', { id: 1, action: 'update' });
    const idOf = (headers: Record<string, string>, body: unknown = payload) => {
      const { id, event } = read(body, headers);
      expect(event.id).toBe(id);
      return id;
    };
    const request = { 'x-gitlab-webhook-uuid': 'request', 'x-gitlab-event-uuid': 'chain' };
    expect(idOf({ ...request, 'idempotency-key': 'key', 'webhook-id': 'signed' })).toBe('signed');
    expect(idOf({ ...request, 'idempotency-key': 'key' })).toBe('key');
    expect(idOf(request)).toBe('request');
    // Webhooks that one of them set off have the same event UUID: it must not make one of two.
    const chained = { 'x-gitlab-event-uuid': 'chain' };
    expect(idOf(chained)).toBe(idOf(chained));
    expect(idOf(chained, object('issue', { id: 2, action: 'update' }))).not.toBe(idOf(chained));
    expect(idOf({})).toMatch(/^[\w-]{22}$/);
  });

  it('are never anything else than a DecodeError where they cannot be read', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.uint8Array()), (body) => {
        try {
          const [event] = readGitlab(request({ body })).events;
          expect(event?.type).toMatch(/^gitlab\./);
        } catch (error) {
          expect((error as Error).name).toBe('DecodeError');
        }
      }),
    );
  });
});

describe('who GitLab is', () => {
  const token = (value: string | string[]) => ({ 'x-gitlab-token': value });
  const signed = (secret = SIGNING) => {
    const body = '{"object_kind":"push"}';
    const signature = new Webhook(secret).sign('key', new Date(NOW), body);
    const headers = { 'webhook-id': 'key', 'webhook-timestamp': String(NOW / 1_000), 'webhook-signature': signature };
    return { headers, body, receivedAt: NOW };
  };

  it('WH3: is told by the secret token, in its whole length', async () => {
    const provider = gitlab(gitlabOptions.parse({}), ['new token', 'old token']);
    for (const value of ['new token', 'old token']) {
      expect(await provider.verify(unread({ headers: token(value) }))).toBeUndefined();
    }
    for (const value of ['', 'new', 'new token ', 'New token', 'x'.repeat(5_000), ['old token', 'old token']]) {
      expect(await provider.verify(unread({ headers: token(value) }))).toEqual({ reason: expect.any(String) });
    }
    expect(await provider.verify(unread({}))).toEqual({ reason: expect.any(String) });
  });

  it('is believed when the package standardwebhooks signs', async () => {
    expect(await gitlab(gitlabOptions.parse({}), [SIGNING]).verify(unread(signed()))).toBeUndefined();
  });

  it('while a webhook is moved to a signing token: either, but nothing that is signed wrongly', async () => {
    const both = gitlab(gitlabOptions.parse({}), [SIGNING, 'plain']);
    expect(await both.verify(unread({ headers: token('plain') }))).toBeUndefined();
    expect(await both.verify(unread(signed()))).toBeUndefined();
    const forged = signed(`whsec_${Buffer.alloc(32, 8).toString('base64')}`);
    const withToken = { ...forged, headers: { ...forged.headers, ...token('plain') } };
    expect(await both.verify(unread(withToken))).toEqual({ reason: expect.stringContaining('webhook-signature') });
    const twice = { ...forged, headers: { ...withToken.headers, 'webhook-signature': ['v1,a', 'v1,b'] } };
    expect(await both.verify(unread(twice))).toEqual({ reason: expect.any(String) });
  });

  it('a token is not asked for a signature, and a signing token is no token', async () => {
    const plain = gitlab(gitlabOptions.parse({}), ['plain']);
    expect(
      await plain.verify(unread({ ...signed(), headers: { ...signed().headers, ...token('plain') } })),
    ).toBeUndefined();
    const signing = gitlab(gitlabOptions.parse({}), [SIGNING]);
    expect(await signing.verify(unread({ headers: token(SIGNING) }))).toEqual({ reason: expect.any(String) });
  });

  it('WH3: needs a secret', () => {
    for (const secrets of [[], [''], [SIGNING, '']]) {
      expect(() => gitlab(gitlabOptions.parse({}), secrets)).toThrow(expect.objectContaining({ code: 'SECRET_EMPTY' }));
    }
    expect(() => gitlab(gitlabOptions.parse({}), ['whsec_not base64'])).toThrow(
      expect.objectContaining({ code: 'SECRET_FORMAT' }),
    );
  });
});
