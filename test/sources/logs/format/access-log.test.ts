import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatOf, NOW, parseLine, said } from './reading.js';

const APACHE = '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326';
const AGENT = '"http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"';

const EXAMPLE = {
  clientAddress: '127.0.0.1',
  user: 'frank',
  method: 'GET',
  target: '/apache_pb.gif',
  protocol: 'HTTP/1.0',
  status: 200,
  bytes: 2326,
};

test('reads the line that the pages of Apache print, common and combined', async () => {
  const time = '2000-10-10T13:55:36-07:00';
  expect(await said('common', APACHE)).toEqual({ fields: EXAMPLE, time });
  const userAgent = 'Mozilla/4.08 [en] (Win98; I ;Nav)';
  const combined = { ...EXAMPLE, referer: 'http://www.example.com/start.html', userAgent };
  expect(await said('combined', `${APACHE} ${AGENT}`)).toEqual({ fields: combined, time });
  expect(await said('nginx', `${APACHE} ${AGENT}`)).toEqual({ fields: combined, time });
});

test('what follows what the format has is kept', async () => {
  expect((await parseLine('combined', `${APACHE} ${AGENT} "10.0.0.1" 0.004`)).fields['rest']).toBe('"10.0.0.1" 0.004');
  expect((await parseLine('common', `${APACHE} ${AGENT}`)).fields['rest']).toBe(AGENT);
});

const around = (request: string, agent = '"-" "-"', before = '::1 - -') =>
  `${before} [10/Oct/2000:13:55:36 +0000] "${request}" 400 0 ${agent}`;

describe('lines as they are found', () => {
  test.each<[name: string, line: string, fields: object]>([
    ['an IPv6 client', around('GET / HTTP/1.1'), { clientAddress: '::1', method: 'GET', target: '/' }],
    [
      'a user with spaces and brackets',
      around('GET / HTTP/1.1', undefined, '10.0.0.1 - Joe [x] Smith'),
      { user: 'Joe [x] Smith' },
    ],
    ['an empty request', around(''), { request: '' }],
    ['no request at all, as nginx logs it', around('-'), { status: 400 }],
    ['a request without protocol', around('GET /'), { request: 'GET /' }],
    ['a request with spaces in its path', around('GET /a b HTTP/1.1'), { request: 'GET /a b HTTP/1.1' }],
    [
      'the beginning of a TLS handshake',
      around(String.raw`\x16\x03\x01\x00\xF9\x01`),
      { request: String.raw`\x16\x03\x01\x00\xF9\x01` },
    ],
    ['a proxy request', around('GET http://a.test/b?c HTTP/1.1'), { target: 'http://a.test/b?c' }],
    [
      'quotes that Apache escaped',
      around('GET / HTTP/1.1', String.raw`"-" "a \"b\" \\c\tд"`),
      { userAgent: 'a "b" \\c\tд' },
    ],
    [
      'quotes that nginx escaped',
      around('GET / HTTP/1.1', String.raw`"-" "a \x22b\x22 \x5Cc\xD0\xB4"`),
      { userAgent: 'a "b" \\cд' },
    ],
    ['quotes that nobody escaped', around('GET / HTTP/1.1', '"-" "a "b", c"'), { userAgent: 'a "b", c' }],
    ['a quote in the request', around('GET /"x" HTTP/1.1'), { target: '/"x"' }],
    ['no size', around('GET / HTTP/1.1').replace('400 0', '304 -'), { status: 304, bytes: 0 }],
    ['no status', around('GET / HTTP/1.1').replace('400 0', '- 0'), { bytes: 0 }],
  ])('%s', async (_, line, fields) => {
    const parsed = await parseLine('combined', line);
    expect(parsed.parseError).toBeUndefined();
    expect(parsed.fields).toMatchObject(fields);
  });

  test('what is logged as `-` is absent', async () => {
    expect(Object.keys((await parseLine('combined', around('-'))).fields).sort()).toEqual([
      'bytes',
      'clientAddress',
      'status',
    ]);
  });
});

describe('LG13: a line that does not fit is told of', () => {
  test.each([
    '',
    'starting up',
    '1.1.1.1 - - "GET / HTTP/1.1" 200 1 "-" "-"',
    '1.1.1.1 - - [10/Oct/2000:13:55:36 +0000]',
    '1.1.1.1 - - [31/Feb/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
    '1.1.1.1 - - [10/Okt/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
    ' [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
    '1.1.1.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1',
    '1.1.1.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" ok 1 "-" "-"',
    '1.1.1.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 99999999999999999999 "-" "-"',
    '1.1.1.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 1',
    '1.1.1.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-"',
    '1.1.1.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "open',
  ])('%j', async (line) => {
    expect(await said('combined', line)).toEqual({
      fields: {},
      parseError: { code: 'LINE_SYNTAX', message: expect.any(String) },
    });
  });
});

/** As Apache 2.4 writes what a client sent: mod_log_config and `ap_escape_logitem`. */
function asApache(text: string): string {
  const named: Record<string, string> = {
    '"': '\\"',
    '\\': '\\\\',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\b': '\\b',
    '\v': '\\v',
    '\f': '\\f',
  };
  return bytesOf(text, (byte) => named[byte], 'x');
}

/** As nginx writes it with `escape=default`: `ngx_http_log_escape`. */
function asNginx(text: string): string {
  return bytesOf(text, (byte) => (byte === '"' || byte === '\\' ? undefined : ''), 'X');
}

function bytesOf(text: string, named: (byte: string) => string | undefined, letters: 'x' | 'X'): string {
  return [...Buffer.from(text, 'utf8')]
    .map((code) => {
      const byte = String.fromCharCode(code);
      const name = named(byte);
      if (name !== undefined && name !== '') return name;
      const isPlain = code >= 0x20 && code < 0x7f && !(byte === '"' || byte === '\\');
      const hex = code.toString(16).padStart(2, '0');
      return isPlain ? byte : `\\x${letters === 'X' ? hex.toUpperCase() : hex}`;
    })
    .join('');
}

describe('what a client sent comes out as it was sent', () => {
  const text = fc.string({ unit: 'binary' }).filter((sent) => sent !== '-' && sent !== '' && !/\p{Cs}/u.test(sent));
  const word = text.filter((sent) => !sent.includes(' '));

  test.each([
    ['Apache', asApache],
    ['nginx', asNginx],
  ])('as %s logs it', async (_, written) => {
    const format = await formatOf('combined');
    fc.assert(
      fc.property(
        word,
        word,
        text,
        text,
        fc.nat(999),
        fc.nat(2 ** 40),
        (method, target, referer, userAgent, status, bytes) => {
          const request = written(`${method} ${target} HTTP/1.1`);
          const line = `::1 - - [10/Oct/2000:13:55:36 +0000] "${request}" ${status} ${bytes} "${written(referer)}" "${written(userAgent)}"`;
          expect(format.parse(line, NOW).fields).toEqual({
            clientAddress: '::1',
            method,
            target,
            protocol: 'HTTP/1.1',
            status,
            bytes,
            referer,
            userAgent,
          });
        },
      ),
    );
  });
});
