import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import {
  readStandardWebhook,
  standardWebhooks,
  standardWebhooksOptions,
} from '../../../../src/sources/webhook/providers/standard-webhooks.js';
import { signHmac } from '../../../../src/toolkit/signature.js';
import { request, unread } from './request.js';

const options = standardWebhooksOptions.parse({});
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const REFUSED = { reason: expect.any(String) };

function headersOf(id: string, seconds: number, signature: string) {
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signature };
}

describe('the signature of Standard Webhooks', () => {
  const id = fc.stringMatching(/^[a-zA-Z0-9_]{1,40}$/);
  const key = fc.uint8Array({ minLength: 1, maxLength: 64 });
  const secretOf = (bytes: Uint8Array): string => `whsec_${Buffer.from(bytes).toString('base64')}`;

  it('of the package standardwebhooks is believed, for any id, body and secret', async () => {
    await fc.assert(
      fc.asyncProperty(id, key, fc.string({ unit: 'grapheme' }), async (name, bytes, body) => {
        const seconds = 1_700_000_000;
        const signature = new Webhook(secretOf(bytes)).sign(name, new Date(seconds * 1_000), body);
        const fields = { headers: headersOf(name, seconds, signature), body, receivedAt: seconds * 1_000 };
        expect(await standardWebhooks(options, [secretOf(bytes)]).verify(unread(fields))).toBeUndefined();
        const withoutPrefix = Buffer.from(bytes).toString('base64');
        expect(await standardWebhooks(options, [withoutPrefix]).verify(unread(fields))).toBeUndefined();
        expect(await standardWebhooks(options, [SECRET]).verify(unread(fields))).toEqual(REFUSED);
      }),
    );
  });

  it('of ours is believed by the package standardwebhooks', () => {
    fc.assert(
      fc.property(id, key, fc.json(), (name, bytes, body) => {
        const seconds = Math.floor(Date.now() / 1_000);
        const signature = signHmac(bytes, [`${name}.${seconds}.`, body], { encoding: 'base64' });
        const headers = headersOf(name, seconds, `v1a,AAAA v1,${signature}`);
        expect(new Webhook(secretOf(bytes)).verify(body, headers)).toEqual(JSON.parse(body));
      }),
    );
  });

  it('WH4: of a key and of a secret are told apart', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url').toString('base64');
    const body = '{"a":1}';
    const seconds = 1_700_000_000;
    const signed = sign(null, Buffer.from(`msg.${seconds}.${body}`), privateKey).toString('base64');
    const verify = (secrets: readonly string[], signature: string) => {
      const fields = { headers: headersOf('msg', seconds, signature), body, receivedAt: seconds * 1_000 };
      return standardWebhooks(options, secrets).verify(unread(fields));
    };
    const hmac = signHmac(Buffer.from(SECRET.slice(6), 'base64'), [`msg.${seconds}.${body}`], { encoding: 'base64' });
    expect(await verify([SECRET, `whpk_${raw}`], `v1a,${signed}`)).toBeUndefined();
    expect(await verify([SECRET, `whpk_${raw}`], `v1,${hmac}`)).toBeUndefined();
    expect(await verify([`whpk_${raw}`], `v1,${hmac} v1a,${signed}`)).toBeUndefined();
    expect(await verify([`whpk_${raw}`], `v1,${signed}`)).toEqual(REFUSED);
    expect(await verify([SECRET], `v1a,${signed}`)).toEqual(REFUSED);
    // The public key is known to all: nobody may sign with it as if it were a secret.
    const withPublicKey = signHmac(Buffer.from(raw, 'base64'), [`msg.${seconds}.${body}`], { encoding: 'base64' });
    expect(await verify([`whpk_${raw}`], `v1,${withPublicKey}`)).toEqual(REFUSED);
    expect(await verify([`whpk_${raw}`], `${'v1a,AAAA '.repeat(10)}v1a,${signed}`)).toEqual(REFUSED);
  });

  it.each([
    ['no base64', 'a secret, not base64!'],
    ['the secret key', `whsk_${Buffer.alloc(64).toString('base64')}`],
    ['a public key that is too short', `whpk_${Buffer.alloc(31).toString('base64')}`],
    ['a public key that is no base64', 'whpk_*'],
  ])('WH3: cannot be checked with %s', (_, secret) => {
    expect(() => standardWebhooks(options, [secret])).toThrow(expect.objectContaining({ code: 'SECRET_FORMAT' }));
    expect(() => standardWebhooks(options, [secret])).not.toThrow(secret);
  });
});

describe('events of Standard Webhooks', () => {
  const read = (payload: unknown) =>
    readStandardWebhook(request({ headers: headersOf('msg_1', 0, ''), body: JSON.stringify(payload) }));

  it('are of the type in the body', () => {
    const payload = { type: 'user.created', timestamp: '2022-11-03T20:26:10.344522Z', data: { id: 1 } };
    expect(read(payload)).toEqual({
      id: 'msg_1',
      events: [{ type: 'standard-webhooks.user.created', id: 'msg_1', time: payload.timestamp, data: payload }],
    });
  });

  it('are received where the body says no type', () => {
    for (const type of [undefined, '', 7, 'with spaces', 'x'.repeat(256)]) {
      expect(read({ type, test: 1 }).events[0]?.type).toBe('standard-webhooks.received');
    }
    expect(read({ type: 'headwater.gap' }).events[0]?.type).toBe('standard-webhooks.headwater.gap');
  });

  it('cannot be read from what is no object', () => {
    expect(() => read([1])).toThrow(expect.objectContaining({ code: 'WEBHOOK_PAYLOAD' }));
  });
});
