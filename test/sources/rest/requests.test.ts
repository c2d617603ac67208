import { type RestConfigInput, RestSource } from 'headwater/sources/rest';
import { RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.js';
import { send } from '../../services/rest-api.js';
import { Host, startApi } from './support.js';

/** A clock in which waits are short. */
function hurried(now: () => number): Clock {
  return {
    now,
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / 100, signal),
  };
}

describe('RP4', () => {
  const ways: Record<string, NonNullable<RestConfigInput['pagination']>> = {
    link: { by: 'link' },
    url: { by: 'url', next: '$.next' },
    cursor: { by: 'cursor', next: '$.next', parameter: 'cursor' },
    page: { by: 'page', size: { parameter: 'per_page', value: 3 } },
    offset: { by: 'offset' },
  };
  it.each(Object.keys(ways))('pages by %s are all read', async (by) => {
    const api = await startApi();
    api.paging = by as typeof api.paging;
    for (let id = 1; id <= 8; id += 1) api.put({ id });
    const isPlain = ['link', 'page', 'offset'].includes(by);
    const host = new Host(api, { pagination: ways[by], ...(!isPlain && { items: '$.items[*]' }) });
    expect(await host.told()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((id) => `created ${id}`));
    expect(await host.told()).toEqual([]);
  });

  it('an empty page with a next one is no end', async () => {
    const api = await startApi();
    api.paging = 'cursor';
    for (let id = 1; id <= 6; id += 1) api.put({ id });
    api.fail(0, (response) => send(response, 200, { items: [], next: 'c3' }));
    const host = new Host(api, {
      items: '$.items[*]',
      pagination: { by: 'cursor', next: '$.next', parameter: 'cursor' },
    });
    expect(await host.told()).toEqual(['created 4', 'created 5', 'created 6']);
  });

  it('a cursor that comes again, and pages that never change, are an error, and nothing is deleted', async () => {
    const api = await startApi();
    api.paging = 'cursor';
    for (let id = 1; id <= 6; id += 1) api.put({ id });
    const cursors = new Host(api, {
      items: '$.items[*]',
      pagination: { by: 'cursor', next: '$.next', parameter: 'cursor' },
    });
    await cursors.read();
    api.failForGood(0, (response) => send(response, 200, { items: [{ id: 1 }], next: 'c3' }));
    await expect(cursors.read()).rejects.toMatchObject({ code: 'PAGINATION_LOOP' });
    api.heal();
    expect(await cursors.told()).toEqual([]);
    api.failForGood(0, (response) => send(response, 200, [{ id: 1 }, { id: 2 }, { id: 3 }]));
    await expect(new Host(api, { pagination: { by: 'page' } }).read()).rejects.toMatchObject({
      code: 'PAGINATION_LOOP',
    });
  });

  it('too many pages are an error', async () => {
    const api = await startApi();
    api.paging = 'link';
    for (let id = 1; id <= 30; id += 1) api.put({ id });
    await expect(new Host(api, { pagination: { by: 'link' }, maxPages: 4 }).read()).rejects.toMatchObject({
      code: 'PAGINATION_LIMIT',
    });
  });
});

describe('RP1 and RP2', () => {
  it('a key does not go to another origin, by redirect or as the next page', async () => {
    const [api, other] = [await startApi(), await startApi()];
    api.items = [{ id: 1 }];
    const auth = { scheme: 'key', in: 'header', name: 'x-api-key' } as const;
    const credentials = { key: 'the-planted-key' };
    api.fail(0, (response) => void response.writeHead(302, { location: `${other.url}/items` }).end());
    await new Host(api, { auth }, { credentials }).read().catch(() => {});
    api.paging = 'link';
    api.pageSize = 1;
    api.put({ id: 2 });
    api.nextOrigin = other.url;
    await expect(new Host(api, { auth, pagination: { by: 'link' } }, { credentials }).read()).rejects.toMatchObject({
      code: 'PAGINATION_ORIGIN',
    });
    expect(JSON.stringify(other.requests)).not.toContain('planted');
    expect(api.requests.every(({ headers }) => headers['x-api-key'] === 'the-planted-key')).toBe(true);
  });

  const inner = [
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '10.0.0.1',
    '0.0.0.0',
    'localhost',
    '[fd00::1]',
  ];
  it.each(inner)('%s is not connected to unless it was allowed', async (name) => {
    const source = await RestSource.create({ id: 'test', config: { url: `http://${name}:1/items` } });
    await expect(source.generateEvents().next()).rejects.toMatchObject({ code: 'HTTP_ADDRESS_REFUSED' });
    await source.close();
  });

  it('nor is it by a redirect, or for a token', async () => {
    const api = await startApi();
    api.fail(
      0,
      (response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
    );
    await expect(new Host(api).read()).rejects.toMatchObject({ code: 'HTTP_ADDRESS_REFUSED' });
    const auth = { scheme: 'oauth2', tokenUrl: 'http://10.0.0.1/token' } as const;
    const credentials = { clientId: 'c', clientSecret: 's' };
    await expect(new Host(api, { auth }, { credentials }).read()).rejects.toMatchObject({
      code: 'HTTP_ADDRESS_REFUSED',
    });
  });
});

describe('RP3', () => {
  it('what passes is tried again; a POST is not, unless it only reads', async () => {
    const api = await startApi();
    api.items = [{ id: 1 }];
    const clock = hurried(() => Date.now());
    api.fail(0, (response) => void response.writeHead(503).end());
    expect(await new Host(api, {}, { clock }).told()).toEqual(['created 1']);
    for (const idempotent of [undefined, true]) {
      api.fail(0, (response) => void response.writeHead(503).end());
      const host = new Host(api, { method: 'POST', body: { all: true }, ...(idempotent && { idempotent }) }, { clock });
      const reading = host.told();
      if (idempotent) expect(await reading).toEqual(['created 1']);
      else await expect(reading).rejects.toMatchObject({ code: 'HTTP_UNAVAILABLE' });
    }
    expect(api.requests.at(-1)).toMatchObject({
      body: '{"all":true}',
      headers: { 'content-type': 'application/json' },
    });
  });
});

describe('RP7', () => {
  const oauth2 = (url: string, more = {}) => ({
    scheme: 'oauth2' as const,
    tokenUrl: `${url}/token`,
    skewMs: 1_000,
    ...more,
  });
  const credentials = { clientId: 'the-client', clientSecret: 'planted-secret' };

  it('one token for all requests, renewed before it expires', async () => {
    const api = await startApi();
    api.authorization = () => 'nobody';
    api.paging = 'link';
    api.pageSize = 1;
    for (let id = 1; id <= 20; id += 1) api.put({ id });
    let now = Date.now();
    const clock = hurried(() => now);
    const host = new Host(api, { auth: oauth2(api.url), pagination: { by: 'link' } }, { credentials, clock });
    api.tokenLifeSeconds = 10;
    const source = await host.source();
    for await (const _event of source.generateEvents()) now += 1_000;
    await source.close();
    // 20 s in lives of 10 less the second before.
    expect(api.tokenRequests.length).toBeGreaterThan(1);
    expect(api.tokenRequests.length).toBeLessThan(5);
    expect(api.tokenRequests[0]?.get('grant_type')).toBe('client_credentials');
    expect(api.requests).toHaveLength(20);
  });

  it('a token that is refused is renewed once, and the request sent once more', async () => {
    const api = await startApi();
    api.authorization = () => 'nobody';
    api.paging = 'link';
    api.pageSize = 1;
    for (let id = 1; id <= 3; id += 1) api.put({ id });
    api.fail(1, () => api.revoke());
    const host = new Host(api, { auth: oauth2(api.url), pagination: { by: 'link' } }, { credentials });
    expect(await host.told()).toHaveLength(3);
    expect(api.tokenRequests).toHaveLength(2);
    api.failForGood(0, (response) => send(response, 401, {}));
    await expect(host.read()).rejects.toMatchObject({ name: 'AuthenticationError' });
    expect(api.tokenRequests).toHaveLength(4);
  });

  it('a client that is not let in is not tried again, and nothing of it is told', async () => {
    const api = await startApi();
    api.authorization = () => 'nobody';
    api.tokenStatus = 401;
    const logger = new RecordingLogger();
    const host = new Host(api, { auth: oauth2(api.url) }, { credentials, logger });
    const error = await host.read().catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: 'AuthenticationError', code: 'REST_TOKEN' });
    expect(api.tokenRequests).toHaveLength(1);
    const told = `${String(error)} ${JSON.stringify(logger.lines)} ${JSON.stringify(error)}`;
    expect(told).not.toMatch(/planted|token-1/);
  });

  it('a refresh token that is replaced is used, and handed to the host', async () => {
    const api = await startApi();
    api.authorization = () => 'nobody';
    api.items = [{ id: 1 }];
    const kept: string[] = [];
    const own = { ...credentials, refreshToken: 'refresh-0', onRefreshToken: (token: string) => kept.push(token) };
    const auth = oauth2(api.url, { grant: 'refresh_token', client: 'form' });
    const source = await new Host(api, { auth }, { credentials: own }).source();
    api.fail(0, () => api.revoke());
    for await (const _event of source.generateEvents());
    await source.close();
    expect(api.tokenRequests.map((form) => form.get('refresh_token'))).toEqual(['refresh-0', 'refresh-1']);
    expect(kept).toEqual(['refresh-1', 'refresh-2']);
    expect(api.tokenRequests[0]?.get('client_secret')).toBe('planted-secret');
  });
});

describe('RP8', () => {
  const answers: Record<string, [Parameters<Awaited<ReturnType<typeof startApi>>['fail']>[1], string]> = {
    'a login page with 200': [
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>'),
      'HTTP_NOT_JSON',
    ],
    'an error in place of the list': [(response) => send(response, 200, { error: 'try later' }), 'REST_ITEM'],
    'another shape': [(response) => send(response, 200, 'nothing'), 'REST_ITEMS'],
    'an item without an id': [(response) => send(response, 200, [{ name: 'x' }]), 'REST_ITEM'],
    'an answer of 30 MB': [
      (response) => send(response, 200, [{ id: 1, x: 'x'.repeat(30_000_000) }]),
      'HTTP_BODY_TOO_LARGE',
    ],
  };
  it.each(Object.keys(answers))('%s is an error, and nothing is deleted', async (name) => {
    const [answer, code] = answers[name] as (typeof answers)[string];
    const api = await startApi();
    api.items = [{ id: 1 }, { id: 2 }];
    const host = new Host(api, { maxBodyBytes: 1_000_000 });
    await host.read();
    api.fail(0, answer);
    await expect(host.read()).rejects.toMatchObject({ code });
    expect(await host.told()).toEqual([]);
  });
});

describe('configuration', () => {
  it('paths of names, indexes and wildcards need no package; filters are those of RFC 9535', async () => {
    const api = await startApi();
    api.failForGood(0, (response) =>
      send(response, 200, {
        data: [
          {
            list: [
              { key: { 'the id': 'a' }, on: true },
              { key: { 'the id': 'b' }, on: false },
            ],
          },
        ],
      }),
    );
    const id = "$.key['the id']";
    expect(await new Host(api, { items: '$.data[0].list[*]', id }).told()).toEqual(['created a', 'created b']);
    expect(await new Host(api, { items: '$.data[*].list[?@.on==true]', id }).told()).toEqual(['created a']);
    const found = { items: (body: unknown) => (body as { data: [{ list: unknown[] }] }).data[0].list, id };
    expect(await new Host(api, found).told()).toEqual(['created a', 'created b']);
  });

  it('paths that are none, or may take for ever, are refused', async () => {
    const api = await startApi();
    for (const items of ['$.a[', "$[?match(@.a, '(a+)+')]"]) {
      await expect(new Host(api, { items }).read()).rejects.toMatchObject({ code: 'REST_PATH' });
    }
  });

  it('names in the URL are filled in, and cannot leave their place', async () => {
    const api = await startApi();
    api.failForGood(0, (response) => send(response, 200, []));
    const host = new Host(api, { url: `${api.url}/shops/{shop}/items`, parameters: { shop: '../../admin?x=1#' } });
    await host.read();
    expect(api.requests[0]?.url.pathname).toBe('/shops/%2E%2E%2F%2E%2E%2Fadmin%3Fx%3D1%23/items');
  });

  it('auth and credentials that do not belong together are told', async () => {
    const config = { url: 'https://api.example.com/items' };
    const create = (more: object, credentials?: object) =>
      RestSource.create({ id: 'test', config: { ...config, ...more }, ...(credentials && { credentials }) } as never);
    await expect(create({ auth: { scheme: 'bearer' } })).rejects.toMatchObject({ code: 'REST_AUTH' });
    await expect(create({}, { key: 'k' })).rejects.toMatchObject({ code: 'REST_AUTH' });
    const oauth2 = { scheme: 'oauth2', tokenUrl: 'https://a.example.com/t', grant: 'refresh_token' };
    await expect(create({ auth: oauth2 }, { clientId: 'c', clientSecret: 's' })).rejects.toMatchObject({
      code: 'REST_AUTH',
    });
    await expect(create({ url: 'https://api.example.com/{shop}/items' })).rejects.toThrow(/braces/);
    await expect(create({ url: 'https://me:planted@h/', pages: 1 })).rejects.toThrow(/credentials.*|pagination/s);
  });

  it('keys in the query are in no message', async () => {
    const api = await startApi();
    api.failForGood(0, (response) => send(response, 403, {}));
    const logger = new RecordingLogger();
    const auth = { scheme: 'key', in: 'query', name: 'api_key' } as const;
    const host = new Host(api, { auth }, { credentials: { key: 'planted-key' }, logger });
    const error = await host.read().catch((reason: Error) => reason);
    expect(api.requests[0]?.url.searchParams.get('api_key')).toBe('planted-key');
    expect(`${String(error)} ${JSON.stringify(logger.lines)}`).not.toContain('planted');
  });

  it('validate() says whether there are items, and what is in the way', async () => {
    const api = await startApi();
    const source = await new Host(api).source();
    expect(await source.validate()).toMatchObject({ ok: true, problems: [{ code: 'REST_EMPTY' }] });
    api.items = [{ id: 1 }];
    expect(await source.validate()).toEqual({ ok: true, problems: [] });
    api.failForGood(0, (response) => send(response, 404, {}));
    expect(await source.validate()).toMatchObject({ ok: false });
    await source.close();
  });
});
