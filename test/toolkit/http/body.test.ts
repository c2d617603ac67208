import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { ConnectionError, FatalError } from 'headwater';
import { describe, expect, it } from 'vitest';
import { answer, clientOf, failureOf, HastyClock, serve, until } from './test-server.js';

const text = 'hello, '.repeat(1_000);

describe('a body', () => {
  it.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
    ['deflate, gzip', gzipSync(deflateSync(text))],
  ])('is decompressed: %s', async (encoding, body) => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': encoding });
      response.end(body);
    });
    expect((await clientOf(server).request({ url: 'x' })).text()).toBe(text);
    expect(server.requests[0]?.headers['accept-encoding']).toBe('gzip, deflate, br');
  });

  it('that is empty is empty, whatever its encoding', async () => {
    const server = await serve((request, response) =>
      answer(response, request.method === 'HEAD' ? 200 : 204, { 'content-encoding': 'gzip' }),
    );
    expect((await clientOf(server).request({ url: 'x' })).body).toHaveLength(0);
    expect((await clientOf(server).request({ url: 'x', method: 'HEAD' })).body).toHaveLength(0);
  });

  it('RP8: is limited after decompression, and a bomb is stopped early', async () => {
    let sent = 0;
    // 64 MiB in 64 KiB, again and again: nobody would read it to the end.
    const bomb = gzipSync(Buffer.alloc(64 * 1_048_576));
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const more = (): void => {
        sent += bomb.length;
        if (response.destroyed || sent > 1_000 * bomb.length) return;
        response.write(bomb, () => setImmediate(more));
      };
      more();
    });
    const before = process.memoryUsage().rss;
    const error = await failureOf(clientOf(server, { maxBodyBytes: 1_000_000 }).request({ url: 'x' }));
    expect(error).toBeInstanceOf(FatalError);
    expect(error).toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1_048_576);
    await until(() => server.sockets.size === 0);
    expect(sent).toBeLessThan(100 * bomb.length);
  });

  it('of exactly the limit is read, one byte more is not', async () => {
    const server = await serve((request, response) =>
      answer(response, 200, {}, 'x'.repeat(Number(request.url?.slice(1)))),
    );
    const client = clientOf(server, { maxBodyBytes: 1_000 });
    expect((await client.request({ url: '1000' })).body).toHaveLength(1_000);
    expect(await failureOf(client.request({ url: '1001' }))).toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' });
    expect((await client.request({ url: '1001', maxBodyBytes: 1_001 })).body).toHaveLength(1_001);
  });

  it.each([
    ['cut off within gzip', 'gzip', gzipSync(text).subarray(0, 40)],
    ['that is no gzip', 'gzip', Buffer.from('plain')],
    ['cut off within brotli', 'br', brotliCompressSync(text).subarray(0, 20)],
    ['that is no brotli', 'br', Buffer.from('garbage garbage')],
    ['cut off within deflate', 'deflate', deflateSync(text).subarray(0, 20)],
  ])('%s is a ConnectionError and tried again', async (_, encoding, broken) => {
    const server = await serve((_, response, number) => {
      response.writeHead(200, { 'content-encoding': number === 1 ? encoding : 'identity' });
      response.end(number === 1 ? broken : text);
    });
    const once = clientOf(server);
    const error = await failureOf(once.request({ url: 'x' }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: 'HTTP_BODY_BROKEN' });
    const again = await serve((_, response, number) => {
      response.writeHead(200, { 'content-encoding': number === 1 ? encoding : 'identity' });
      response.end(number === 1 ? broken : text);
    });
    const client = clientOf(again, { retry: { retries: 1 }, clock: new HastyClock() });
    expect((await client.request({ url: 'x' })).text()).toBe(text);
  });

  it('that ends before its length is a ConnectionError, never a shorter body', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half');
      setImmediate(() => response.destroy());
    });
    expect(await failureOf(clientOf(server).request({ url: 'x' }))).toBeInstanceOf(ConnectionError);
  });

  it.each(['zstd', 'gzip, gzip, gzip'])('in the encoding %s is refused', async (encoding) => {
    const server = await serve((_, response) => answer(response, 200, { 'content-encoding': encoding }, 'x'));
    expect(await failureOf(clientOf(server).request({ url: 'x' }))).toMatchObject({ code: 'HTTP_ENCODING' });
  });
});
