import type { WebhookCredentials, WebhookEndpointInput } from 'headwater/sources/webhook';
import { FakeClock, RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { signHmac } from '../../../src/toolkit/signature.js';
import { requestBytes } from './raw-client.js';
import { consume, createSource, request, startSource, takeEvents } from './receiving.js';

type Generic = Omit<Extract<WebhookEndpointInput, { provider: 'generic' }>, 'provider'>;

function start(endpoint: Generic, secret: WebhookCredentials[string] | undefined, clock?: FakeClock) {
  const credentials = secret === undefined ? ('anonymous' as const) : { api: secret };
  const endpoints = { api: { provider: 'generic' as const, ...endpoint } };
  return startSource({ endpoints }, { credentials, ...(clock && { clock }) });
}

const post = (body: string, headers: [string, string][] = [], path = '/api'): Buffer =>
  requestBytes(path, body, headers);

describe('provider generic', () => {
  it.each([
    ['key', { scheme: 'key' }, ['X-Api-Key', 'k:k'], ['X-Api-Key', 'K:k']],
    ['key in a header of choice', { scheme: 'key', header: 'X-Mine' }, ['x-mine', 'k:k'], ['x-api-key', 'k:k']],
    ['bearer', { scheme: 'bearer' }, ['Authorization', 'bearer k:k'], ['Authorization', 'Basic k:k']],
    [
      'basic',
      { scheme: 'basic' },
      ['Authorization', `Basic ${btoa('k:k')}`],
      ['Authorization', `Basic ${btoa('k:K')}`],
    ],
    [
      'hmac',
      { scheme: 'hmac', header: 'x-sig', algorithm: 'sha512', encoding: 'base64', prefix: 'v1,' },
      ['X-Sig', `v1,${signHmac('k:k', ['hi'], { algorithm: 'sha512', encoding: 'base64' })}`],
      ['X-Sig', signHmac('k:k', ['hi'], { algorithm: 'sha512', encoding: 'base64' })],
    ],
  ] as const)(
    'WH3, WH4: %s: right, wrong, missing, twice, and with any of several secrets',
    async (_, auth, right, wrong) => {
      const { source, port } = await start({ auth }, ['an:other', 'k:k']);
      const { ids } = consume(source);
      const header = [...right] as [string, string];
      expect((await request(port, post('hi', [header])))?.status).toBe(202);
      expect((await request(port, post('hi', [[...wrong] as [string, string]])))?.status).toBe(401);
      expect((await request(port, post('hi')))?.status).toBe(401);
      expect((await request(port, post('hi', [header, header])))?.status).toBe(401);
      expect(ids).toHaveLength(1);
    },
  );

  it('WH5: a time that is signed holds within the tolerance, both ways', async () => {
    const clock = new FakeClock(1_700_000_000_000);
    const auth = { scheme: 'hmac', header: 'x-sig', timestamp: { header: 'x-time' } } as const;
    const { source, port } = await start({ auth }, 'k', clock);
    consume(source);
    const at = async (time: string, signed = time): Promise<number | undefined> => {
      const headers: [string, string][] = [
        ['X-Time', time],
        ['X-Sig', signHmac('k', [`${signed}.hi`])],
      ];
      return (await request(port, post('hi', headers)))?.status;
    };
    expect(await Promise.all(['1700000000', '1700000300', '1699999700'].map((time) => at(time)))).toEqual([
      202, 202, 202,
    ]);
    expect(await Promise.all(['1700000301', '1699999699', 'now'].map((time) => at(time)))).toEqual([401, 401, 401]);
    expect(await at('1700000001', '1700000000')).toBe(401);
  });

  it('tells path, query, headers that are asked for, and the body in its form', async () => {
    const endpoint = {
      auth: { scheme: 'none' as const },
      path: '/sites/:site/sync',
      headers: ['X-Version'],
      type: 'site.sync',
    };
    const { source, port } = await start(endpoint, undefined);
    const path = '/sites/a%20b/sync?full=1';
    const bodies: [string, string][] = [
      ['application/json; charset=utf-8', '{"n":1}'],
      ['application/problem+json', '[1]'],
      ['application/x-www-form-urlencoded', 'a=1&b=2&b=3'],
      ['text/plain', 'é'],
    ];
    const events = takeEvents(source, bodies.length + 1);
    for (const [type, body] of bodies) {
      const headers: [string, string][] = [
        ['Content-Type', type],
        ['X-Version', '2'],
        ['X-Other', '3'],
      ];
      expect((await request(port, post(body, headers, path)))?.status).toBe(202);
    }
    const bytes = Buffer.from([0xff, 0x00]);
    expect((await request(port, requestBytes(path, bytes)))?.status).toBe(202);
    const received = await events;
    expect(received.map(({ data }) => data)).toMatchObject([
      { body: { n: 1 }, form: 'json', params: { site: 'a b' }, query: { full: '1' }, headers: { 'x-version': '2' } },
      { body: [1], form: 'json' },
      { body: { a: '1', b: ['2', '3'] }, form: 'form' },
      { body: 'é', form: 'text' },
      { body: bytes.toString('base64'), form: 'base64' },
    ]);
    expect(new Set(received.map(({ type }) => type))).toEqual(new Set(['site.sync']));
    expect(new Set(received.map(({ id }) => id)).size).toBe(5);
  });

  it('ids: by a header, by the body, or one for each request', async () => {
    const auth = { scheme: 'none' } as const;
    const send = async (id: Generic['id'], headers: [string, string][]): Promise<(number | undefined)[]> => {
      const { source, port } = await start({ auth, id }, undefined);
      consume(source);
      return Promise.all([0, 1].map(async () => (await request(port, post('same', headers)))?.status));
    };
    expect((await send('receipt', [])).sort()).toEqual([202, 202]);
    const { source, port } = await start({ auth, id: 'body' }, undefined);
    consume(source);
    expect((await request(port, post('same')))?.status).toBe(202);
    expect((await request(port, post('same')))?.status).toBe(200);
    expect((await request(port, post('other')))?.status).toBe(202);
  });

  it('a body that is not of the schema is 422 with the list of problems', async () => {
    const schema = z.object({ modules: z.array(z.object({ name: z.string(), version: z.string() })).min(1) });
    const { source, port } = await start({ auth: { scheme: 'none' }, schema }, undefined);
    consume(source);
    const type: [string, string] = ['Content-Type', 'application/json'];
    const answer = await request(port, post('{"modules":[{"name":"a","version":1}]}', [type]));
    expect(answer?.status).toBe(422);
    expect(JSON.parse(answer?.body ?? '')).toEqual({
      error: 'the body is not what is expected',
      problems: [{ path: 'modules.0.version', message: expect.stringContaining('string') }],
    });
    expect((await request(port, post('{"modules":', [type])))?.status).toBe(400);
    expect((await request(port, post('{"modules":[{"name":"a","version":"1"}]}', [type])))?.status).toBe(202);
  });

  it('so many requests of one key within a time: 429 and when to come again; others are not held up', async () => {
    const clock = new FakeClock(0);
    const rateLimit = { requests: 2, perMs: 60_000 };
    const { source, port } = await start({ auth: { scheme: 'key' }, rateLimit }, ['one', 'two'], clock);
    consume(source);
    const send = (key: string) => request(port, post('hi', [['X-Api-Key', key]]));
    expect((await send('one'))?.status).toBe(202);
    await clock.advance(10_000);
    expect((await send('one'))?.status).toBe(202);
    expect(await send('one')).toMatchObject({ status: 429, headers: { 'retry-after': '50' } });
    expect((await send('wrong'))?.status).toBe(401);
    expect((await send('two'))?.status).toBe(202);
    await clock.advance(50_001);
    expect((await send('one'))?.status).toBe(202);
    expect((await send('one'))?.status).toBe(429);
  });

  it('so many requests of one path', async () => {
    const rateLimit = { requests: 1, perMs: 60_000, by: 'path' as const };
    const { source, port } = await start({ auth: { scheme: 'none' }, rateLimit, path: '/sites/:site' }, undefined);
    consume(source);
    const send = async (site: string) => (await request(port, post('hi', [], `/sites/${site}`)))?.status;
    expect([await send('a'), await send('a'), await send('b')]).toEqual([202, 429, 202]);
  });
});

describe('configuration', () => {
  const create = (config: object, credentials?: unknown) =>
    createSource({ server: undefined, ...config } as never, { credentials } as never);

  it.each([
    ['no endpoint', { endpoints: {} }, undefined, /at least one endpoint/],
    ['a sender that is unknown', { endpoints: { a: { provider: 'gitbucket' } } }, undefined, /endpoints\.a/],
    [
      'a misspelt key',
      { endpoints: { a: { provider: 'github', pth: '/x' } } },
      { a: 's' },
      /pth is not a known key.*path/,
    ],
    ['no secret', { endpoints: { a: { provider: 'github' } } }, undefined, /github needs a secret, and credentials\.a/],
    ['an empty secret', { endpoints: { a: { provider: 'github' } } }, { a: '' }, /must not be empty/],
    ['an empty list of secrets', { endpoints: { a: { provider: 'github' } } }, { a: [] }, /credentials\.a/],
    [
      'a secret that is undefined',
      { endpoints: { a: { provider: 'github' } } },
      { a: undefined },
      /credentials\.a is undefined/,
    ],
    [
      'a secret for nobody',
      { endpoints: { a: { provider: 'github' } } },
      { a: 's', b: 's' },
      /credentials\.b belongs to no endpoint/,
    ],
    [
      'a secret that nobody asks for',
      { endpoints: { a: { provider: 'generic', auth: { scheme: 'none' } } } },
      { a: 's' },
      /credentials that nobody would ask for/,
    ],
    [
      'two endpoints of one path',
      { endpoints: { a: { provider: 'github', path: '/:x/y' }, b: { provider: 'github', path: '/:z/y' } } },
      { a: 's', b: 's' },
      /"a" and "b" have the same path/,
    ],
    [
      'a path that is none',
      { endpoints: { a: { provider: 'github', path: 'hooks?x' } } },
      { a: 's' },
      /expected a path/,
    ],
    [
      'a type of ours',
      { endpoints: { a: { provider: 'generic', auth: { scheme: 'none' }, type: 'headwater.x' } } },
      undefined,
      /reserved/,
    ],
    ['a provider that is none', { endpoints: { a: { provider: { name: 'x' } } } }, undefined, /endpoints\.a/],
  ])('%s is a ConfigError', async (_, config, credentials, message) => {
    const error: unknown = await create(config, credentials).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ConfigError', sourceId: 'test' });
    expect(String(error)).toMatch(message);
  });

  it('is JSON, but for objects and functions', async () => {
    const config = {
      server: { port: 0, tls: { certFile: 'cert.pem', keyFile: 'key.pem' } },
      endpoints: { a: { provider: 'github', path: '/a' }, b: { provider: 'generic', auth: { scheme: 'none' } } },
      spool: { dir: '/var/lib/hooks', maxBytes: 1_000_000 },
      allow: ['10.0.0.0/8'],
    };
    const source = await create(JSON.parse(JSON.stringify(config)), { a: 's' });
    expect(source.config.endpoints['a']).toMatchObject({ provider: 'github', path: '/a' });
  });

  it('says which senders lose what is not taken, and who is not asked for a secret', async () => {
    const logger = new RecordingLogger();
    const endpoints = {
      a: { provider: 'github' as const },
      b: { provider: 'generic' as const, auth: { scheme: 'none' as const } },
    };
    await createSource({ endpoints, server: undefined }, { logger, credentials: { a: 's' } });
    expect(logger.lines.map(({ level, message }) => [level, message?.split(';')[0]])).toEqual([
      ['warn', 'webhook: github sends each delivery once'],
      ['warn', 'webhook: anybody who reaches this endpoint can send to it (auth none)'],
    ]);
  });
});
