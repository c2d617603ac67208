import { createRequire } from 'node:module';
import { createNodeMiddleware, Webhooks } from '@octokit/webhooks';
import { sign, verify } from '@octokit/webhooks-methods';
import type { EventPayloadMap } from '@octokit/webhooks-types';
import { EventRouter, type GapEvent, ingest } from 'headwater';
import type { GitHubWebhookEvents, WebhookSource } from 'headwater/sources/webhook';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { signHmac } from '../../../src/toolkit/signature.js';
import { requestBytes } from './raw-client.js';
import { consume, createSource, deliver, request, SECRET, startSource, takeEvents } from './receiving.js';

type Example = { name: string; examples: Readonly<Record<string, unknown>>[] };
const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as Example[];

/** Each payload that GitHub publishes as an example, with the name of its event. */
const payloads = examples.flatMap(({ name, examples: all }) => all.map((payload) => ({ name, payload })));

type GitHubEvents = GitHubWebhookEvents<EventPayloadMap>;

describe('provider github', () => {
  it('all 329 example payloads, signed by the package of GitHub, are delivered and routed', async () => {
    const source = await createSource({ server: undefined });
    const handled = new Map<string, number>();
    const router = new EventRouter();
    const types = payloads.map(({ name, payload }) =>
      typeof payload['action'] === 'string' ? `github.${name}.${payload['action']}` : `github.${name}`,
    );
    for (const type of new Set(types)) {
      router.on(type, async (event) => {
        handled.set(event.type, (handled.get(event.type) ?? 0) + 1);
      });
    }
    const consumed = ingest({ source, sink: router, limit: payloads.length });
    const statuses = await Promise.all(payloads.map((one, n) => send(source, one, `delivery-${n}`)));
    await consumed;
    expect(payloads.length).toBe(329);
    expect(new Set(statuses)).toEqual(new Set([202]));
    expect([...handled.values()].reduce((sum, count) => sum + count, 0)).toBe(329);
    expect(new Set(handled.keys())).toEqual(new Set(types));
  });

  it('an event is the payload, called as GitHub calls it', async () => {
    const { source, port } = await startSource();
    const payload = payloads.find(({ name }) => name === 'issues')?.payload ?? {};
    const body = JSON.stringify(payload);
    void deliver(port, '72d3162e-cc78-11e3-81ab-4c9367dc0958', { event: 'issues', body });
    const [event] = await takeEvents(source, 1);
    expect(event).toEqual({
      specversion: '1.0',
      id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      source: '/webhook/test/hooks',
      type: `github.issues.${payload['action']}`,
      subject: (payload['repository'] as { full_name: string }).full_name,
      sourceid: 'test',
      sourcetype: 'webhook',
      data: payload,
    });
  });

  it('takes the form as well as JSON', async () => {
    const { source, port } = await startSource();
    const body = `payload=${encodeURIComponent(JSON.stringify({ zen: 'Design for é & failure + more.' }))}`;
    const bytes = requestBytes('/hooks', body, [
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['X-GitHub-Event', 'ping'],
      ['X-GitHub-Delivery', 'one'],
      ['X-Hub-Signature-256', `sha256=${signHmac(SECRET, [body])}`],
    ]);
    const answer = request(port, bytes);
    expect((await takeEvents(source, 1))[0]).toMatchObject({
      type: 'github.ping',
      data: { zen: 'Design for é & failure + more.' },
    });
    expect((await answer)?.status).toBe(202);
  });

  it('WH1: both directions: what the packages of GitHub sign and verify', async () => {
    const body = JSON.stringify({ é: '\u0000' });
    expect(await verify(SECRET, body, `sha256=${signHmac(SECRET, [body])}`)).toBe(true);
    const { source, port } = await startSource();
    consume(source);
    expect(await deliver(port, 'one', { body })).toBe(202);
    // The same bytes to the receiver of GitHub's own package.
    const webhooks = new Webhooks({ secret: SECRET });
    expect(createNodeMiddleware(webhooks)).toBeTypeOf('function');
    await webhooks.verifyAndReceive({ id: 'one', name: 'push', payload: body, signature: await sign(SECRET, body) });
  });

  it('WH1: the published example', async () => {
    const secret = "It's a Secret to Everybody";
    const source = await createSource({ server: undefined }, { credentials: { hooks: secret } });
    const answer = await source.fetch(
      new Request('http://x/hooks', {
        method: 'POST',
        body: 'Hello, World!',
        headers: {
          'x-github-event': 'ping',
          'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
        },
      }),
    );
    // It is believed, and is no JSON.
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: 'the body is not a JSON value' });
  });

  it('WH4: the new and the old secret are both right, and after that the new one only', async () => {
    const { source, port } = await startSource({}, { credentials: { hooks: ['new', 'old'] } });
    consume(source);
    expect(await deliver(port, 'one', { secret: 'new' })).toBe(202);
    expect(await deliver(port, 'two', { secret: 'old' })).toBe(202);
    const after = await startSource({}, { credentials: { hooks: 'new' } });
    consume(after.source);
    expect(await deliver(after.port, 'three', { secret: 'new' })).toBe(202);
    expect(await deliver(after.port, 'four', { secret: 'old' })).toBe(401);
  });

  it.each([
    ['without an event', { event: '' }, 400],
    ['with an event that is none', { event: 'Push!' }, 400],
    ['that is a list', { body: '[]' }, 400],
    ['that is cut', { body: '{"a":' }, 400],
    ['that is not UTF-8', { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) }, 400],
    ['that is nested too deep', { body: `${'{"a":'.repeat(200)}1${'}'.repeat(200)}` }, 400],
    ['with an action that is no word', { body: '{"action":"../x"}' }, 202],
  ])('a signed body %s', async (_, options, status) => {
    const { source, port } = await startSource();
    consume(source);
    expect(await deliver(port, 'one', options)).toBe(status);
  });

  it('types follow the map of payloads that a host has installed', () => {
    type Source = WebhookSource<GitHubEvents>;
    type Event = Source extends { generateEvents(): AsyncGenerator<infer Yielded, void, undefined> } ? Yielded : never;
    const opened = (event: Extract<Event, { type: 'github.issues.opened' }>): string => event.data.issue.title;
    const pushed = (event: Extract<Event, { type: 'github.push' }>): string => event.data.ref;
    expectTypeOf(opened).returns.toBeString();
    expectTypeOf(pushed).returns.toBeString();
    expectTypeOf<Extract<Event, GapEvent>>().toEqualTypeOf<GapEvent>();
  });
});

async function send(
  source: WebhookSource,
  { name, payload }: { name: string; payload: object },
  id: string,
): Promise<number> {
  const body = JSON.stringify(payload);
  const answer = await source.fetch(
    new Request('http://localhost/hooks', {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'x-github-event': name,
        'x-github-delivery': id,
        'x-hub-signature-256': await sign(SECRET, body),
      },
    }),
  );
  return answer.status;
}
