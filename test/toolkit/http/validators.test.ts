import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { type Validator, Validators } from '../../../src/toolkit/http/validators.js';
import { answer, clientOf, json, serve, type TestServer } from './test-server.js';

/** Answers 304 to whoever knows the tag. */
function tagged(tag = 'W/"1"'): Promise<TestServer> {
  return serve((request, response) =>
    request.headers['if-none-match'] === tag ? answer(response, 304) : json(response, 'body', { etag: tag }),
  );
}

function conditions(server: TestServer): unknown[] {
  return server.requests.map(({ headers }) => headers['if-none-match'] ?? headers['if-modified-since']);
}

describe('conditional requests', () => {
  it('GH7: a validator is sent only after its body was acknowledged', async () => {
    const server = await tagged();
    const validators = new Validators();
    const client = clientOf(server);
    const first = await client.request({ url: 'x', validators });
    // Received, not delivered: a process that ends here and begins again must get the body once more.
    expect((await client.request({ url: 'x', validators })).status).toBe(200);
    const cursor = JSON.parse(JSON.stringify({ validators: validators.with(first.validator) })) as {
      validators: Validator[];
    };
    expect((await client.request({ url: 'x', validators })).status).toBe(200);
    expect(conditions(server)).toEqual([undefined, undefined, undefined]);
    const restarted = new Validators({ saved: cursor.validators });
    expect((await client.request({ url: 'x', validators: restarted })).status).toBe(304);
    validators.keep(first.validator);
    expect((await client.request({ url: 'x', validators })).status).toBe(304);
    expect(conditions(server).slice(3)).toEqual(['W/"1"', 'W/"1"']);
  });

  it('GH7: a validator belongs to a method, URL, Accept, varying header and credentials', async () => {
    const server = await tagged();
    const validators = new Validators();
    const options = { varyBy: ['accept', 'X-Version'], credentials: { identity: 'me' } };
    const client = clientOf(server, options);
    const request = { url: 'x?a=1', validators, headers: { accept: 'a/a', 'x-version': '1' } };
    validators.keep((await client.request(request)).validator);
    expect((await client.request(request)).status).toBe(304);
    for (const other of [
      { url: 'x?a=2' },
      { headers: { accept: 'b/b', 'x-version': '1' } },
      { headers: { accept: 'a/a', 'x-version': '2' } },
    ])
      expect((await client.request({ ...request, ...other })).status).toBe(200);
    const another = clientOf(server, { ...options, credentials: { identity: 'you' } });
    expect((await another.request(request)).status).toBe(200);
    await client.request({ ...request, method: 'HEAD' });
    expect(conditions(server)).toEqual([undefined, 'W/"1"', undefined, undefined, undefined, undefined, undefined]);
  });

  it('GH7: after ten 304 in a row one request is unconditional', async () => {
    const server = await tagged();
    const validators = new Validators({ clock: new FakeClock() });
    const client = clientOf(server, { clock: new FakeClock() });
    validators.keep((await client.request({ url: 'x', validators })).validator);
    const statuses: number[] = [];
    for (let number = 0; number < 23; number += 1)
      statuses.push((await client.request({ url: 'x', validators })).status);
    expect(statuses).toEqual([...Array(10).fill(304), 200, ...Array(10).fill(304), 200, 304]);
  });

  it('GH7: a body that is an hour old is asked for anew, also after a restart', async () => {
    const server = await tagged();
    const clock = new FakeClock(1_700_000_000_000);
    const client = clientOf(server, { clock });
    const validators = new Validators({ clock });
    const { validator } = await client.request({ url: 'x', validators });
    validators.keep(validator);
    await clock.advance(3_599_000);
    expect((await client.request({ url: 'x', validators })).status).toBe(304);
    await clock.advance(1_000);
    const restarted = new Validators({ clock, saved: validators.with() });
    expect((await client.request({ url: 'x', validators: restarted })).status).toBe(200);
    // It brought nothing new: the next hour begins.
    expect((await client.request({ url: 'x', validators: restarted })).status).toBe(304);
  });

  it('uses Last-Modified where there is no ETag, and nothing of an error', async () => {
    const modified = 'Sun, 22 Nov 2026 12:00:00 GMT';
    const server = await serve((request, response) => {
      if (request.url === '/error') return answer(response, 409, { etag: '"e"' });
      if (request.headers['if-modified-since'] === modified) return answer(response, 304);
      json(response, 'body', { 'last-modified': modified });
    });
    const validators = new Validators();
    const client = clientOf(server);
    validators.keep((await client.request({ url: 'x', validators })).validator);
    expect((await client.request({ url: 'x', validators })).status).toBe(304);
    expect((await client.request({ url: 'error', validators, acceptStatus: [409] })).validator).toBeUndefined();
  });

  it('that were not made are not answered 304: what was never delivered would be lost', async () => {
    const server = await serve((_, response) => answer(response, 304));
    const request = clientOf(server).request({ url: 'x', validators: new Validators() });
    await expect(request).rejects.toMatchObject({ name: 'FatalError', code: 'HTTP_STATUS' });
  });

  it('are small and hold no URL: it may hold what a cursor must not', async () => {
    const server = await tagged();
    const { validator } = await clientOf(server, {
      credentials: { identity: 'me', query: () => ({ k: 'planted-secret' }) },
    }).request({
      url: 'x?token=planted-secret',
      validators: new Validators(),
    });
    expect(JSON.stringify(validator).length).toBeLessThan(100);
    expect(JSON.stringify(validator)).not.toContain('planted');
  });

  it('are no more than allowed: the oldest go', () => {
    const validator = (key: string): Validator => ({ key, etag: '"1"', at: 0 });
    const validators = new Validators({ most: 2, clock: new FakeClock(), saved: ['a', 'b', 'c'].map(validator) });
    expect(validators.headersFor('a')).toEqual({});
    expect(validators.headersFor('b')).toEqual({ 'if-none-match': '"1"' });
    expect(validators.with(validator('d'), undefined, validator('b')).map(({ key }) => key)).toEqual(['d', 'b']);
  });
});
