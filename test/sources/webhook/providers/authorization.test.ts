import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProviderFactory } from '../../../../src/sources/webhook/provider.js';
import { type ProviderName, providers } from '../../../../src/sources/webhook/providers/index.js';
import { type RequestFields, unread } from './request.js';

const basic = (secret: string): RequestFields =>
  header('authorization', `Basic ${Buffer.from(secret).toString('base64')}`);
const bearer = (secret: string): RequestFields => header('authorization', `Bearer ${secret}`);

function header(name: string, value: string): RequestFields {
  return { headers: { [name]: value } };
}

interface Way {
  readonly provider: ProviderName;
  readonly options: object;
  /** A request that shows the secret. */
  show(secret: string): RequestFields;
  /** Where it is shown, if that is a header. */
  readonly header?: string;
}

/** Every provider whose sender shows a secret instead of signing with it, in every way in which it may. */
const WAYS: readonly (readonly [string, Way])[] = [
  ['alertmanager, bearer', { provider: 'alertmanager', options: {}, show: bearer, header: 'authorization' }],
  [
    'alertmanager, basic',
    { provider: 'alertmanager', options: { auth: { scheme: 'basic' } }, show: basic, header: 'authorization' },
  ],
  ['jenkins, basic', { provider: 'jenkins', options: {}, show: basic, header: 'authorization' }],
  [
    'jenkins, bearer',
    { provider: 'jenkins', options: { auth: { scheme: 'bearer' } }, show: bearer, header: 'authorization' },
  ],
  [
    'jenkins, query',
    {
      provider: 'jenkins',
      options: { auth: { scheme: 'query', parameter: 'key' } },
      show: (secret) => ({ url: `/?a=b&key=${encodeURIComponent(secret)}` }),
    },
  ],
  ['cloudevents, bearer', { provider: 'cloudevents', options: {}, show: bearer, header: 'authorization' }],
  [
    'cloudevents, basic',
    { provider: 'cloudevents', options: { auth: { scheme: 'basic' } }, show: basic, header: 'authorization' },
  ],
  [
    'cloudevents, access_token',
    {
      provider: 'cloudevents',
      options: {},
      show: (secret) => ({ url: `/?access_token=${encodeURIComponent(secret)}` }),
    },
  ],
  [
    'gitlab, token',
    { provider: 'gitlab', options: {}, show: (secret) => header('x-gitlab-token', secret), header: 'x-gitlab-token' },
  ],
  [
    'generic, key',
    {
      provider: 'generic',
      options: { auth: { scheme: 'key' } },
      show: (secret) => header('x-api-key', secret),
      header: 'x-api-key',
    },
  ],
  [
    'generic, bearer',
    { provider: 'generic', options: { auth: { scheme: 'bearer' } }, show: bearer, header: 'authorization' },
  ],
  [
    'generic, basic',
    { provider: 'generic', options: { auth: { scheme: 'basic' } }, show: basic, header: 'authorization' },
  ],
];

const [OLD, NEW] = ['user:old-secret', 'user:new-secret+/='];

describe.each(WAYS)('a secret that is shown: %s', (_, way) => {
  const create = (secrets: readonly string[]) => {
    const { options, create: factory } = providers[way.provider];
    return (factory as unknown as ProviderFactory<unknown>)(options.parse(way.options), secrets);
  };
  const refused = { reason: expect.not.stringMatching(/old-secret|new-secret/) };

  it('WH3: is believed in its whole length, and nothing else is', async () => {
    const provider = create([NEW]);
    expect(await provider.verify(unread(way.show(NEW)))).toBeUndefined();
    for (const other of ['', 'user:', NEW.slice(0, -1), `${NEW}x`, NEW.toUpperCase(), OLD]) {
      expect(await provider.verify(unread(way.show(other)))).toMatchObject(refused);
    }
    expect(await provider.verify(unread({}))).toMatchObject(refused);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (other) => {
        fc.pre(other !== NEW);
        expect(await provider.verify(unread(way.show(other)))).toMatchObject(refused);
      }),
    );
  });

  it('WH3: is not believed twice, nor with a byte flipped', async () => {
    const provider = create([NEW]);
    const { headers = {} } = way.show(NEW);
    for (const [name, value] of Object.entries(headers)) {
      const bytes = Buffer.from(String(value), 'latin1');
      expect(await provider.verify(unread({ headers: { [name]: [String(value), String(value)] } }))).toMatchObject(
        refused,
      );
      for (let at = bytes.indexOf(' ') + 1; at < bytes.length; at += 1) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] as number) ^ 1;
        expect(await provider.verify(unread(header(name, flipped.toString('latin1'))))).toMatchObject(refused);
      }
    }
  });

  it('WH3: never makes it throw', async () => {
    const provider = create([NEW]);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (value, url) => {
        const fields = { url, headers: { [way.header ?? 'x-other']: value } };
        expect(await provider.verify(unread(fields))).toMatchObject(refused);
      }),
    );
  });

  it('WH4: may be the old one while it is replaced', async () => {
    const both = create([NEW, OLD]);
    for (const secret of [NEW, OLD]) expect(await both.verify(unread(way.show(secret)))).toBeUndefined();
    expect(await create([NEW]).verify(unread(way.show(OLD)))).toMatchObject(refused);
  });

  it('WH3: is needed', () => {
    for (const secrets of [[], [''], [NEW, '']]) {
      expect(() => create(secrets)).toThrow(expect.objectContaining({ code: 'SECRET_EMPTY' }));
    }
  });
});
