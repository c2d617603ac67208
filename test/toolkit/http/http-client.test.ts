import { inspect } from 'node:util';
import {
  AuthenticationError,
  ConfigError,
  FatalError,
  NotFoundError,
  PermissionError,
  RateLimitedError,
  RetryableError,
} from 'headwater';
import { RecordingLogger } from 'headwater/testing';
import { MockAgent } from 'undici';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { basic, bearer, type HttpCredentials } from '../../../src/toolkit/http/credentials.js';
import { answer, clientOf, failureOf, HastyClock, json, serve, until } from './test-server.js';

const TOKEN = 'ghp_planted0sentinel0token';

describe('a request', () => {
  it('goes below the path of the origin, with query, default headers and its own', async () => {
    const server = await serve((request, response) => json(response, request.headers));
    const client = clientOf(
      { origin: `${server.origin}/api/v3/` },
      { headers: { Accept: 'application/json', 'x-version': '1' } },
    );
    const response = await client.request({
      url: '/items?a=1',
      query: { b: 'x y', c: undefined },
      headers: { 'X-Version': '2' },
    });
    expect(server.asked).toEqual(['GET /api/v3/items?a=1&b=x+y']);
    expect(response.json()).toMatchObject({ accept: 'application/json', 'x-version': '2', 'user-agent': 'headwater' });
    await client.request({ url: `${server.origin}/elsewhere#part` });
    await client.request({ url: '//evil.example/x' });
    expect(server.asked.slice(1)).toEqual(['GET /elsewhere', 'GET /api/v3/evil.example/x']);
  });

  it('sends a body, and is sent through the dispatcher of the host', async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent.get('https://api.example.com').intercept({ path: '/q', method: 'POST', body: 'ask' }).reply(200, '{"n":1}');
    const client = clientOf({ origin: 'https://api.example.com' }, { dispatcher: agent });
    const response = await client.request({ url: 'q', method: 'post', body: 'ask' });
    expect(response.json()).toEqual({ n: 1 });
    await agent.close();
  });

  it('GH4: never leaves the origin of its credentials, not even for a next page', async () => {
    const evil = await serve((_, response) => json(response, {}));
    const server = await serve((_, response) => json(response, {}));
    const client = clientOf(server, { credentials: bearer(new Secret(TOKEN)) });
    const error = await failureOf(client.request({ url: `${evil.origin}/items` }));
    expect(error).toMatchObject({ name: 'FatalError', code: 'HTTP_OTHER_ORIGIN' });
    expect(evil.asked).toEqual([]);
  });

  it('refuses user info in a URL, what is no URL, and a dispatcher that is none', async () => {
    const server = await serve((_, response) => json(response, {}));
    const client = clientOf(server);
    const withUser = server.origin.replace('://', '://me:hunter2secret@');
    const error = await failureOf(client.request({ url: `${withUser}/x` }));
    expect(error).toMatchObject({ code: 'HTTP_URL' });
    expect(error.message).not.toContain('hunter2secret');
    expect(await failureOf(client.request({ url: 'http://[' }))).toMatchObject({ code: 'HTTP_URL' });
    expect(() => clientOf(server, { dispatcher: {} })).toThrow(ConfigError);
    expect(server.asked).toEqual([]);
  });

  it('counts requests and bytes as they came', async () => {
    const server = await serve((_, response) => answer(response, 200, {}, 'x'.repeat(1_000)));
    const counted: Record<string, number> = {};
    const client = clientOf(server, {
      count: (counter, by) => {
        counted[counter] = (counted[counter] ?? 0) + by;
      },
    });
    await client.request({ url: 'a' });
    await client.request({ url: 'b' });
    expect(counted).toEqual({ requests: 2, bytes: 2_000 });
  });

  it('fails after close, with a code', async () => {
    const server = await serve((_, response) => json(response, {}));
    const client = clientOf(server);
    await client.request({ url: 'a' });
    await client.close();
    await client.close();
    expect(await failureOf(client.request({ url: 'a' }))).toMatchObject({ code: 'HTTP_CLOSED' });
    await Promise.all([...server.sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    expect(server.sockets.size).toBe(0);
  });
});

describe('closing', () => {
  it('ends what is under way and what waits, at once and with a code', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/limited') answer(response, 429, { 'retry-after': '60' });
    });
    const client = clientOf(server, { retry: { retries: 3 } });
    const waiting = failureOf(client.request({ url: 'limited', bucket: 'limited' }));
    const hanging = failureOf(client.request({ url: 'hanging' }));
    await until(() => server.asked.length === 2);
    await client.close();
    for (const error of [await waiting, await hanging]) expect(error).toMatchObject({ code: 'HTTP_CLOSED' });
    await until(() => server.sockets.size === 0);
  });
});

describe('a status', () => {
  it.each([
    [400, FatalError, 'HTTP_BAD_REQUEST'],
    [401, AuthenticationError, 'AUTHENTICATION'],
    [403, PermissionError, 'PERMISSION'],
    [404, NotFoundError, 'NOT_FOUND'],
    [407, AuthenticationError, 'AUTHENTICATION'],
    [408, RetryableError, 'HTTP_UNAVAILABLE'],
    [409, FatalError, 'HTTP_CONFLICT'],
    [410, NotFoundError, 'NOT_FOUND'],
    [418, FatalError, 'HTTP_STATUS'],
    [422, FatalError, 'HTTP_UNPROCESSABLE'],
    [425, RetryableError, 'HTTP_UNAVAILABLE'],
    [429, RateLimitedError, 'RATE_LIMITED'],
    [451, PermissionError, 'HTTP_BLOCKED'],
    [500, RetryableError, 'HTTP_UNAVAILABLE'],
    [501, FatalError, 'HTTP_STATUS'],
    [503, RetryableError, 'HTTP_UNAVAILABLE'],
  ])('%i is its own error, which says where, what and what to do', async (status, kind, code) => {
    const server = await serve((_, response) => answer(response, status, {}, '{"message":"no such luck."}'));
    const error = await failureOf(clientOf(server).request({ url: 'items' }));
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(
      new RegExp(`^GET ${server.origin}/items answered ${status} .*: no such luck\\. [A-Z].*[^.]$`),
    );
  });

  it('that is accepted is an answer, and `classify` goes before everything', async () => {
    const server = await serve((request, response) => answer(response, Number(request.url?.slice(1)), {}, 'said'));
    const client = clientOf(server, {
      classify: (response) => {
        if (response.status === 403) return new RateLimitedError('a limit in disguise', { retryAfterMs: 5 });
        if (response.status === 200 && response.text() === 'said') return new PermissionError('not in channel');
        return response.status === 404 ? 'accept' : undefined;
      },
    });
    expect((await client.request({ url: '409', acceptStatus: [409] })).status).toBe(409);
    expect((await client.request({ url: '404' })).text()).toBe('said');
    expect(await failureOf(client.request({ url: '403' }))).toMatchObject({
      name: 'RateLimitedError',
      retryAfterMs: 5,
    });
    expect(await failureOf(client.request({ url: '200' }))).toMatchObject({ message: 'not in channel' });
  });

  it.each([
    ['{"error":{"message":"deep"}}', 'deep'],
    ['{"error":"invalid_client","error_description":"described"}', 'described'],
    ['{"title":"Problem","detail":"in detail"}', 'in detail'],
    ['{"errors":[{"message":"first"},{"message":"second"}]}', 'first'],
    ['plain\r\n\u0000 text', 'plain text'],
    ['<!DOCTYPE html><p>hello', 'an HTML page'],
  ])('shows of the body %s what says what went wrong', async (body, expected) => {
    const server = await serve((_, response) => answer(response, 400, {}, body));
    expect((await failureOf(clientOf(server).request({ url: 'x' }))).message).toContain(
      `Bad Request: ${expected}. The`,
    );
  });

  it('shows no more than a line of a large body', async () => {
    const server = await serve((_, response) => answer(response, 400, {}, 'x'.repeat(5_000_000)));
    expect((await failureOf(clientOf(server).request({ url: 'x' }))).message.length).toBeLessThan(600);
  });
});

describe('JSON', () => {
  it.each([
    ['text/html', '<html>log in</html>'],
    ['application/json', '{"cut": '],
  ])('RP8: %s that is not JSON is a typed error, not zero items', async (type, body) => {
    const server = await serve((_, response) => answer(response, 200, { 'content-type': type }, body));
    const response = await clientOf(server).request({ url: 'items' });
    expect(() => response.json()).toThrow(FatalError);
    expect(() => response.json()).toThrow(expect.objectContaining({ code: 'HTTP_NOT_JSON' }));
    expect(() => response.json()).not.toThrow('log in');
  });

  it('may begin with a byte order mark', async () => {
    const server = await serve((_, response) => answer(response, 200, {}, '\uFEFF[1]'));
    expect((await clientOf(server).request({ url: 'x' })).json()).toEqual([1]);
  });
});

describe('credentials', () => {
  it('are asked for before each request', async () => {
    const server = await serve((request, response) => json(response, request.headers.authorization));
    let token = 1;
    const credentials: HttpCredentials = { identity: 'me', headers: () => ({ authorization: `Bearer ${token++}` }) };
    const client = clientOf(server, { credentials });
    expect((await client.request({ url: 'a' })).json()).toBe('Bearer 1');
    expect((await client.request({ url: 'a' })).json()).toBe('Bearer 2');
  });

  it('GH12: are renewed once after a 401, however many requests were refused, and each is sent once more', async () => {
    let renewals = 0;
    let token = 'old';
    const server = await serve((request, response) =>
      request.headers.authorization === 'Bearer new' ? json(response, 'ok') : answer(response, 401),
    );
    const credentials: HttpCredentials = {
      identity: 'me',
      headers: () => ({ authorization: `Bearer ${token}` }),
      renew: async () => {
        renewals += 1;
        await new Promise((resolve) => setImmediate(resolve));
        token = 'new';
      },
    };
    const client = clientOf(server, { credentials });
    await Promise.all([1, 2, 3].map((number) => client.request({ url: `${number}` })));
    expect(renewals).toBe(1);
    expect(server.asked).toHaveLength(6);
  });

  it('that cannot be had are an AuthenticationError, without what the host said in its message', async () => {
    const server = await serve((_, response) => json(response, 'ok'));
    const failing = (error: Error): HttpCredentials => ({ identity: 'me', headers: () => Promise.reject(error) });
    const broken = clientOf(server, {
      credentials: failing(new Error(`vault: token=${TOKEN}`)),
      retry: { retries: 3 },
    });
    const error = await failureOf(broken.request({ url: 'a' }));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(inspect(error)).not.toContain(TOKEN);
    const passing = clientOf(server, { credentials: failing(new RetryableError('sealed')) });
    expect(await failureOf(passing.request({ url: 'a' }))).toMatchObject({ name: 'RetryableError', message: 'sealed' });
    expect(server.asked).toEqual([]);
  });

  it('RP7: that are refused again after they were renewed are an error, not a loop', async () => {
    const server = await serve((_, response) => answer(response, 401));
    const credentials: HttpCredentials = { identity: 'me', renew: async () => {} };
    const client = clientOf(server, { credentials, retry: { retries: 3 }, clock: new HastyClock() });
    expect(await failureOf(client.request({ url: 'a' }))).toBeInstanceOf(AuthenticationError);
    expect(server.asked).toHaveLength(2);
  });

  it('X7: are in no error, cause, stack or log line, also when the server says them back', async () => {
    const password = 'pass-planted0sentinel';
    const key = 'key/planted+sentinel';
    const server = await serve((request, response, number) => {
      if (number % 3 === 1) return void response.socket?.destroy();
      const { authorization = '', cookie = '' } = request.headers;
      const basicAuth = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
      const back = [request.url, JSON.stringify(request.headers), cookie.split('=')[1], basicAuth.split(':')[1]];
      answer(response, number % 3 === 2 ? 503 : 403, {}, back.join('\n'));
    });
    const all: [sent: string, credentials: HttpCredentials][] = [
      [TOKEN, bearer(new Secret(TOKEN))],
      [password, basic('somebody', new Secret(password))],
      [key, { identity: 'q', query: () => ({ k: key }) }],
      [password, { identity: 'h', headers: () => ({ cookie: `session=${password}` }) }],
      [TOKEN, { identity: 'h', headers: () => ({ 'private-token': TOKEN }) }],
    ];
    for (const [sent, credentials] of all) {
      const clock = new HastyClock();
      const logger = new RecordingLogger();
      const client = clientOf(server, { credentials, logger, clock, retry: { retries: 3 } });
      const error = await failureOf(client.request({ url: 'items', query: { q: sent, access_token: TOKEN } }));
      expect(error).toBeInstanceOf(PermissionError);
      const shown = [inspect(error, { depth: 20, showHidden: true, maxStringLength: null })];
      for (let at: unknown = error; at instanceof Error; at = at.cause) shown.push(at.message, at.stack ?? '');
      shown.push(inspect(logger.lines, { depth: 20, showHidden: true, maxStringLength: null }));
      expect(logger.lines).toHaveLength(2);
      for (const secret of [sent, encodeURIComponent(sent), TOKEN]) expect(shown.join('\n')).not.toContain(secret);
    }
  });
});
