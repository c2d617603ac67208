import { createCipheriv } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { SourceEvent } from 'headwater';
import { FakeClock, RecordingLogger } from 'headwater/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { signHmac } from '../../../src/toolkit/signature.js';
import { eventually, turns } from '../../support/observing.js';
import { githubHeaders, RawClient, requestBytes } from './raw-client.js';
import {
  consume,
  createSource,
  deliver,
  delivery,
  GITHUB,
  request,
  SECRET,
  startSource,
  takeEvents,
} from './receiving.js';

const MEBIBYTE = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('signatures over HTTP', () => {
  it('WH1, WH3: any byte flipped in body or signature is 401, and nothing is parsed', async () => {
    const { source, port } = await startSource();
    const { ids } = consume(source);
    const body = Buffer.from('{"zen":"Keep it logically awesome."}');
    const headers = githubHeaders(SECRET, body, 'one');
    const signature = headers.at(-1)?.[1] ?? '';
    const requests: Buffer[] = [];
    for (let at = 0; at < body.length; at += 1) {
      const flipped = Buffer.from(body);
      flipped.writeUInt8((flipped[at] as number) ^ 1, at);
      requests.push(requestBytes('/hooks', flipped, headers));
    }
    for (let at = 0; at < signature.length; at += 1) {
      const flipped =
        signature.slice(0, at) + String.fromCharCode(signature.charCodeAt(at) ^ 1) + signature.slice(at + 1);
      requests.push(requestBytes('/hooks', body, [...headers.slice(0, -1), ['X-Hub-Signature-256', flipped]]));
    }
    const client = await RawClient.connect(port);
    for (const bytes of requests) client.write(bytes);
    await client.answer(requests.length);
    expect(client.answers.map(({ status }) => status)).toEqual(requests.map(() => 401));
    client.destroy();
    expect(await deliver(port, 'right', { body })).toBe(202);
    expect(ids).toEqual(['right']);
  });

  it.each([
    ['missing', []],
    ['empty', [['X-Hub-Signature-256', '']]],
    ['without its prefix', [['X-Hub-Signature-256', signHmac(SECRET, ['{}'])]]],
    ['too short', [['X-Hub-Signature-256', 'sha256=00']]],
    ['too long', [['X-Hub-Signature-256', `sha256=${'0'.repeat(5_000)}`]]],
    ['no hexadecimal number', [['X-Hub-Signature-256', `sha256=${'é'.repeat(32)}`]]],
    [
      'there twice',
      [
        ['X-Hub-Signature-256', `sha256=${signHmac(SECRET, ['{}'])}`],
        ['X-Hub-Signature-256', `sha256=${signHmac(SECRET, ['{}'])}`],
      ],
    ],
    ['of SHA-1', [['X-Hub-Signature', `sha1=${signHmac(SECRET, ['{}'], { algorithm: 'sha1' })}`]]],
  ] as const)('WH3: a signature that is %s is 401', async (_, headers) => {
    const { source, port } = await startSource();
    consume(source);
    const bytes = requestBytes('/hooks', '{}', [['X-GitHub-Event', 'push'], ...headers]);
    expect(await request(port, bytes)).toMatchObject({ status: 401, headers: { 'content-type': /json/ } });
  });
});

describe('bodies', () => {
  it('WH8: one that is announced as too large is refused before it comes', async () => {
    const { port } = await startSource({ endpoints: { hooks: { provider: 'github', maxBodyBytes: 1_000 } } });
    const bytes = requestBytes('/hooks', '', githubHeaders(SECRET, '', 'one'), { length: 10 * 1024 * MEBIBYTE });
    expect(await request(port, bytes)).toMatchObject({ status: 413, headers: { connection: 'close' } });
  });

  it('WH8: one that is longer than it may be is refused while it comes, and not kept', async () => {
    const { source, port } = await startSource({ endpoints: { hooks: { provider: 'github', maxBodyBytes: 1_000 } } });
    const client = await RawClient.connect(port);
    client.write('POST /hooks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    for (let n = 0; n < 100 && !client.isClosed; n += 1) {
      client.write(chunk);
      await turns(1);
    }
    expect((await client.answer(1))?.status).toBe(413);
    await client.closed();
    expect(source.getStats().bytes).toBe(0);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['identity', (text: string) => Buffer.from(text)],
  ] as const)('WH8: one that is encoded as %s is signed as it comes, and read as it was', async (encoding, encode) => {
    const { source, port } = await startSource();
    const body = encode(JSON.stringify({ text: 'x'.repeat(10_000) }));
    const answer = deliver(port, 'one', { body, headers: [['Content-Encoding', encoding]] });
    expect((await takeEvents(source, 1))[0]?.data).toEqual({ text: 'x'.repeat(10_000) });
    expect(await answer).toBe(202);
  });

  it('WH8: one that is much larger within is 413, and memory stays', async () => {
    const endpoints = { hooks: { provider: 'github', maxContentBytes: MEBIBYTE } } as const;
    const { source, port } = await startSource({ endpoints });
    consume(source);
    const bomb = gzipSync(Buffer.alloc(200 * MEBIBYTE));
    collectGarbage();
    const before = process.memoryUsage();
    const headers = [['Content-Encoding', 'gzip']] as const;
    for (let n = 0; n < 5; n += 1) expect(await deliver(port, `${n}`, { body: bomb, headers })).toBe(413);
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(20 * MEBIBYTE);
    // Not inflated at all where nobody has signed it.
    expect(await deliver(port, 'unsigned', { body: bomb, headers, secret: 'another' })).toBe(401);
  });

  it.each([
    ['an encoding that is unknown', 'zstd', '{}', 415],
    ['two encodings', 'gzip, br', '{}', 415],
    ['an encoding that is inherited', 'constructor', '{}', 415],
    ['no gzip', 'gzip', '{}', 400],
    ['gzip that is cut', 'gzip', gzipSync('{"a":1}').subarray(0, 20), 400],
  ] as const)('a signed body with %s', async (_, encoding, body, status) => {
    const { source, port } = await startSource();
    consume(source);
    expect(await deliver(port, 'one', { body: body as Buffer, headers: [['Content-Encoding', encoding]] })).toBe(
      status,
    );
  });

  it('keys that would change prototypes are data', async () => {
    const { source, port } = await startSource();
    const body = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"action":"toString"}';
    void deliver(port, 'one', { body });
    const [event] = await takeEvents(source, 1);
    expect(Object.keys(event?.data as object)).toEqual(['__proto__', 'constructor', 'action']);
    expect(JSON.stringify(event?.data)).toBe(body);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    const endpoints = { hooks: { provider: 'generic', auth: { scheme: 'none' }, path: '/:__proto__/x' } } as const;
    const other = await startSource({ endpoints }, { credentials: 'anonymous' });
    const form = requestBytes('/a/x?__proto__=b', '__proto__=c&toString=d', [
      ['Content-Type', 'application/x-www-form-urlencoded'],
    ]);
    void request(other.port, form);
    const [received] = await takeEvents(other.source, 1);
    const { params, query, body: fields } = (received as SourceEvent).data as Record<string, object>;
    expect([params, query, fields].map((part) => JSON.stringify(part))).toEqual([
      '{"__proto__":"a"}',
      '{"__proto__":"b"}',
      '{"__proto__":"c","toString":"d"}',
    ]);
  });

  it('what is received cannot claim a type of ours', async () => {
    const provider = {
      name: 'custom',
      maxBodyBytes: 1_000,
      deadlineMs: 1_000,
      redeliveryMs: 1_000,
      retries: true,
      verify: () => undefined,
      read: () => ({
        id: 'one',
        events: [{ type: 'headwater.gap', id: 'one', data: { reason: 'retention', detail: '' } }],
      }),
    };
    const { source, port } = await startSource({ endpoints: { hooks: { provider } } }, { credentials: 'anonymous' });
    const { ids } = consume(source);
    expect((await request(port, requestBytes('/hooks', '{}')))?.status).toBe(400);
    expect(ids).toEqual([]);
  });
});

describe('connections', () => {
  it('a head that comes slowly is given up, and good traffic is served meanwhile', async () => {
    const { source, port } = await startSource({ server: { port: 0, headersTimeoutMs: 300 } });
    consume(source);
    const slow = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(port)));
    onTestFinished(() => {
      for (const client of slow) client.destroy();
    });
    const drip = (async () => {
      for (const byte of 'POST /hooks HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n') {
        for (const client of slow) if (!client.isClosed) client.write(byte);
        await setTimeout(50);
      }
    })();
    expect(await deliver(port, 'good')).toBe(202);
    await Promise.all(slow.map((client) => client.closed()));
    expect(slow.map(({ answers }) => answers[0]?.status)).toEqual(slow.map(() => 408));
    await drip;
  });

  it('a body that comes slowly is 408', async () => {
    const clock = new FakeClock();
    const { source, port } = await startSource({ bodyTimeoutMs: 3_000 }, { clock });
    const client = await RawClient.connect(port);
    client.write(delivery('one').subarray(0, -1));
    await eventually(() => source.getStats().requests === 1);
    await turns();
    await clock.advance(2_900);
    expect(client.answers).toEqual([]);
    await clock.advance(200);
    expect(await client.answer(1)).toMatchObject({ status: 408, headers: { connection: 'close' } });
  });

  it('a sender that is gone within its body leaves nothing behind', async () => {
    const logger = new RecordingLogger();
    const { source, port } = await startSource({}, { logger });
    const { ids } = consume(source);
    const client = await RawClient.connect(port);
    client.write(delivery('one').subarray(0, -1));
    await eventually(() => source.getStats().requests === 1);
    client.destroy();
    await eventually(() => logger.lines.some(({ message }) => message === 'webhook: the sender is gone'));
    expect(await deliver(port, 'two')).toBe(202);
    expect(ids).toEqual(['two']);
  });

  it('many requests in one write are answered in order', async () => {
    const { source, port } = await startSource();
    const { ids } = consume(source);
    const client = await RawClient.connect(port);
    const names = Array.from({ length: 200 }, (_, n) => `${n}`);
    const isGood = (id: string): boolean => Number(id) % 10 !== 9;
    client.write(Buffer.concat(names.map((id) => (isGood(id) ? delivery(id) : requestBytes('/other', 'body')))));
    await client.answer(200);
    expect(client.answers.map(({ status }) => status)).toEqual(names.map((id) => (isGood(id) ? 202 : 404)));
    expect(ids).toEqual(names.filter(isGood));
    client.destroy();
  });

  it('10,000 connections that say nothing: the oldest make room, memory stays, good traffic is served', async () => {
    const { source, port } = await startSource();
    consume(source);
    expect(await deliver(port, 'warm')).toBe(202);
    collectGarbage();
    const before = process.memoryUsage().rss;
    const silent: RawClient[] = [];
    let good = 0;
    for (let n = 0; n < 10_000; n += 100) {
      silent.push(...(await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(port)))));
      if ((await deliver(port, `good ${n}`)) === 202) good += 1;
    }
    expect(good).toBe(100);
    await eventually(() => (source.getStats().dropped['silent-connection'] ?? 0) >= 9_000);
    await eventually(() => silent.filter(({ isClosed }) => !isClosed).length <= 1_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(250 * MEBIBYTE);
    for (const client of silent) client.destroy();
  });

  it.each([
    ['no HTTP at all', '\u0016\u0003\u0001 hello\r\n\r\n', 400],
    ['two lengths', 'POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    [
      'a length and chunks',
      'POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['no host', 'POST /hooks HTTP/1.1\r\nContent-Length: 0\r\n\r\n', 400],
    ['a head that is too large', `POST /hooks HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['another path', 'POST /hooks/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 404],
    ['a path that is encoded', 'POST /%68ooks HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 404],
    ['a whole URL', 'POST http://x/hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 404],
    ['another method', 'DELETE /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 405],
  ])('a request with %s', async (_, bytes, status) => {
    const { source, port } = await startSource();
    consume(source);
    expect((await request(port, bytes))?.status).toBe(status);
    expect(await deliver(port, 'good')).toBe(202);
  });
});

describe('limits', () => {
  it('so many requests at once; more get 503', async () => {
    const { source, port } = await startSource({ maxRequests: 2 });
    const waiting = [deliver(port, 'one'), deliver(port, 'two')];
    await eventually(() => source.getStats().requests === 2);
    expect(await request(port, delivery('three'))).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    consume(source);
    expect(await Promise.all(waiting)).toEqual([202, 202]);
    expect(await deliver(port, 'three')).toBe(202);
  });

  it('so many bytes that nobody has verified; more get 503, and are taken later', async () => {
    const { source, port } = await startSource({ maxUnverifiedBytes: 100_000 });
    consume(source);
    const body = JSON.stringify({ text: 'x'.repeat(60_000) });
    const slow = await RawClient.connect(port);
    const bytes = delivery('slow', { body });
    slow.write(bytes.subarray(0, -1));
    await eventually(() => source.getStats().requests === 1);
    await turns();
    expect(await deliver(port, 'two', { body })).toBe(503);
    slow.write(bytes.subarray(-1));
    expect((await slow.answer(1))?.status).toBe(202);
    expect(await deliver(port, 'two', { body })).toBe(202);
    slow.destroy();
  });

  it('so many connections; more are closed', async () => {
    const { source, port } = await startSource({ server: { port: 0, maxConnections: 2 } });
    const [one, two] = [await RawClient.connect(port), await RawClient.connect(port)];
    const three = await RawClient.connect(port);
    await three.closed();
    expect(source.getStats().dropped['connections']).toBe(1);
    one.destroy();
    two.destroy();
  });

  it('addresses: the sender behind trusted proxies counts, and nobody else is believed about it', async () => {
    const allow = ['192.0.2.0/24'];
    const behind = await startSource({ allow, trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] });
    consume(behind.source);
    const from = async (port: number, id: string, forwarded: string): Promise<number | undefined> =>
      deliver(port, id, { headers: [['X-Forwarded-For', forwarded]] });
    expect(await from(behind.port, 'one', '192.0.2.1')).toBe(202);
    expect(await from(behind.port, 'two', '192.0.2.1, 10.1.1.1')).toBe(202);
    // Written by the sender itself, before the proxy added its address.
    expect(await from(behind.port, 'three', '192.0.2.1, 203.0.113.9')).toBe(403);
    expect(await from(behind.port, 'four', 'nonsense, 10.1.1.1')).toBe(403);
    expect(await deliver(behind.port, 'five')).toBe(403);
    const direct = await startSource({ allow });
    expect(await from(direct.port, 'six', '192.0.2.1')).toBe(403);
  });
});

describe('the access log', () => {
  it('tells every request, and nothing that may be a secret', async () => {
    const logger = new RecordingLogger();
    const { source, port } = await startSource({}, { logger });
    consume(source);
    await deliver(port, 'one', { body: '{"password":"hunter2-in-the-body"}' });
    await deliver(port, 'two', { secret: 'another' });
    await request(port, requestBytes('/hooks?token=hunter2-in-the-query', '', [['Authorization', 'Bearer hunter2']]));
    const lines = logger.lines.filter(({ message }) => message?.startsWith('webhook: ') && !message.includes('spool'));
    expect(lines).toMatchObject([
      {
        level: 'debug',
        message: 'webhook: taken',
        object: { status: 202, delivery: 'one', path: '/hooks', bytes: 34 },
      },
      { level: 'info', message: 'webhook: the signature is not right', object: { status: 401, endpoint: 'hooks' } },
      { level: 'info', object: { status: 401, path: '/hooks', address: '127.0.0.1' } },
    ]);
    const told = JSON.stringify(logger.lines);
    expect(told).not.toContain('hunter2');
    expect(told).not.toContain(SECRET);
    expect(told).not.toContain('sha256=');
  });
});

describe('random bytes', () => {
  it('as a signed body of any provider that reads JSON are 400, and nothing else happens', async () => {
    const source = await createSource({ server: undefined, endpoints: GITHUB });
    consume(source);
    const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16, 2));
    for (let n = 0; n < 200; n += 1) {
      const body = noise.update(Buffer.alloc(n + 1));
      const headers = Object.fromEntries(githubHeaders(SECRET, body, `${n}`));
      const answer = await source.fetch(new Request('http://x/hooks', { method: 'POST', body, headers }));
      expect(answer.status).toBe(400);
    }
  });
});
