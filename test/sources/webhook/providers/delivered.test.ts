import { afterEach, describe, expect, it } from 'vitest';
import type { WebhookEndpointInput } from '../../../../src/sources/webhook/config.js';
import { Receiving } from './receiving.js';
import { senders } from './senders.js';

const seconds = (): number => Math.floor(Date.now() / 1_000);

let receiving: Receiving | undefined;
afterEach(async () => {
  await receiving?.stop();
  receiving = undefined;
});

describe.each(senders.map((sender) => [[sender.name, sender.way].filter(Boolean).join(', '), sender] as const))(
  'delivered over HTTP: %s',
  (_, sender) => {
    const secret = sender.newSecret();
    const endpoint = { provider: sender.name, ...sender.options } as WebhookEndpointInput;
    const message = (id: string, body = sender.body) => ({ id, seconds: seconds(), body: Buffer.from(body) });
    const headersOf = (sent: ReturnType<typeof message>, by = secret) => ({
      ...sender.unsigned?.(sent),
      ...sender.sign(sent, [by]),
    });

    it('WH5: what is sent twice is answered twice, and is one event', async () => {
      receiving = await Receiving.start(endpoint, [secret.known]);
      for (const status of [202, 200, 200]) {
        const sent = message('msg_1');
        expect((await receiving.send({ headers: headersOf(sent), body: sent.body })).status).toBe(status);
      }
      const forged = headersOf(message('msg_1'), sender.newSecret());
      expect((await receiving.send({ headers: forged, body: sender.body })).status).toBe(401);
      const [event, ...more] = receiving.events;
      expect(more).toEqual([]);
      expect(event?.source).toBe('/webhook/hooks/here');
      expect(event?.sourcetype).toBe('webhook');
    });

    it('WH1: what is not signed well is 401, without a word of secrets, and no event', async () => {
      receiving = await Receiving.start(endpoint, [secret.known]);
      const sent = message('msg_1', 'not JSON at all');
      const answers = [
        await receiving.send({ headers: headersOf(sent, sender.newSecret()), body: sent.body }),
        await receiving.send({ headers: headersOf(sent), body: `${sender.body} ` }),
        await receiving.send({ body: sender.body }),
      ];
      for (const { status, body } of answers) {
        expect(status).toBe(401);
        expect(body).not.toContain(secret.known);
      }
      expect(receiving.events).toEqual([]);
      // Signed well it is read, and found to be nothing.
      expect((await receiving.send({ headers: headersOf(sent), body: sent.body })).status).toBe(400);
    });
  },
);

describe('delivered over HTTP', () => {
  it('SL7: url_verification of Slack is answered with its challenge', async () => {
    const slack = senders.find(({ name }) => name === 'slack');
    if (slack === undefined) throw new Error('no slack');
    const secret = slack.newSecret();
    receiving = await Receiving.start({ provider: 'slack' }, [secret.known]);
    const body = '{"type":"url_verification","challenge":"a challenge"}';
    const sent = { id: '', seconds: seconds(), body: Buffer.from(body) };
    const answer = await receiving.send({ headers: slack.sign(sent, [secret]), body });
    expect([answer.status, answer.body]).toEqual([200, 'a challenge']);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect((await receiving.send({ body })).status).toBe(401);
    expect(receiving.events).toEqual([]);
  });

  it('CloudEvents: handshake, 415, and a type that is not ours', async () => {
    receiving = await Receiving.start({ provider: 'cloudevents' }, ['s3cret']);
    const consent = await receiving.send({ method: 'OPTIONS', headers: { 'webhook-request-origin': 'a.example' } });
    expect(consent.status).toBe(200);
    expect(consent.headers.get('webhook-allowed-origin')).toBe('a.example');
    const send = (type: string, body: string, authorization = 'Bearer s3cret') =>
      (receiving as Receiving).send({ headers: { 'content-type': type, authorization }, body });
    expect((await send('application/cloudevents+avro', 'x')).status).toBe(415);
    const unauthorized = await send('application/cloudevents+json', '{}', 'Bearer other');
    expect([unauthorized.status, unauthorized.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect((await send('application/cloudevents+json', '{}')).status).toBe(400);
    const event = { specversion: '1.0', id: '1', source: '/s', type: 'headwater.gap', data: { reason: 'downtime' } };
    expect((await send('application/cloudevents+json', JSON.stringify(event))).status).toBe(202);
    expect(receiving.events.map(({ type }) => type)).toEqual(['cloudevents.headwater.gap']);
  });

  it('WH11: GitLab pushes of many commits are followed by a gap', async () => {
    receiving = await Receiving.start({ provider: 'gitlab' }, ['token']);
    const push = { object_kind: 'push', ref: 'refs/heads/main', commits: [{}], total_commits_count: 3 };
    const headers = { 'x-gitlab-token': 'token', 'idempotency-key': 'k' };
    expect((await receiving.send({ headers, body: JSON.stringify(push) })).status).toBe(202);
    expect(receiving.events).toMatchObject([
      { type: 'gitlab.push', id: 'k' },
      { type: 'headwater.gap', data: { reason: 'truncated', count: 2 } },
    ]);
  });

  it('Jenkins: a token in the query', async () => {
    receiving = await Receiving.start({ provider: 'jenkins', auth: { scheme: 'query' } }, ['a token']);
    const body = JSON.stringify({
      name: 'app',
      build: { full_url: 'https://ci/job/app/1/', number: 1, phase: 'STARTED' },
    });
    expect((await receiving.send({ query: '?token=a%20token', body })).status).toBe(202);
    expect((await receiving.send({ query: '?token=another', body })).status).toBe(401);
    expect(receiving.events.map(({ type }) => type)).toEqual(['jenkins.build.started']);
  });
});
