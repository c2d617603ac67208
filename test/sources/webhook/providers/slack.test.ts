import { createRequire } from 'node:module';
import type { SlackEvent } from '@slack/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readSlack,
  type SlackWebhookEvents,
  slack,
  slackOptions,
} from '../../../../src/sources/webhook/providers/slack.js';
import { signHmac } from '../../../../src/toolkit/signature.js';
import { request, unread } from './request.js';

/** Of Slack's own framework, without the rest of it. */
const { verifySlackRequest } = createRequire(import.meta.url)(
  '@slack/bolt/dist/receivers/verify-request.js',
) as typeof import('@slack/bolt/dist/receivers/verify-request.js');

const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const NOW = 1_767_323_045;
const provider = slack(slackOptions.parse({}), [SECRET]);

const callback = {
  token: 'the verification token',
  team_id: 'T123ABC456',
  api_app_id: 'A123ABC456',
  event: { type: 'app_mention', user: 'U123ABC456', text: 'hi', ts: '1767323045.000100', channel: 'C123ABC456' },
  type: 'event_callback',
  event_id: 'Ev123ABC456',
  event_time: NOW,
};

function signed(body: string, headers: Record<string, string> = {}, seconds = NOW) {
  const signature = `v0=${signHmac(SECRET, [`v0:${seconds}:`, body])}`;
  const all = { ...headers, 'x-slack-request-timestamp': String(seconds), 'x-slack-signature': signature };
  return { headers: all, body, receivedAt: NOW * 1_000 };
}

const read = (payload: unknown) => readSlack(request({ body: JSON.stringify(payload) }));

describe('the signature of Slack', () => {
  it("of ours is believed by Slack's own package, and what it does not believe we do not", async () => {
    const far = fc.integer({ min: -600, max: 600 });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), far, fc.boolean(), async (body, away, isForged) => {
        const seconds = NOW + away;
        const fields = signed(body, {}, seconds);
        if (isForged) fields.headers['x-slack-signature'] = `v0=${signHmac('other', [`v0:${seconds}:`, body])}`;
        const options = {
          signingSecret: SECRET,
          body,
          headers: { 'x-slack-signature': fields.headers['x-slack-signature'], 'x-slack-request-timestamp': seconds },
          nowMilliseconds: NOW * 1_000,
        };
        let theyBelieve = true;
        try {
          verifySlackRequest(options);
        } catch {
          theyBelieve = false;
        }
        // Theirs looks at the past only.
        const expected = theyBelieve && away <= 300;
        expect((await provider.verify(unread(fields))) === undefined).toBe(expected);
      }),
    );
  });
});

describe('the Events API', () => {
  it('is events of the inner type, without tokens', () => {
    const { token: _, ...data } = callback;
    expect(read(callback)).toEqual({
      id: 'Ev123ABC456',
      events: [
        { type: 'slack.app_mention', id: 'Ev123ABC456', time: '2026-01-02T03:04:05.000Z', subject: 'C123ABC456', data },
      ],
    });
    const step = { ...callback, event: { type: 'function_executed', bot_access_token: 'xwfp-secret', inputs: {} } };
    expect(JSON.stringify(read(step))).not.toMatch(/xwfp-secret|verification token/);
  });

  it.each([
    [{ type: 'reaction_added', item: { type: 'message', channel: 'C1', ts: '1.2' } }, 'C1'],
    [{ type: 'channel_created', channel: { id: 'C2', name: 'x' } }, 'C2'],
    [{ type: 'file_shared', channel_id: 'C3' }, 'C3'],
    [{ type: 'user_change', user: { id: 'U1' } }, undefined],
  ])('is about a channel where there is one: %j', (event, subject) => {
    expect(read({ ...callback, event }).events[0]?.subject).toBe(subject);
  });

  it('SL7: answers url_verification, and only with the right signature', async () => {
    const body = JSON.stringify({
      token: 'x',
      challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P',
      type: 'url_verification',
    });
    expect(provider.handshake).toBeUndefined();
    const { 'x-slack-signature': _, ...withoutSignature } = signed(body).headers;
    for (const headers of [{}, withoutSignature, { ...signed(body).headers, 'x-slack-signature': 'v0=00' }]) {
      expect(await provider.verify(unread({ headers, body, receivedAt: NOW * 1_000 }))).toEqual({
        reason: expect.any(String),
      });
    }
    expect(await provider.verify(unread(signed(body)))).toBeUndefined();
    expect(readSlack(request(signed(body)))).toEqual({
      id: undefined,
      events: [],
      answer: {
        status: 200,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P',
      },
    });
  });

  it('SL7: is known again by event_id, and never by the header of retries', async () => {
    const body = JSON.stringify(callback);
    const first = readSlack(request(signed(body)));
    const retry = readSlack(
      request(signed(body, { 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' })),
    );
    expect(retry).toEqual(first);
    expect(read({ ...callback, event_id: 'Ev2' }).id).toBe('Ev2');
  });

  it('SL7: is refused for what is five minutes away, either way', async () => {
    for (const [away, isBelieved] of [
      [-301, false],
      [-300, true],
      [300, true],
      [301, false],
    ] as const) {
      const refusal = await provider.verify(unread(signed('{}', {}, NOW + away)));
      expect(refusal === undefined).toBe(isBelieved);
    }
  });

  it('tells that Slack left events out', () => {
    const limited = { token: 'x', type: 'app_rate_limited', team_id: 'T1', minute_rate_limited: NOW, api_app_id: 'A1' };
    const { events, truncated } = read(limited);
    const { token: _, ...data } = limited;
    expect(events).toEqual([
      { type: 'slack.app_rate_limited', id: `app_rate_limited:T1:${NOW}`, time: '2026-01-02T03:04:05.000Z', data },
    ]);
    expect(truncated?.detail).toContain('T1');
  });

  it('says how long Slack tries', () => {
    expect(provider.redeliveryMs).toBe(600_000);
    expect(slack(slackOptions.parse({ delayedEvents: true }), [SECRET]).redeliveryMs).toBe(86_400_000);
  });

  it.each([
    ['a command', request({ headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'command=%2Fx' })],
    ['another payload', request({ body: '{"type":"block_actions"}' })],
    ['a callback without an event', request({ body: '{"type":"event_callback","event_id":"Ev1"}' })],
    ['a callback without an id', request({ body: '{"type":"event_callback","event":{"type":"x"}}' })],
    ['a type that is no word', request({ body: '{"type":"event_callback","event_id":"E","event":{"type":"a.b"}}' })],
    ['a challenge that is none', request({ body: '{"type":"url_verification","challenge":7}' })],
  ])('cannot be read from %s', (_, given) => {
    expect(() => readSlack(given)).toThrow(expect.objectContaining({ code: 'WEBHOOK_PAYLOAD' }));
  });

  it('can be typed by the package @slack/types', () => {
    const textOf = (event: SlackWebhookEvents<SlackEvent>): string =>
      event.type === 'slack.app_mention' ? event.data.event.text : event.type;
    expect(textOf(read(callback).events[0] as unknown as SlackWebhookEvents<SlackEvent>)).toBe('hi');
  });
});
