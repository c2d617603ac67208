import { sign } from '@octokit/webhooks-methods';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { HmacVerifier, isRecent, SecretVerifier, signHmac } from '../../src/toolkit/signature.js';

const SECRET = "It's a Secret to Everybody";
const HELLO = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';

describe('signatures', () => {
  it('WH1: holds the published example of GitHub, and none with a byte flipped', () => {
    const verifier = new HmacVerifier([SECRET]);
    const body = Buffer.from('Hello, World!');
    expect(verifier.isSigned([body], [HELLO])).toBe(true);
    expect(verifier.isSigned([body], [HELLO.toUpperCase()])).toBe(true);
    for (let at = 0; at < body.length; at += 1) {
      const flipped = Buffer.from(body);
      flipped.writeUInt8((flipped[at] as number) ^ 1, at);
      expect(verifier.isSigned([flipped], [HELLO])).toBe(false);
    }
    for (let at = 0; at < HELLO.length; at += 1) {
      const other = HELLO[at] === '0' ? '1' : '0';
      expect(verifier.isSigned([body], [HELLO.slice(0, at) + other + HELLO.slice(at + 1)])).toBe(false);
    }
  });

  it('WH1: holds the published example of Standard Webhooks, also where only the padding bits differ', () => {
    const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
    const verifier = new HmacVerifier([key], { encoding: 'base64' });
    const parts = ['msg_p5jXN8AQM9LWM0D4loKWxJek', '.', '1614265330', '.', Buffer.from('{"test": 2432232314}')];
    const signature = 'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
    expect(verifier.isSigned(parts, [signature])).toBe(true);
    for (let at = 0; at < signature.length; at += 1) {
      const flipped = String.fromCharCode(signature.charCodeAt(at) ^ 1);
      expect(verifier.isSigned(parts, [signature.slice(0, at) + flipped + signature.slice(at + 1)])).toBe(false);
    }
    expect(verifier.isSigned(parts, [`${signature}\u0000`, ` ${signature}`, signature.slice(0, -1)])).toBe(false);
  });

  it('WH3: is false and never throws for a signature of any shape', () => {
    const verifiers = [
      new HmacVerifier(['a']),
      new HmacVerifier(['a'], { encoding: 'base64' }),
      new HmacVerifier(['a'], { algorithm: 'sha512', encoding: 'base64url' }),
    ];
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.uint8Array(), (signatures, body) => {
        for (const verifier of verifiers) expect(verifier.isSigned([body], signatures)).toBe(false);
      }),
    );
    // U+0137 has the low byte of '7': only the whole character counts.
    expect(new HmacVerifier([SECRET]).isSigned(['Hello, World!'], [`\u0137${HELLO.slice(1)}`])).toBe(false);
  });

  it('WH3: refuses to be made without a secret', () => {
    for (const secrets of [[], [''], ['a', '']]) {
      expect(() => new HmacVerifier(secrets)).toThrow(/missing or empty/);
      expect(() => new SecretVerifier(secrets)).toThrow(expect.objectContaining({ code: 'SECRET_EMPTY' }));
    }
  });

  it('WH4: takes any of the signatures of any of the secrets', () => {
    const [old, next] = [signHmac('old', ['x']), signHmac('new', ['x'])];
    const both = new HmacVerifier(['new', 'old']);
    expect(both.isSigned(['x'], [old])).toBe(true);
    expect(both.isSigned(['x'], ['junk', next])).toBe(true);
    expect(both.isSigned(['x'], ['junk', 'more junk'])).toBe(false);
    expect(new HmacVerifier(['new']).isSigned(['x'], [old])).toBe(false);
  });

  it('agrees with the packages of GitHub and of Standard Webhooks over any body', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    await fc.assert(
      fc.asyncProperty(text, text, async (secret, body) => {
        expect(`sha256=${signHmac(secret, [body])}`).toBe(await sign(secret, body));
        const whsec = Buffer.from(secret).toString('base64');
        const at = new Date(1_700_000_000_000);
        const theirs = new Webhook(whsec).sign('id', at, body);
        const verifier = new HmacVerifier([Buffer.from(secret)], { encoding: 'base64' });
        expect(verifier.isSigned(['id.1700000000.', body], [theirs.slice(3)])).toBe(true);
      }),
    );
  });

  it('compares tokens whole', () => {
    const verifier = new SecretVerifier(['new token', 'old']);
    expect(verifier.isOneOf('new token')).toBe(true);
    expect(verifier.isOneOf('old')).toBe(true);
    for (const other of ['', 'new', 'old ', 'OLD', 'new token\u0000']) expect(verifier.isOneOf(other)).toBe(false);
  });

  it('WH5: takes a time of both directions within the tolerance, and nothing that is no time', () => {
    const now = 1_700_000_000_000;
    for (const seconds of ['1700000000', '1700000300', '1699999700']) {
      expect(isRecent(seconds, now, 300_000)).toBe(true);
    }
    for (const seconds of [
      '1700000301',
      '1699999699',
      '',
      'now',
      '1.7e9',
      '-1700000000',
      '0x6553f100',
      ' 1700000000',
    ]) {
      expect(isRecent(seconds, now, 300_000)).toBe(false);
    }
  });
});
