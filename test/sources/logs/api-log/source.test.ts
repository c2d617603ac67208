import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, EventSourceFactory } from 'headwater';
import { builtinSources } from 'headwater/sources';
import { type ApiLogConfigInput, type ApiLogEvent, ApiLogSource, type LogCursor } from 'headwater/sources/logs/api-log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXPRESS_WINSTON, PINO_HTTP } from './lines.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'headwater-api-log-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

type Options = Omit<ApiLogConfigInput, 'files' | 'dir'> & { files?: string };

async function open(config: Options = {}, cursor?: LogCursor): Promise<ApiLogSource> {
  return ApiLogSource.create({ id: 'api', config: { files: '*.log', dir, ...config }, cursor });
}

async function readAll(source: ApiLogSource, limit?: number): Promise<ApiLogEvent[]> {
  const events: ApiLogEvent[] = [];
  for await (const event of source.generateEvents({ limit })) events.push(event);
  return events;
}

function requests(events: readonly ApiLogEvent[]) {
  return events.flatMap((event) => (event.type === 'http.request' ? [event.data] : []));
}

/** A line of a combined log. */
function line(request: string, status: number): string {
  return `10.0.0.1 - - [10/Oct/2024:13:55:${String(status % 60).padStart(2, '0')} +0000] "${request}" ${status} 5 "-" "curl/8"\n`;
}

test('tells of each request where it stands in which file', async () => {
  const first = line('GET /a?b=c HTTP/1.1', 200);
  writeFileSync(join(dir, 'a.log'), first + line('POST /d HTTP/1.1', 201));
  const events = await readAll(await open());
  expect(events).toEqual([
    expect.objectContaining({
      type: 'http.request',
      sourceid: 'api',
      sourcetype: 'api-log',
      time: '2024-10-10T13:55:20Z',
    }),
    expect.objectContaining({ type: 'http.request', time: '2024-10-10T13:55:21Z' }),
  ]);
  expect(requests(events)).toEqual([
    {
      file: 'a.log',
      offset: 0,
      method: 'GET',
      path: '/a',
      query: 'b=c',
      protocol: 'HTTP/1.1',
      status: 200,
      bytes: 5,
      clientAddress: '10.0.0.1',
      userAgent: 'curl/8',
    },
    expect.objectContaining({ file: 'a.log', offset: first.length, method: 'POST', path: '/d' }),
  ]);
});

describe('B3: filters by a list of statuses and an endpoint glob', () => {
  const cases: [string, Options, string][] = [
    ['text', {}, ['GET /api/a 200', 'GET /api/a 404', 'GET /b 500', 'GET /api/c 503'].map(asText).join('')],
    [
      'json',
      { format: 'json' },
      ['GET /api/a 200', 'GET /api/a 404', 'GET /b 500', 'GET /api/c 503'].map(asJson).join(''),
    ],
  ];

  test.each(cases)('%s', async (_, config, content) => {
    writeFileSync(join(dir, 'api.log'), content);
    const source = await open({ ...config, filter: { status: [404, 500, 503], endpoint: '/api/**' } });
    expect(requests(await readAll(source)).map(({ path, status }) => `${path} ${status}`)).toEqual([
      '/api/a 404',
      '/api/c 503',
    ]);
    expect(source.getStats()).toMatchObject({ events: 2, dropped: { filtered: 2 } });
  });
});

function asText(request: string): string {
  const [method, path, status] = request.split(' ');
  return line(`${method} ${path} HTTP/1.1`, Number(status));
}

function asJson(request: string): string {
  const [method, url, status] = request.split(' ');
  return `${JSON.stringify({ method, url, status: Number(status) })}\n`;
}

describe('what is left out', () => {
  test('is not read again: the cursor passes it', async () => {
    const content = Array.from({ length: 5_000 }, () => line('GET / HTTP/1.1', 200)).join('');
    writeFileSync(join(dir, 'a.log'), content);
    const source = await open({ filter: { status: '5xx' } });
    expect(await readAll(source)).toEqual([]);
    expect(source.getStats()).toMatchObject({ events: 0, dropped: { filtered: 5_000 } });

    appendFileSync(join(dir, 'a.log'), line('GET /late HTTP/1.1', 500));
    const later = await open({ filter: { status: '5xx' } }, source.getCursor());
    expect(requests(await readAll(later)).map(({ path }) => path)).toEqual(['/late']);
    expect(later.getStats().dropped).toEqual({});
    expect(later.getStats().bytes).toBeLessThan(content.length / 10);
  });

  test('loses nothing of the rest, wherever a run ends', async () => {
    const wanted = (index: number) => index % 3 === 0;
    const lines = Array.from({ length: 60 }, (_, index) => line(`GET /${index} HTTP/1.1`, wanted(index) ? 500 : 200));
    writeFileSync(join(dir, 'a.log'), lines.join(''));
    const config: Options = { filter: { status: 500 } };
    const paths: (string | undefined)[] = [];
    let cursor: LogCursor | undefined;
    for (let isMore = true; isMore; ) {
      const source = await open(config, cursor);
      const part = requests(await readAll(source, 3));
      paths.push(...part.map(({ path }) => path));
      cursor = source.getCursor();
      isMore = part.length > 0;
    }
    expect(paths).toEqual(lines.flatMap((_, index) => (wanted(index) ? [`/${index}`] : [])));
  });
});

test('a sample is the same on every run, and the statistics state it', async () => {
  const lines = Array.from({ length: 2_000 }, (_, index) => line(`GET /${index} HTTP/1.1`, 200));
  writeFileSync(join(dir, 'a.log'), lines.join(''));
  const source = await open({ sample: 0.1 });
  const events = await readAll(source);
  expect(events.length).toBeGreaterThan(120);
  expect(events.length).toBeLessThan(300);
  expect(source.getStats().dropped).toEqual({ sampled: 2_000 - events.length });
  expect((await readAll(await open({ sample: 0.1 }))).map(({ id }) => id)).toEqual(events.map(({ id }) => id));

  const first = await open({ sample: 0.1 });
  const part = await readAll(first, 50);
  const rest = await readAll(await open({ sample: 0.1 }, first.getCursor()));
  expect([...part, ...rest].map(({ id }) => id)).toEqual(events.map(({ id }) => id));
});

describe('LG13: a line that is not that of a request', () => {
  const content = `starting token=hush\n${line('GET / HTTP/1.1', 200)}`;

  test('is delivered, whatever the filters and the sample, without the secrets in it', async () => {
    writeFileSync(join(dir, 'a.log'), content);
    const source = await open({ filter: { status: '5xx' }, sample: 0.000001 });
    expect(requests(await readAll(source))).toEqual([
      {
        file: 'a.log',
        offset: 0,
        line: 'starting token=[redacted]',
        parseError: { code: 'LINE_SYNTAX', message: expect.any(String) },
      },
    ]);
  });

  test('is left out and counted where that is asked for', async () => {
    writeFileSync(join(dir, 'a.log'), content);
    const source = await open({ otherLines: 'drop' });
    expect(await readAll(source)).toHaveLength(1);
    expect(source.getStats().dropped).toEqual({ 'other-lines': 1 });
  });

  test('as is one that was too long', async () => {
    writeFileSync(join(dir, 'a.log'), line(`GET /${'x'.repeat(500)} HTTP/1.1`, 200));
    const source = await open({ maxLineBytes: 100, tooLong: 'truncate' });
    expect(requests(await readAll(source))).toMatchObject([{ truncated: true, parseError: { code: 'LINE_SYNTAX' } }]);
  });
});

describe('secrets', () => {
  const content = `${PINO_HTTP}\n${EXPRESS_WINSTON}\n{"cookie":"a=hush","msg":"no request"}\nAuthorization: Bearer hush\n`;

  test.each<Options>([{}, { withFields: true }])('are in no event: %j', async (config) => {
    writeFileSync(join(dir, 'a.log'), content);
    const events = await readAll(await open({ format: 'json', ...config }));
    expect(events).toHaveLength(4);
    expect(JSON.stringify(events)).not.toContain('hush');
  });

  test('that are parted from their names by a line that is too long are in no event', async () => {
    for (let length = 60; length < 80; length += 1) {
      writeFileSync(join(dir, 'a.log'), line(`GET /${'x'.repeat(length)}?token=${'hush'.repeat(20)} HTTP/1.1`, 200));
      const events = await readAll(await open({ maxLineBytes: 130 }));
      expect(events.length).toBeGreaterThan(1);
      expect(JSON.stringify(events)).not.toContain('hush');
    }
  });

  test('of other names are taken out when they are named', async () => {
    writeFileSync(join(dir, 'a.log'), line('GET /?tenant=hush&a=1 HTTP/1.1', 200));
    const source = await open({ redact: { names: ['tenant'] } });
    expect(requests(await readAll(source))).toMatchObject([{ query: 'tenant=[redacted]&a=1' }]);
  });

  test('stay where that is asked for', async () => {
    writeFileSync(join(dir, 'a.log'), line('GET /?token=hush HTTP/1.1', 200));
    expect(requests(await readAll(await open({ redact: false })))).toMatchObject([{ query: 'token=hush' }]);
  });

  test('are seen by filters, which look at what the log has', async () => {
    writeFileSync(join(dir, 'a.log'), line('GET /a;token=hush HTTP/1.1', 200));
    expect(requests(await readAll(await open({ filter: { endpoint: '/a;token=*' } })))).toMatchObject([
      { path: '/a;token=[redacted]' },
    ]);
  });
});

test('reading can start at a time: earlier requests are passed over', async () => {
  const at = (hour: number) => line(`GET /${hour} HTTP/1.1`, 200).replace(':13:', `:${hour}:`);
  writeFileSync(join(dir, 'a.log'), [at(12), at(14), 'what follows has no time\n', at(16)].join(''));
  const source = await open({ start: '2024-10-10T15:00:00+00:00' });
  expect(requests(await readAll(source)).map(({ path }) => path)).toEqual(['/16']);
});

describe('a configuration is refused', () => {
  test.each<[string, object, string]>([
    ['a status that is none', { filter: { status: '6yy' } }, 'filter.status'],
    ['a range that runs backwards', { filter: { status: '500-400' } }, 'filter.status'],
    ['a format that is none', { format: 'jsno' }, 'expected one of json'],
    ['an empty list', { filter: { endpoint: [] } }, 'filter.endpoint'],
    ['a sample of nothing', { sample: 0 }, 'sample'],
    ['more than all', { sample: 1.5 }, 'sample'],
    ['a format without fields', { format: 'text' }, 'format'],
    ['a zone that is none', { format: { format: 'json', zone: 'Mars' } }, 'format'],
    ['a pattern that is none', { format: { pattern: '(' } }, 'format.pattern'],
    ['a unit that is none', { mapping: { duration: { field: 'a', unit: 'min' } } }, 'expected the name of a field'],
    ['a misspelt key', { smaple: 0.5 }, 'sample'],
  ])('%s', async (_, config, told) => {
    const made = ApiLogSource.create({ id: 'api', config: { files: 'a.log', ...config } as ApiLogConfigInput });
    const error = await made.then(() => undefined).catch((reason: unknown) => reason);
    expect(ConfigError.isInstance(error)).toBe(true);
    expect(JSON.stringify((error as ConfigError).problems)).toContain(told);
  });
});

test('the catalogue has it', async () => {
  writeFileSync(join(dir, 'a.log'), line('GET / HTTP/1.1', 200));
  const factory = new EventSourceFactory({ sources: builtinSources });
  const source = await factory.create('api-log', { id: 'api', config: { files: join(dir, 'a.log') } });
  const types: string[] = [];
  for await (const event of source.generateEvents()) types.push(event.type);
  expect(types).toEqual(['http.request']);
});
