import { FatalError } from 'headwater';
import { MockAgent } from 'undici';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { bearer } from '../../../src/toolkit/http/credentials.js';
import { answer, clientOf, failureOf, json, serve } from './test-server.js';

const TOKEN = 'planted-sentinel-token';

/** A server that redirects each path in a table, and says back what it was sent otherwise. */
function redirecting(table: Readonly<Record<string, [status: number, location: string]>>) {
  return serve((request, response) => {
    const found = table[request.url ?? ''];
    if (found !== undefined) return answer(response, found[0], { location: found[1] });
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () =>
      json(response, { method: request.method, url: request.url, headers: request.headers, body }),
    );
  });
}

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('%i within the origin is followed with the credentials', async (status) => {
    const server = await redirecting({ '/a': [status, '/b?x=1'] });
    const response = await clientOf(server, { credentials: bearer(new Secret(TOKEN)) }).request({ url: 'a' });
    expect(response.json()).toMatchObject({ url: '/b?x=1', headers: { authorization: `Bearer ${TOKEN}` } });
    expect(response.url).toBe(`${server.origin}/b?x=1`);
  });

  it('GH6: tells where it moved for good, up to the first redirect that is for now', async () => {
    const server = await redirecting({ '/a': [301, '/b'], '/b': [308, '/c'], '/c': [302, '/d'], '/e': [307, '/a'] });
    const client = clientOf(server);
    expect((await client.request({ url: 'a' })).movedTo).toBe(`${server.origin}/c`);
    expect((await client.request({ url: 'e' })).movedTo).toBeUndefined();
    expect((await client.request({ url: 'd' })).movedTo).toBeUndefined();
  });

  it('RP1: to another origin takes no credentials along, of whatever name, nor back', async () => {
    const table: Record<string, [number, string]> = {};
    const evil = await redirecting(table);
    const server = await redirecting({ '/a': [302, `${evil.origin}/b`] });
    const credentials = { ...bearer(new Secret(TOKEN)), query: () => ({ api_key: TOKEN }) };
    const headers = { cookie: TOKEN, 'x-api-key': TOKEN, 'private-token': TOKEN, 'x-unheard-of': TOKEN, accept: 'a/b' };
    const client = clientOf(server, { credentials, headers });
    // Only the query that the redirect itself names.
    const direct = await serve((_, response) => answer(response, 302, { location: `${evil.origin}/b` }));
    const response = await clientOf(direct, { credentials, headers }).request({ url: 'a' });
    expect(response.text()).not.toContain(TOKEN);
    expect(response.json()).toMatchObject({ url: '/b', headers: { accept: 'a/b', 'user-agent': 'headwater' } });
    table['/b'] = [302, `${server.origin}/c`];
    const back = await clientOf(direct, { credentials, headers }).request({ url: 'a' });
    expect(back.url).toBe(`${server.origin}/c`);
    expect(back.text()).not.toContain(TOKEN);
    await client.close();
  });

  it('RP1: from https to http is refused', async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent
      .get('https://example.com')
      .intercept({ path: '/a' })
      .reply(302, '', { headers: { location: 'http://example.com/b' } });
    const error = await failureOf(
      clientOf({ origin: 'https://example.com' }, { dispatcher: agent }).request({ url: 'a' }),
    );
    expect(error).toMatchObject({ name: 'FatalError', code: 'HTTP_REDIRECT' });
    expect(error.message).toContain('from https to http');
    await agent.close();
  });

  it('RP1: is followed five times, and no more', async () => {
    const server = await redirecting(Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`/${n}`, [302, `/${n + 1}`]])));
    expect((await clientOf(server).request({ url: '2' })).url).toBe(`${server.origin}/7`);
    expect(await failureOf(clientOf(server).request({ url: '1' }))).toMatchObject({ code: 'HTTP_REDIRECT' });
    expect(server.asked).toHaveLength(6 + 6);
    expect(await failureOf(clientOf(server, { maxRedirects: 0 }).request({ url: '6' }))).toBeInstanceOf(FatalError);
  });

  it('in a circle ends', async () => {
    const server = await redirecting({ '/a': [302, '/b'], '/b': [302, '/a'] });
    expect(await failureOf(clientOf(server).request({ url: 'a' }))).toMatchObject({ code: 'HTTP_REDIRECT' });
  });

  it.each(['ftp://example.com/', 'javascript:alert(1)', 'http://[', 'file:///etc/passwd'])(
    'to %s is refused',
    async (location) => {
      const server = await redirecting({ '/a': [302, location] });
      expect(await failureOf(clientOf(server).request({ url: 'a' }))).toMatchObject({ code: 'HTTP_REDIRECT' });
    },
  );

  it('of a POST: 303 reads, 307 and 308 post again, 301 and 302 are refused, and a body stays at its origin', async () => {
    const other = await redirecting({});
    const server = await redirecting({
      '/303': [303, '/x'],
      '/307': [307, '/x'],
      '/308': [308, '/x'],
      '/301': [301, '/x'],
      '/302': [302, '/x'],
      '/away': [307, `${other.origin}/x`],
    });
    const post = (url: string) => clientOf(server).request({ url, method: 'POST', body: 'secret=1' });
    expect((await post('303')).json()).toMatchObject({ method: 'GET', body: '' });
    expect((await post('307')).json()).toMatchObject({ method: 'POST', body: 'secret=1' });
    expect((await post('308')).json()).toMatchObject({ method: 'POST', body: 'secret=1' });
    for (const url of ['301', '302', 'away'])
      expect(await failureOf(post(url))).toMatchObject({ code: 'HTTP_REDIRECT' });
    expect(other.asked).toEqual([]);
  });

  it('shows no secrets of its Location', async () => {
    const server = await redirecting({ '/a': [302, `ftp://me:${TOKEN}@example.com/?access_token=${TOKEN}`] });
    expect((await failureOf(clientOf(server).request({ url: 'a' }))).message).not.toContain(TOKEN);
    const https = new MockAgent();
    https
      .get('https://example.com')
      .intercept({ path: '/a' })
      .reply(302, '', {
        headers: { location: `http://me:${TOKEN}@example.com/?access_token=${TOKEN}` },
      });
    const error = await failureOf(
      clientOf({ origin: 'https://example.com' }, { dispatcher: https }).request({ url: 'a' }),
    );
    expect(error.message).not.toContain(TOKEN);
  });
});
