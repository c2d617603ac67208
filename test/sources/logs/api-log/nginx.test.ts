import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiLogConfigInput, ApiLogSource, type LoggedRequest } from 'headwater/sources/logs/api-log';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWith, hasProgram } from '../../../services/needs.js';
import { NGINX, Nginx } from './nginx.js';

interface Sent {
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What has to be told of it. */
  readonly told: Partial<LoggedRequest>;
}

/** Requests that clients send, and some that they should not. */
const SENT: readonly Sent[] = [
  { line: 'GET /a/b?c=d HTTP/1.1', told: { method: 'GET', path: '/a/b', query: 'c=d', status: 200, bytes: 5 } },
  { line: 'HEAD / HTTP/1.1', told: { method: 'HEAD', path: '/', status: 200, bytes: 0 } },
  { line: 'GET /missing HTTP/1.0', told: { path: '/missing', status: 404, protocol: 'HTTP/1.0' } },
  {
    line: 'GET /broken?token=hush&x=1 HTTP/1.1',
    told: { path: '/broken', query: 'token=[redacted]&x=1', status: 503 },
  },
  { line: 'GET http://user:hush@a.test/x HTTP/1.1', told: { status: 400 } },
  {
    line: 'GET /agents HTTP/1.1',
    headers: { 'User-Agent': 'a "quoted" \\ back\\\\slash "', Referer: 'https://a.test/?api_key=hush&b="c"' },
    told: { userAgent: 'a "quoted" \\ back\\\\slash "', referer: 'https://a.test/?api_key=[redacted]&b="c"' },
  },
  { line: 'GET /utf HTTP/1.1', headers: { 'User-Agent': 'Ünïcödé 🙂\ttab' }, told: { userAgent: 'Ünïcödé 🙂\ttab' } },
  { line: 'GET /"quoted"\\ HTTP/1.1', told: { path: '/"quoted"\\', status: 200 } },
  { line: 'GET /two spaces HTTP/1.1', told: {} },
  { line: 'nonsense', told: { request: 'nonsense', status: 400 } },
];
const TLS_HANDSHAKE = Buffer.from('16030100f5010000f10303cbff0a22205c20', 'hex');

describeWith('nginx', hasProgram(NGINX, '-v'), 'requests that nginx logs', () => {
  let dir: string;
  let nginx: Nginx;
  let startedAt: number;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'headwater-nginx-'));
    startedAt = Date.now();
    nginx = await Nginx.start(dir);
    for (const { line, headers = {} } of SENT) {
      const fields = Object.entries({ Host: 'a.test', Connection: 'close', ...headers });
      await nginx.send([line, ...fields.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n'));
    }
    await nginx.send(TLS_HANDSHAKE);
    await nginx.stop();
  }, 30_000);

  afterAll(async () => {
    await nginx?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function read(config: Partial<ApiLogConfigInput>) {
    const source = await ApiLogSource.create({ id: 'nginx', config: { files: '*.log', dir, ...config } });
    const events = [];
    for await (const event of source.generateEvents()) events.push(event);
    return events.flatMap((event) => (event.type === 'http.request' ? [event] : []));
  }

  const FORMATS: [string, Partial<ApiLogConfigInput>][] = [
    ['its default format', { files: 'combined.log', format: 'nginx' }],
    ['JSON', { files: 'json.log', format: 'json' }],
  ];

  describe.each(FORMATS)('what nginx logs of requests in %s', (_, config) => {
    test('is told as it was sent', async () => {
      const told = (await read(config)).map(({ data }) => data);
      expect(told).toHaveLength(SENT.length + 1);
      expect(told.map(({ parseError }) => parseError)).toEqual(told.map(() => undefined));
      for (const [index, { told: expected }] of SENT.entries()) expect(told[index]).toMatchObject(expected);
      expect(told.at(-1)).toMatchObject({ status: 400, request: expect.stringMatching(/^\W/) });
      expect(JSON.stringify(told)).not.toContain('hush');
    });

    test('has the time at which it was sent', async () => {
      for (const { time = '' } of await read(config)) {
        expect(Date.parse(time)).toBeGreaterThan(startedAt - 1_000);
        expect(Date.parse(time)).toBeLessThanOrEqual(Date.now());
      }
    });
  });

  test('both formats tell the same', async () => {
    const [combined = [], json = []] = await Promise.all(FORMATS.map(([, config]) => read(config)));
    const inCommon = ({
      method,
      path,
      query,
      status,
      bytes,
      clientAddress,
      userAgent,
      referer,
      protocol,
    }: LoggedRequest) => [...[method, path, query, status, bytes, clientAddress, userAgent, referer, protocol]];
    expect(json.map(({ data }) => inCommon(data))).toEqual(combined.map(({ data }) => inCommon(data)));
    expect(json.map(({ data }) => data.durationMs)).toEqual(json.map(() => expect.any(Number)));
    expect(json.map(({ data }) => data.requestId)).toEqual(json.map(() => expect.stringMatching(/^[0-9a-f]{32}$/)));
  });
});
