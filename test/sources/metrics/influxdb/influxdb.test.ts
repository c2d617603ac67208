import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import { type InfluxdbConfigInput, InfluxdbSource } from 'headwater/sources/metrics/influxdb';
import { afterEach, describe, expect, it } from 'vitest';
import { InfluxdbApi } from '../../../services/influxdb-api.js';

const START = Date.UTC(2026, 0, 1);
const INFLUXQL = 'SELECT value FROM load WHERE time >= $from AND time < $to GROUP BY host';

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function startApi(): Promise<InfluxdbApi> {
  const api = await InfluxdbApi.start();
  opened.push(api);
  return api;
}

/** A server that answers every query so, with 200 unless another status is given; `asked`: what it was asked. */
async function answering(body: string, { type = 'application/csv', status = 200 } = {}) {
  const asked: { url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/ping') {
      response.setHeader('date', new Date(START + 60_000).toUTCString());
      return void response.writeHead(204).end();
    }
    let text = '';
    for await (const piece of request) text += String(piece);
    asked.push({ url: request.url ?? '', headers: request.headers, body: text });
    response.writeHead(status, { 'content-type': type }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push({
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function influxql(url: string, more: object = {}): InfluxdbConfigInput {
  const since = new Date(START).toISOString();
  const queries = [{ name: 'q', query: INFLUXQL }];
  return { language: 'influxql', url, database: 'test', queries, since, lagMs: 0, ...more };
}

/** One run; what it yielded, and the source, to be looked at. */
async function run(config: InfluxdbConfigInput, cursorStore = new MemoryCursorStore(), credentials?: object) {
  const factory = new EventSourceFactory({ sources: { influxdb: InfluxdbSource }, cursorStore });
  const options = { id: 'i', config, ...(credentials !== undefined && { credentials: credentials as never }) };
  const source = (await factory.create('influxdb', options)) as InfluxdbSource;
  opened.push(source);
  const events = [];
  for await (const event of source.generateEvents()) events.push(event);
  await source.close();
  return { events, source };
}

const ids = ({ events }: { events: readonly { id: string }[] }): readonly string[] => events.map(({ id }) => id);
const nanoseconds = (milliseconds: number): string => `${milliseconds}000000`;

describe('windows', () => {
  it('each point once over runs and windows, and the cursor in nanoseconds', async () => {
    const api = await startApi();
    const cursorStore = new MemoryCursorStore();
    for (let step = 0; step < 10; step += 1) api.add({ host: 'a', time: START + step * 1_000, value: step });
    api.now = () => START + 5_000;
    const first = await run(influxql(api.url, { windowMs: 2_000 }), cursorStore);
    expect(ids(first)).toEqual(
      [0, 1, 2, 3, 4].map((step) => `q:load.value{host="a"}@${nanoseconds(START + step * 1_000)}`),
    );
    expect(first.source.getCursor()).toEqual({ until: { q: nanoseconds(START + 5_000) } });
    api.now = () => START + 60_000;
    const second = await run(influxql(api.url, { windowMs: 2_000 }), cursorStore);
    expect(second.events.map(({ data }) => (data as { value: number }).value)).toEqual([5, 6, 7, 8, 9]);
    expect(ids(await run(influxql(api.url), cursorStore))).toEqual([]);
  });

  it('without `since` it begins now, and what comes then is read', async () => {
    const api = await startApi();
    const cursorStore = new MemoryCursorStore();
    api.add({ host: 'a', time: START - 1_000, value: 1 });
    api.now = () => START;
    expect(ids(await run(influxql(api.url, { since: undefined }), cursorStore))).toEqual([]);
    api.add({ host: 'a', time: START + 1_000, value: 2 });
    api.now = () => START + 5_000;
    expect(ids(await run(influxql(api.url, { since: undefined }), cursorStore))).toHaveLength(1);
  });

  it('late points within the overlap come once; what changed comes as a revision', async () => {
    const api = await startApi();
    const cursorStore = new MemoryCursorStore();
    const config = influxql(api.url, { overlapMs: 10_000 });
    api.add({ host: 'a', time: START + 3_000, value: 1 });
    api.now = () => START + 5_000;
    expect(ids(await run(config, cursorStore))).toHaveLength(1);
    api.add({ host: 'a', time: START + 1_000, value: 7 });
    api.now = () => START + 6_000;
    expect(ids(await run(config, cursorStore))).toEqual([`q:load.value{host="a"}@${nanoseconds(START + 1_000)}`]);
    api.replace({ host: 'a', time: START + 3_000, value: 2 });
    api.now = () => START + 7_000;
    const changed = await run(config, cursorStore);
    expect(ids(changed)).toEqual([`q:load.value{host="a"}@${nanoseconds(START + 3_000)}~1`]);
    expect(changed.events[0]?.data).toMatchObject({ value: 2, revision: 1 });
    api.now = () => START + 8_000;
    expect(ids(await run(config, cursorStore))).toEqual([]);
  });

  it('no window ends within a group of `stepMs`', async () => {
    const api = await startApi();
    api.now = () => START + 150_000;
    await run(influxql(api.url, { stepMs: 60_000, windowMs: 90_000 }));
    const edges = api.queries.flatMap((text) =>
      [...text.matchAll(/'([^']+)'/g)].map(([, time]) => Date.parse(time ?? '')),
    );
    expect(edges).toEqual([START, START + 60_000, START + 60_000, START + 120_000]);
  });

  it('broken off anywhere in a window: every point comes', async () => {
    const api = await startApi();
    for (let host = 0; host < 3; host += 1)
      for (let step = 0; step < 1_500; step += 1) api.add({ host: `h${host}`, time: START + step, value: step });
    api.now = () => START + 5_000;
    const cursorStore = new MemoryCursorStore();
    const factory = new EventSourceFactory({ sources: { influxdb: InfluxdbSource }, cursorStore });
    const seen = new Set<string>();
    for (const count of [1, 1_501, 1_700, 2_000, 10_000]) {
      const source = (await factory.create('influxdb', { id: 'i', config: influxql(api.url) })) as InfluxdbSource;
      let taken = 0;
      for await (const event of source.generateEvents()) {
        seen.add(event.id);
        taken += 1;
        if (taken === count) break;
      }
      await source.close();
    }
    expect(seen.size).toBe(4_500);
  });

  it('asks for less where an answer is too large', async () => {
    const api = await startApi();
    for (let step = 0; step < 1_000; step += 1) api.add({ host: 'a', time: START + step * 10, value: step });
    api.now = () => START + 20_000;
    const { events } = await run(influxql(api.url, { maxBodyBytes: 8_000 }));
    expect(events).toHaveLength(1_000);
  });

  it('a threshold is crossed and cleared once, over runs', async () => {
    const api = await startApi();
    const cursorStore = new MemoryCursorStore();
    const thresholds = [{ name: 'high', operator: 'gt', value: 10, clear: 5 }];
    const told: string[] = [];
    for (const [step, value] of [3, 11, 8, 12, 4, 8].entries()) {
      api.add({ host: 'a', time: START + step * 1_000, value });
      api.now = () => START + step * 1_000 + 1_000;
      const { events } = await run(influxql(api.url, { thresholds, samples: false }), cursorStore);
      told.push(...events.map(({ type }) => type));
    }
    expect(told).toEqual(['metric.threshold.crossed', 'metric.threshold.cleared']);
  });
});

describe('Flux', () => {
  const config = (url: string): InfluxdbConfigInput => ({
    language: 'flux',
    url,
    org: 'acme',
    queries: [{ name: 'q', query: 'from(bucket: "b") |> range(start: $from, stop: $to)' }],
    since: new Date(START).toISOString(),
    lagMs: 0,
  });
  const ROWS = `#datatype,string,long,dateTime:RFC3339,string,string,string,double
#group,false,false,false,true,true,true,false
#default,_result,,,,,,
,result,table,_time,_measurement,_field,host,_value
,,0,2026-01-01T00:00:01.000000123Z,cpu,idle,"a,b",1.5
`;

  it('rows become samples; times are literals, the token has its own scheme', async () => {
    const server = await answering(ROWS);
    const { events } = await run(config(server.url), new MemoryCursorStore(), { token: 'flux-token' });
    expect(events).toMatchObject([
      { time: '2026-01-01T00:00:01.000000123Z', data: { metric: 'cpu.idle', labels: { host: 'a,b' }, value: 1.5 } },
    ]);
    expect(server.asked[0]?.headers.authorization).toBe('Token flux-token');
    expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({
      query: 'from(bucket: "b") |> range(start: 2026-01-01T00:00:00.000Z, stop: 2026-01-01T00:01:00.000Z)',
    });
  });

  it('IF1: an error table after good rows is an error, and moves no cursor', async () => {
    const server = await answering(`${ROWS}\n#datatype,string,long\n,error,reference\n,memory allocation limit,897\n`);
    const factory = new EventSourceFactory({
      sources: { influxdb: InfluxdbSource },
      cursorStore: new MemoryCursorStore(),
    });
    const source = (await factory.create('influxdb', { id: 'i', config: config(server.url) })) as InfluxdbSource;
    opened.push(source);
    await expect(source.generateEvents().next()).rejects.toMatchObject({
      code: 'INFLUXDB_QUERY',
      message: expect.stringContaining('memory allocation limit'),
    });
    expect((source.getCursor() as { until: object } | undefined)?.until ?? {}).not.toMatchObject({
      q: nanoseconds(START + 60_000),
    });
  });
});

describe('SQL', () => {
  it('columns of text are labels, columns of numbers metrics', async () => {
    const rows = [
      { time: '2026-01-01T00:00:01.123456789', host: 'a', usage: 1.5, count: 3 },
      { time: '2026-01-01T00:00:02', host: 'b', usage: null, count: 4 },
    ];
    const server = await answering(JSON.stringify(rows), { type: 'application/json' });
    const query = 'SELECT * FROM cpu WHERE time >= $from AND time < $to';
    const since = new Date(START).toISOString();
    const queries = [{ name: 'q', query }];
    const { events } = await run({ language: 'sql', url: server.url, database: 'd', queries, since, lagMs: 0 });
    expect(events.map(({ id }) => id)).toEqual([
      'q:count{host="a"}@1767225601123456789',
      'q:count{host="b"}@1767225602000000000',
      'q:usage{host="a"}@1767225601123456789',
    ]);
    expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({ db: 'd', format: 'json' });
  });
});

describe('bad input', () => {
  const failing = async (body: string, options: { type?: string; status?: number } = {}): Promise<unknown> => {
    const server = await answering(body, { type: 'application/json', ...options });
    return run(influxql(server.url)).then(
      () => undefined,
      (error: unknown) => error,
    );
  };

  it('an error within a 200, of a statement or of all', async () => {
    const partly =
      '{"results":[{"series":[{"name":"load","columns":["time","value"],"values":[["2026-01-01T00:00:01Z",1]]}]}]}\n' +
      '{"results":[{"error":"timeout"}]}\n';
    for (const body of [partly, '{"error":"database not found"}']) {
      expect(await failing(body)).toMatchObject({ code: 'INFLUXDB_QUERY' });
    }
  });

  it('a page, nothing, what is cut off, times that are none', async () => {
    const cut = '{"results":[{"series":[{"name":"load","columns":["time"';
    const noTime = '{"results":[{"series":[{"name":"load","columns":["time","value"],"values":[["yesterday",1]]}]}]}';
    for (const body of ['<html>', '', cut, '[]', noTime]) {
      expect(await failing(body)).toMatchObject({ code: 'INFLUXDB_ANSWER' });
    }
  });

  it('a status that refuses the query', async () => {
    const error = await failing('{"error":"error parsing query"}', { status: 400 });
    expect(error).toMatchObject({ code: 'INFLUXDB_QUERY', message: expect.stringContaining('error parsing query') });
  });

  it('a query without its times, a URL with a password', async () => {
    const url = 'http://influxdb:8086';
    const queries = [{ name: 'q', query: 'SELECT value FROM load' }];
    await expect(InfluxdbSource.create({ id: 'i', config: influxql(url, { queries }) })).rejects.toThrow('$from');
    await expect(InfluxdbSource.create({ id: 'i', config: influxql('http://u:p@influxdb') })).rejects.toThrow(
      'credentials',
    );
  });
});
