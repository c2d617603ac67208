import { FatalError, RateLimitedError, RetryableError, type SourceStatus } from 'headwater';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import type { HttpClientOptions } from '../../../src/toolkit/http/http-client.js';
import { answer, clientOf, failureOf, HastyClock, json, serve, until } from './test-server.js';

const threeRetries = { retries: 3, minDelayMs: 1_000, maxDelayMs: 8_000, factor: 2 };

describe('RP3: what is tried again', () => {
  it.each([408, 425, 429, 500, 502, 503, 504])('a read that is answered %i', async (status) => {
    const server = await serve((_, response, number) => (number < 3 ? answer(response, status) : json(response, 'ok')));
    const clock = new HastyClock();
    const counted: string[] = [];
    const client = clientOf(server, { clock, retry: threeRetries, count: (counter) => counted.push(counter) });
    expect((await client.request({ url: 'x' })).json()).toBe('ok');
    expect(server.asked).toHaveLength(3);
    expect(counted.filter((counter) => counter === 'retries')).toHaveLength(2);
    const [first = 0, second = 0] = clock.slept;
    expect(first).toBeGreaterThanOrEqual(1_000);
    expect(first).toBeLessThanOrEqual(2_000);
    expect(second).toBeGreaterThanOrEqual(2_000);
    expect(second).toBeLessThanOrEqual(4_000);
  });

  it('a read whose connection is reset', async () => {
    const server = await serve((_, response, number) => (number === 1 ? response.destroy() : json(response, 'ok')));
    const client = clientOf(server, { clock: new HastyClock(), retry: threeRetries });
    expect((await client.request({ url: 'x' })).json()).toBe('ok');
  });

  it.each([400, 401, 403, 404, 409, 410, 422, 451, 501])('nothing that is answered %i', async (status) => {
    const server = await serve((_, response) => answer(response, status));
    const error = await failureOf(clientOf(server, { retry: threeRetries }).request({ url: 'x' }));
    expect(error).toBeInstanceOf(FatalError);
    expect(server.asked).toHaveLength(1);
  });

  it('no write, unless it is said that it may be sent twice', async () => {
    const server = await serve((_, response) => answer(response, 503));
    const client = clientOf(server, { clock: new HastyClock(), retry: threeRetries });
    await failureOf(client.request({ url: 'x', method: 'POST', body: 'x' }));
    expect(server.asked).toHaveLength(1);
    await failureOf(client.request({ url: 'x', method: 'POST', body: 'x', idempotent: true }));
    expect(server.asked).toHaveLength(1 + 4);
  });

  it('not for ever: the last error is thrown', async () => {
    const server = await serve((_, response) => answer(response, 503, { 'retry-after': '7' }));
    const clock = new HastyClock();
    const error = await failureOf(clientOf(server, { clock, retry: threeRetries }).request({ url: 'x' }));
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({ code: 'HTTP_UNAVAILABLE', retryAfterMs: 7_000 });
    expect(server.asked).toHaveLength(4);
    expect(clock.slept.every((ms) => ms >= 7_000)).toBe(true);
  });

  it('shown as reconnecting, and as reading again', async () => {
    const server = await serve((_, response, number) => (number === 1 ? answer(response, 500) : json(response, 'ok')));
    const statuses: SourceStatus[] = [];
    const onStatus = (status: SourceStatus) => statuses.push(status);
    await clientOf(server, { clock: new HastyClock(), retry: threeRetries, onStatus }).request({ url: 'x' });
    expect(statuses).toEqual([
      { state: 'reconnecting', attempt: 1, error: expect.any(RetryableError) },
      { state: 'reading' },
    ]);
  });
});

describe('GH5: a refusal for its number', () => {
  const start = Date.UTC(2026, 10, 22, 12, 0, 0);
  const aDayAgo = new Date(start - 86_400_000);

  it.each([
    ['429 with seconds', 429, { 'retry-after': '30' }, 30_000],
    [
      '429 with a date, by the clock of the server',
      429,
      { date: aDayAgo.toUTCString(), 'retry-after': new Date(aDayAgo.getTime() + 30_000).toUTCString() },
      30_000,
    ],
    [
      '429 without anything left until the reset, by the clock of the server',
      429,
      {
        date: aDayAgo.toUTCString(),
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(aDayAgo.getTime() / 1_000 + 30),
      },
      30_000,
    ],
    ['503 with seconds', 503, { 'retry-after': '30' }, 30_000],
  ])('waits as long as %s asks, and not longer', async (_, status, headers, wait) => {
    const server = await serve((_, response, number) =>
      number === 1 ? answer(response, status, headers as Record<string, string>) : json(response, 'ok'),
    );
    const clock = new FakeClock(start);
    const statuses: SourceStatus[] = [];
    const client = clientOf(server, {
      clock,
      retry: { ...threeRetries, minDelayMs: 1 },
      onStatus: (status) => statuses.push(status),
    });
    const pending = client.request({ url: 'x' });
    await until(() => clock.sleeping > 0);
    if (status === 429) expect(statuses).toEqual([{ state: 'waiting-for-rate-limit', until: new Date(start + wait) }]);
    await clock.advance(wait - 1);
    expect(server.asked).toHaveLength(1);
    await clock.advance(1);
    expect((await pending).json()).toBe('ok');
    expect(statuses.at(-1)).toEqual({ state: 'reading' });
    expect(clock.sleeping).toBe(0);
  });

  it('holds back all others with the same credentials, and no one else', async () => {
    const server = await serve((request, response, number) =>
      number === 1 ? answer(response, 429, { 'retry-after': '60' }) : json(response, request.url),
    );
    const clock = new FakeClock(start);
    const credentials = { identity: 'shared' };
    const first = clientOf(server, { clock, credentials });
    const second = clientOf(server, { clock, credentials });
    const other = clientOf(server, { clock, credentials: { identity: 'another' } });
    expect(await failureOf(first.request({ url: 'first' }))).toBeInstanceOf(RateLimitedError);
    await first.close();
    const pending = [
      second.request({ url: 'second' }),
      clientOf(server, { clock, credentials }).request({ url: 'third' }),
    ];
    expect((await other.request({ url: 'other' })).json()).toBe('/other');
    expect((await second.request({ url: 'bucket', bucket: 'of its own' })).json()).toBe('/bucket');
    await clock.advance(59_999);
    expect(server.asked).toEqual(['GET /first', 'GET /other', 'GET /bucket']);
    await clock.advance(1);
    await Promise.all(pending);
    expect(server.asked.slice(3).sort()).toEqual(['GET /second', 'GET /third']);
  });

  it('is a RateLimitedError after the last try', async () => {
    const server = await serve((_, response) => answer(response, 429, { 'retry-after': '1' }));
    const error = await failureOf(
      clientOf(server, { clock: new HastyClock(), retry: threeRetries }).request({ url: 'x' }),
    );
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1_000 });
    expect(server.asked).toHaveLength(4);
  });

  it('that `classify` finds waits longer with each try, when it says so', async () => {
    const server = await serve((_, response) => answer(response, 403));
    const clock = new HastyClock();
    const classify: HttpClientOptions['classify'] = (_, attempt) =>
      new RateLimitedError('secondary limit', { retryAfterMs: 60_000 * 2 ** (attempt - 1) });
    await failureOf(clientOf(server, { clock, retry: threeRetries, classify }).request({ url: 'x' }));
    expect(clock.slept.slice(0, 3)).toEqual([60_000, 120_000, 240_000]);
  });
});

describe('X6: a wait of 60 days', () => {
  const sixtyDays = String(60 * 86_400);

  it('is an error at once, and upstream is not asked again, by anybody', async () => {
    const server = await serve((_, response) => answer(response, 429, { 'retry-after': sixtyDays }));
    const clock = new FakeClock();
    const client = clientOf(server, { clock, retry: threeRetries });
    const error = await failureOf(client.request({ url: 'x' }));
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 60 * 86_400_000 });
    expect(await failureOf(client.request({ url: 'x' }))).toMatchObject({ code: 'HTTP_WAIT_TOO_LONG' });
    expect(server.asked).toHaveLength(1);
    expect(clock.sleeping).toBe(0);
  });

  it('is waited for when it is allowed, and an abort ends it at once', async () => {
    const server = await serve((_, response) => answer(response, 429, { 'retry-after': sixtyDays }));
    const clock = new FakeClock();
    const client = clientOf(server, { clock, retry: threeRetries, longestWaitMs: Number.POSITIVE_INFINITY });
    const controller = new AbortController();
    const pending = failureOf(client.request({ url: 'x', signal: controller.signal }));
    await until(() => clock.sleeping > 0);
    await clock.advance(59 * 86_400_000);
    const waiting = failureOf(client.request({ url: 'x', signal: controller.signal }));
    expect(server.asked).toHaveLength(1);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await Promise.all([pending, waiting])).toEqual([reason, reason]);
    expect(clock.sleeping).toBe(0);
    expect(server.asked).toHaveLength(1);
  });
});
