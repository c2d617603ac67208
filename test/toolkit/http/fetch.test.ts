import { NotFoundError, PermissionError } from 'headwater';
import { describe, expect, it } from 'vitest';
import { createFetch, ownErrorIn } from '../../../src/toolkit/http/fetch.js';
import type { HttpResponse } from '../../../src/toolkit/http/http-response.js';
import { Validators } from '../../../src/toolkit/http/validators.js';
import { answer, clientOf, failureOf, HastyClock, json, serve } from './test-server.js';

describe('the client as fetch', () => {
  it('sends what it is given, and gives back a Response', async () => {
    const server = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () =>
        json(response, { method: request.method, type: request.headers['content-type'], body }, { 'x-a': '1' }),
      );
    });
    const fetch = createFetch(clientOf(server));
    for (const body of ['a=1', new URLSearchParams({ a: '1' }), Buffer.from('a=1')]) {
      const response = await fetch(`${server.origin}/x`, { method: 'POST', body, headers: { 'Content-Type': 'a/b' } });
      expect(response).toMatchObject({ status: 200, ok: true, url: `${server.origin}/x` });
      expect(response.headers.get('x-a')).toBe('1');
      expect(await response.json()).toEqual({ method: 'POST', type: 'a/b', body: 'a=1' });
    }
    expect(await failureOf(fetch(server.origin, { method: 'POST', body: new FormData() }))).toBeInstanceOf(TypeError);
  });

  it('has one owner of retries: the caller sees only the last answer', async () => {
    const server = await serve((_, response, number) => (number < 3 ? answer(response, 502) : json(response, 'ok')));
    const client = clientOf(server, { clock: new HastyClock(), retry: { retries: 3 } });
    const fetch = createFetch(client, { request: { idempotent: true } });
    expect(await (await fetch(server.origin, { method: 'POST' })).json()).toBe('ok');
    expect(server.asked).toHaveLength(3);
  });

  it('rejects with an error of ours, also when a vendor wrapped it', async () => {
    const server = await serve((_, response) => answer(response, 404));
    const error = await failureOf(createFetch(clientOf(server))(server.origin));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(ownErrorIn(new Error('wrapped', { cause: error }))).toBe(error);
    expect(ownErrorIn(Object.assign(new Error('wrapped'), { original: new Error('twice', { cause: error }) }))).toBe(
      error,
    );
    const foreign = new Error('of the vendor');
    expect(ownErrorIn(foreign)).toBe(foreign);
    expect(ownErrorIn(foreign, AbortSignal.abort('stopped'))).toBe('stopped');
    expect(ownErrorIn(undefined)).toBeUndefined();
  });

  it('hears the signal of the iteration and that of the call', async () => {
    const server = await serve(() => {});
    for (const [own, given] of [
      ['own', undefined],
      [undefined, 'given'],
      ['own', 'given'],
    ] as const) {
      const iteration = new AbortController();
      const call = new AbortController();
      const fetch = createFetch(clientOf(server), { request: { signal: iteration.signal } });
      const pending = failureOf(fetch(server.origin, { signal: call.signal }));
      if (own !== undefined) iteration.abort(own);
      if (given !== undefined) call.abort(given);
      expect(await pending).toBe(own ?? given);
    }
  });

  it('gives each response as the client had it, with its validator', async () => {
    const server = await serve((request, response) =>
      request.headers['if-none-match'] === '"1"' ? answer(response, 304) : json(response, 'ok', { etag: '"1"' }),
    );
    const responses: HttpResponse[] = [];
    const validators = new Validators();
    const onResponse = (response: HttpResponse): void => {
      responses.push(response);
    };
    const fetch = createFetch(clientOf(server), { request: { validators }, onResponse });
    await fetch(server.origin);
    validators.keep(responses[0]?.validator);
    expect((await fetch(server.origin)).status).toBe(304);
    expect(responses.map(({ status }) => status)).toEqual([200, 304]);
  });

  it('counts each method against a limit of its own, where told so', async () => {
    const server = await serve((request, response) =>
      request.url === '/a' ? answer(response, 429, { 'retry-after': '60' }) : json(response, 'ok'),
    );
    const client = clientOf(server, { longestWaitMs: 1_000 });
    const fetch = createFetch(client, { bucketOf: (url) => url.pathname });
    await failureOf(fetch(`${server.origin}/a`));
    expect(await failureOf(fetch(`${server.origin}/a`))).toMatchObject({ code: 'HTTP_WAIT_TOO_LONG' });
    expect((await fetch(`${server.origin}/b`)).status).toBe(200);
  });

  it('shows what a 200 means to `classify` before the vendor reads it, as of Slack', async () => {
    const server = await serve((_, response) => json(response, { ok: false, error: 'not_in_channel' }));
    const client = clientOf(server, {
      classify: (response) =>
        (response.json() as { ok: boolean }).ok ? undefined : new PermissionError('invite the bot to the channel'),
    });
    expect(await failureOf(createFetch(client)(server.origin))).toBeInstanceOf(PermissionError);
  });

  it('passes over what a header may not hold', async () => {
    const server = await serve((_, response) => {
      response.socket?.end('HTTP/1.1 200 OK\r\nx-odd: \u{1f600}\r\ncontent-length: 2\r\n\r\nok');
    });
    expect(await (await createFetch(clientOf(server))(server.origin)).text()).toBe('ok');
  });
});
