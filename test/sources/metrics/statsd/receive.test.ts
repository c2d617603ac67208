import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type StatsdAddress,
  type StatsdConfigInput,
  type StatsdEvent,
  StatsdSource,
} from 'headwater/sources/metrics/statsd';
import { FakeClock } from 'headwater/testing';
import { StatsD } from 'hot-shots';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../services/daemon.js';
import { eventually } from '../../../support/observing.js';

async function start(config: Partial<StatsdConfigInput> = {}, more: object = {}) {
  const source = await StatsdSource.create({
    id: 'test',
    config: { listen: [{ transport: 'udp', port: 0 }], emit: 'samples', ...config },
    ...more,
  });
  onTestFinished(() => source.close());
  const [address] = await source.listen();
  const events: StatsdEvent[] = [];
  const reading = (async () => {
    for await (const event of source.generateEvents()) events.push(event);
  })();
  reading.catch(() => {});
  return { source, address: address as Extract<StatsdAddress, { port: number }>, events };
}

const told = (events: readonly StatsdEvent[]): unknown[] =>
  events.map(({ type, subject, data }) => (type === 'metric.sample' ? [subject, data.kind, data.value] : type));

async function sendTo({ port }: { port: number }, ...packets: string[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const packet of packets) await new Promise((resolve) => socket.send(packet, port, '127.0.0.1', resolve));
  socket.close();
}

it('ST1: a malformed line in a packet does its neighbours no harm, and is told', async () => {
  const { address, events } = await start();
  await sendTo(address, 'a:1|c\nbroken\nb:2|g\n');
  await eventually(() => events.length === 3);
  expect(told(events)).toEqual([['a', 'counter', 1], 'statsd.error', ['b', 'gauge', 2]]);
  expect(events[1]?.data).toEqual({ reason: 'it has no type', line: 'broken' });
});

it('ST1: lines over TCP are whole, however they are cut into packets', async () => {
  const { address, events } = await start({ listen: [{ transport: 'tcp', port: 0 }] });
  const socket = connect(address.port, '127.0.0.1');
  const text = Buffer.from('caf\u00e9:1|c\nb:2|c|#t:\u20ac\nc:3|c');
  for (const byte of text) await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
  socket.end();
  await eventually(() => events.length === 3);
  expect(told(events)).toEqual([
    ['caf\u00e9', 'counter', 1],
    ['b{t="\u20ac"}', 'counter', 2],
    ['c', 'counter', 3],
  ]);
});

it('a stream socket of the file system', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-statsd-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'statsd.sock');
  const { events } = await start({ listen: [{ transport: 'unix', path }] });
  connect(path).end('a:1|c\n');
  await eventually(() => events.length === 1);
  expect(told(events)).toEqual([['a', 'counter', 1]]);
});

it('hot-shots is understood: every kind, tags, events, checks', async () => {
  const { address, events } = await start();
  const client = new StatsD({ host: '127.0.0.1', port: address.port, globalTags: { env: 'test' }, maxBufferSize: 0 });
  client.increment('count', 3, ['a:b']);
  client.decrement('count');
  client.gauge('gauge', 4.5);
  client.gaugeDelta('gauge', -2);
  client.timing('timing', 320);
  client.histogram('histogram', 7);
  client.distribution('distribution', 8);
  client.set('unique', 'user-1');
  client.event('deploy', 'version 2|3\nis out', { alert_type: 'info', priority: 'low' });
  client.check('database', client.CHECKS.WARNING, { message: 'slow' });
  await eventually(() => events.length === 10);
  await new Promise((resolve) => client.close(resolve));
  expect(told(events)).toEqual([
    ['count{a="b",env="test"}', 'counter', 3],
    ['count{env="test"}', 'counter', -1],
    ['gauge{env="test"}', 'gauge', 4.5],
    ['gauge{env="test"}', 'gauge', -2],
    ['timing{env="test"}', 'timer', 320],
    ['histogram{env="test"}', 'histogram', 7],
    ['distribution{env="test"}', 'distribution', 8],
    ['unique{env="test"}', 'set', 1],
    'statsd.event',
    'statsd.service_check',
  ]);
  expect(events[3]?.data).toMatchObject({ delta: true });
  expect(events[7]?.data).toMatchObject({ member: 'user-1' });
  expect(events[8]?.data).toMatchObject({
    title: 'deploy',
    text: 'version 2|3\nis out',
    priority: 'low',
    alertType: 'info',
  });
  expect(events[9]?.data).toMatchObject({
    name: 'database',
    status: 'warning',
    message: 'slow',
    labels: { env: 'test' },
  });
});

it('what the repeater of the statsd package sends on is understood', async () => {
  const { address, events } = await start();
  const { EventEmitter } = await import('node:events');
  const emitter = new EventEmitter();
  const repeater = createRequire(import.meta.url)('statsd/backends/repeater.js') as {
    init(startup: number, config: object, events: object, logger?: object): boolean;
  };
  const config = { repeater: [{ host: '127.0.0.1', port: address.port }], repeaterProtocol: 'udp4' };
  repeater.init(Date.now() / 1_000, config, emitter, { log: () => {} });
  emitter.emit('packet', Buffer.from('gorets:1|c|@0.1\nglork:320|ms\nuniques:765|s'), {});
  await eventually(() => events.length === 3);
  expect(told(events)).toEqual([
    ['gorets', 'counter', 1],
    ['glork', 'timer', 320],
    ['uniques', 'set', 1],
  ]);
  expect(events[0]?.data).toMatchObject({ rate: 0.1 });
});

it('aggregates come when their interval is over, and thresholds are about them', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const thresholds = [{ name: 'many', metric: 'errors', operator: 'gt' as const, value: 5 }];
  const { address, events, source } = await start({ emit: 'aggregates', flushMs: 10_000, thresholds }, { clock });
  for (const [round, count] of [7, 9, 1].entries()) {
    const before = source.getStats().bytes;
    await sendTo(address, ...Array.from({ length: count }, () => 'errors:1|c'));
    await eventually(() => source.getStats().bytes - before === count * 'errors:1|c\n'.length);
    await clock.advance(10_000);
    await eventually(() => events.filter(({ type }) => type === 'metric.sample').length === round + 1);
  }
  await eventually(() => events.length === 5);
  expect(told(events)).toEqual([
    ['errors', 'counter', 7],
    'metric.threshold.crossed',
    ['errors', 'counter', 9],
    ['errors', 'counter', 1],
    'metric.threshold.cleared',
  ]);
});

it('what is too much is dropped, counted and told', async () => {
  const { address, source } = await start({ emit: 'aggregates', maxSeries: 2 });
  await sendTo(address, 'a:1|c\nb:1|c\nc:1|c\nd:1|c\na:1|c');
  await eventually(() => (source.getStats().dropped['series'] ?? 0) === 2);
  const limited = await start({ allow: ['10.0.0.0/8'] });
  await sendTo(limited.address, 'a:1|c');
  await eventually(() => (limited.source.getStats().dropped['not-allowed'] ?? 0) === 1);
});

it('a line that has no end closes its connection', async () => {
  const { address, source } = await start({ listen: [{ transport: 'tcp', port: 0 }], maxPacketBytes: 1_000 });
  const socket = connect(address.port, '127.0.0.1');
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.write('x'.repeat(100_000));
  await closed;
  expect(source.getStats().dropped['line-too-long']).toBe(1);
});

it('a port that is taken is told, and what was opened is closed again', async () => {
  const port = await freePort();
  const first = await start({ listen: [{ transport: 'tcp', port }] });
  const config = {
    listen: [
      { transport: 'udp' as const, port: 0 },
      { transport: 'tcp' as const, port },
    ],
  };
  const second = await StatsdSource.create({ id: 'second', config });
  onTestFinished(() => second.close());
  expect(await second.validate()).toMatchObject({ ok: false, problems: [{ code: 'STATSD_LISTEN' }] });
  await expect(second.listen()).rejects.toMatchObject({ code: 'STATSD_LISTEN' });
  expect(second.addresses()).toEqual([]);
  expect(first.source.addresses()).toHaveLength(1);
});
