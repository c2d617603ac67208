import { describe, expect, test } from 'vitest';
import type { Mapping } from '../../../../src/sources/logs/api-log/field-reader.js';
import { Redactor } from '../../../../src/sources/logs/api-log/redactor.js';
import { RequestParser } from '../../../../src/sources/logs/api-log/request-parser.js';
import { SecretNames } from '../../../../src/sources/logs/api-log/secret-names.js';
import { formatOf, NOW } from '../format/reading.js';
import { CADDY, ENVOY, EXPRESS_WINSTON, NGINX, PINO_HTTP } from './lines.js';

interface Reading {
  mapping?: Mapping;
  withFields?: boolean;
  redact?: boolean;
}

async function read(format: unknown, line: string, { mapping, withFields = false, redact = true }: Reading = {}) {
  const redactor = redact ? new Redactor(new SecretNames()) : undefined;
  const parser = new RequestParser({ format: await formatOf(format), mapping, withFields, redactor });
  const parsed = parser.parse({ text: line, start: 0, end: line.length + 1, notes: undefined }, NOW);
  return { ...parser.conceal(parsed), time: parsed.time };
}

describe('what programs log is told in the same words, durations in milliseconds', () => {
  test.each([
    [
      'pino-http',
      PINO_HTTP,
      {
        method: 'GET',
        path: '/api/users',
        query: 'id=5&token=[redacted]',
        status: 200,
        durationMs: 22,
        bytes: 5,
        clientAddress: '::ffff:127.0.0.1',
        userAgent: 'curl/8.0',
        referer: 'https://example.com/?api_key=[redacted]',
        requestId: '1',
        host: '127.0.0.1:39063',
        time: '2026-11-25T22:49:19.180Z',
      },
    ],
    [
      'express-winston',
      EXPRESS_WINSTON,
      {
        method: 'GET',
        path: '/api/users',
        query: 'id=5&token=[redacted]',
        status: 200,
        durationMs: 27,
        userAgent: 'curl/8.0',
        referer: 'https://example.com/?api_key=[redacted]',
        requestId: 'r-1',
        host: '127.0.0.1:38237',
        time: '2026-11-25T22:49:20.978Z',
      },
    ],
    [
      'caddy',
      CADDY,
      {
        method: 'GET',
        path: '/',
        status: 200,
        durationMs: 0.929675,
        bytes: 10_900,
        clientAddress: '127.0.0.1',
        userAgent: 'curl/7.82.0',
        host: 'localhost',
        protocol: 'HTTP/2.0',
        time: '2022-03-09T21:30:01.5241024Z',
      },
    ],
    [
      'envoy',
      ENVOY,
      {
        method: 'GET',
        path: '/status/418',
        query: 'sig=[redacted]',
        status: 418,
        durationMs: 22,
        bytes: 135,
        clientAddress: '10.0.35.28',
        userAgent: 'curl/7.73.0-DEV',
        requestId: 'd209e46f-9ed5-9b61-bbdd-43e22662702a',
        host: 'httpbin:8000',
        protocol: 'HTTP/1.1',
        time: '2020-11-25T21:26:18.409Z',
      },
    ],
    [
      'nginx',
      NGINX,
      {
        method: 'GET',
        path: '/a',
        query: 'access_token=[redacted]',
        status: 499,
        durationMs: 1_204,
        bytes: 0,
        clientAddress: '2001:db8::1',
        userAgent: 'curl/8.0',
        requestId: '6f1',
        protocol: 'HTTP/2.0',
        time: '2024-05-06T07:08:09+02:00',
      },
    ],
    [
      'plain',
      '{"time":"2024-01-02T03:04:05.006Z","msg":"done","method":"POST","url":"/a","status":201,"duration_ms":3.5,"ip":"::1"}',
      {
        method: 'POST',
        path: '/a',
        status: 201,
        durationMs: 3.5,
        clientAddress: '::1',
        time: '2024-01-02T03:04:05.006Z',
      },
    ],
  ])('%s', async (guessed, line, request) => {
    expect(await read('json', line)).toEqual({ ...request, guessed });
  });

  test('logfmt and the groups of a pattern are read by the same names', async () => {
    const line = 'at=info method=GET path="/a?b" status=200 duration_us=1500 bytes=7';
    const request = { method: 'GET', path: '/a', query: 'b', status: 200, durationMs: 1.5, bytes: 7, guessed: 'plain' };
    expect(await read('logfmt', line)).toMatchObject(request);
    // %D of Apache is in microseconds.
    const pattern = String.raw`"(?<request>[^"]*)" (?<status>\d+) (?<bytes>\d+) (?<durationUs>\d+)$`;
    expect(await read({ pattern }, '::1 - - [-] "GET /a?b HTTP/1.1" 200 7 1500')).toMatchObject(request);
  });

  test('a plain duration does not say its unit and is not guessed', async () => {
    expect(await read('json', '{"method":"GET","url":"/","status":200,"duration":5}')).not.toHaveProperty('durationMs');
  });

  test('an access log needs no guess', async () => {
    const line =
      '::1 - frank [10/Oct/2000:13:55:36 -0700] "GET http://u:hush@a.test/b?key=hush HTTP/1.1" 200 5 "-" "x"';
    expect(await read('combined', line)).toEqual({
      method: 'GET',
      path: '/b',
      query: 'key=[redacted]',
      host: 'a.test',
      protocol: 'HTTP/1.1',
      status: 200,
      bytes: 5,
      clientAddress: '::1',
      user: 'frank',
      userAgent: 'x',
      time: '2000-10-10T13:55:36-07:00',
    });
  });
});

describe('a mapping', () => {
  const line = '{"when":"2024-01-02T03:04:05Z","http":{"verb":"GET","to":"/a","code":200},"took":0.25,"status":"fine"}';

  test('says which fields hold what, with dots into nested ones, and in which unit', async () => {
    const mapping = {
      method: 'http.verb',
      target: 'http.to',
      status: 'http.code',
      duration: { field: 'took', unit: 's' as const },
    };
    expect(await read({ format: 'json', time: 'when' }, line, { mapping })).toEqual({
      method: 'GET',
      path: '/a',
      status: 200,
      durationMs: 250,
      time: '2024-01-02T03:04:05Z',
    });
  });

  test('goes before what would be guessed, and leaves the rest to be guessed', async () => {
    const told = await read('json', CADDY, {
      mapping: { clientAddress: 'request.remote_port', duration: 'bytes_read' },
    });
    expect(told).toMatchObject({ clientAddress: '41342', durationMs: 0, status: 200, path: '/', guessed: 'caddy' });
  });

  test('that finds nothing tells of no request', async () => {
    expect(await read('json', line, { mapping: { method: 'nowhere' } })).toMatchObject({
      parseError: { code: 'NO_REQUEST' },
    });
  });
});

describe('LG13: a line that is not that of a request comes as it is, with the reason', () => {
  test.each([
    ['json', 'Listening on 80', 'JSON_SYNTAX'],
    ['json', '{"level":30,"msg":"Listening on 80"}', 'NO_REQUEST'],
    ['json', '{"level":30,"req":{"id":1,"method":"GET","url":"/"},"msg":"something else"}', 'NO_REQUEST'],
    ['combined', 'Listening on 80', 'LINE_SYNTAX'],
    ['logfmt', 'a=b', 'NO_REQUEST'],
  ])('%s: %s', async (format, line, code) => {
    expect(await read(format, line)).toMatchObject({ line, parseError: { code, message: expect.any(String) } });
  });

  test('without the secrets in it', async () => {
    const line = 'GET /a?token=hush HTTP/1.1 Authorization: Bearer hush Cookie: a=hush; b=hush';
    const told = await read('combined', line);
    expect(told.parseError?.code).toBe('LINE_SYNTAX');
    expect(told.line).toContain('GET /a?token=[redacted] HTTP/1.1');
    expect(JSON.stringify(told)).not.toContain('hush');
  });
});

describe('all that a line holds', () => {
  test.each([
    ['pino-http', PINO_HTTP],
    ['express-winston', EXPRESS_WINSTON],
    ['envoy', ENVOY],
    ['nginx', NGINX],
  ])('comes when it is asked for, without secrets: %s', async (_, line) => {
    const { fields, ...told } = await read('json', line, { withFields: true });
    expect(Object.keys(fields ?? {})).toEqual(Object.keys(JSON.parse(line)));
    expect(JSON.stringify({ fields, told })).not.toContain('hush');
  });

  test('or as it is, where redaction is switched off', async () => {
    const told = await read('json', PINO_HTTP, { withFields: true, redact: false });
    expect(told.fields).toEqual(JSON.parse(PINO_HTTP));
    expect(told.query).toBe('id=5&token=hush-query');
  });
});
