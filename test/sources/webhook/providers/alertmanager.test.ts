import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type AlertmanagerAlert,
  alertmanager,
  alertmanagerOptions,
  readAlerts,
} from '../../../../src/sources/webhook/providers/alertmanager.js';
import { Alertmanager, hasAlertmanager } from '../../../services/alertmanager.js';
import { describeWith } from '../../../services/needs.js';
import { Bridge } from './bridge.js';
import { Receiving } from './receiving.js';
import { request } from './request.js';

const NO_TIME = '0001-01-01T00:00:00Z';

function alert(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    status: 'firing',
    labels: { alertname: 'DiskFull', instance: 'db1' },
    annotations: { summary: 'The disk is full' },
    startsAt: '2026-01-02T03:04:05.678901234Z',
    endsAt: NO_TIME,
    generatorURL: 'http://prometheus:9090/graph',
    fingerprint: '1f2e3d4c5b6a7988',
    ...fields,
  };
}

function notification(alerts: readonly unknown[], fields: Record<string, unknown> = {}) {
  const body = {
    version: '4',
    groupKey: '{}:{alertname="DiskFull"}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'here',
    groupLabels: { alertname: 'DiskFull' },
    commonLabels: { alertname: 'DiskFull' },
    commonAnnotations: {},
    externalURL: 'http://alertmanager:9093',
    alerts,
    ...fields,
  };
  return request({ body: JSON.stringify(body) });
}

const resolved = { status: 'resolved', endsAt: '2026-01-02T04:00:00Z' };

describe('alerts', () => {
  it('WH10: are events each, with the group that they were told of in', () => {
    const other = alert({ labels: { alertname: 'DiskFull', instance: 'db2' }, fingerprint: 'aaaa' });
    const { events } = readAlerts(notification([alert(), other]));
    expect(events.map(({ subject, data }) => [subject, data.labels['instance']])).toEqual([
      ['DiskFull', 'db1'],
      ['DiskFull', 'db2'],
    ]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(2);
    expect(events[0]).toMatchObject({
      type: 'alertmanager.alert',
      time: '2026-01-02T03:04:05.678901234Z',
      data: {
        status: 'firing',
        groupKey: '{}:{alertname="DiskFull"}',
        receiver: 'here',
        groupLabels: { alertname: 'DiskFull' },
      },
    });
  });

  it('WH10: are called the same when they are told of again, and otherwise when they changed', () => {
    const idOf = (fields = {}, group = {}) => readAlerts(notification([alert(fields)], group)).events[0]?.id;
    expect(idOf({ annotations: {} }, { truncatedAlerts: 3, commonLabels: {} })).toBe(idOf());
    expect(idOf({ endsAt: '2026-02-01T00:00:00Z' })).toBe(idOf());
    const ids = [
      idOf(),
      idOf({ startsAt: '2026-01-02T05:00:00Z' }),
      idOf({ fingerprint: 'bbbb' }),
      idOf({}, { groupKey: '{}:{}' }),
      idOf(resolved),
      idOf({ ...resolved, endsAt: '2026-01-02T05:00:00Z' }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('WH10: the delivery is called after its alerts', () => {
    const idOf = (alerts: readonly unknown[]) => readAlerts(notification(alerts)).id;
    expect(idOf([alert()])).toBe(idOf([alert()]));
    expect(idOf([alert(), alert(resolved)])).not.toBe(idOf([alert()]));
    expect(idOf([])).toBeUndefined();
  });

  it('WH10: have no end while they fire', () => {
    const [firing] = readAlerts(notification([alert()])).events;
    expect(firing?.data).not.toHaveProperty('endsAt');
    const [over] = readAlerts(notification([alert(resolved)])).events;
    expect(over).toMatchObject({ time: '2026-01-02T04:00:00Z', data: { endsAt: '2026-01-02T04:00:00Z' } });
  });

  it('WH10: that were left out are told of', () => {
    expect(readAlerts(notification([alert()])).truncated).toBeUndefined();
    expect(readAlerts(notification([alert()], { truncatedAlerts: 7 })).truncated).toMatchObject({
      count: 7,
      detail: expect.stringContaining('{}:{alertname="DiskFull"}'),
    });
  });

  it('may have labels of any name, and no fingerprint', () => {
    const labels = '{"alertname":"X","__proto__":"p","constructor":"c"}';
    const body = JSON.stringify({ version: '4', groupKey: 'g', alerts: [alert({ fingerprint: undefined })] });
    const { events } = readAlerts(request({ body: body.replace('{"alertname":"DiskFull","instance":"db1"}', labels) }));
    expect(Object.entries(events[0]?.data.labels ?? {})).toEqual([
      ['alertname', 'X'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
    expect(events[0]?.data.fingerprint).toMatch(/^[\w-]{22}$/);
  });

  it.each([
    ['no alerts', notification([], { alerts: undefined })],
    ['another version', notification([alert()], { version: '3' })],
    ['an alert that is no object', notification(['x'])],
    ['an alert in no known state', notification([alert({ status: 'pending' })])],
    ['an alert without a begin', notification([alert({ startsAt: undefined })])],
    ['no object', request({ body: '[]' })],
  ])('cannot be read from %s', (_, given) => {
    expect(() => readAlerts(given)).toThrow(expect.objectContaining({ code: 'WEBHOOK_PAYLOAD' }));
  });
});

describeWith('prometheus-alertmanager (Debian)', hasAlertmanager(), 'a real Alertmanager', () => {
  const directories: string[] = [];
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  });

  async function start(
    httpConfig: readonly string[],
    provider = alertmanager(alertmanagerOptions.parse({}), ['s3cret']),
    more: { maxAlerts?: number; repeatInterval?: string } = {},
  ) {
    const bridge = await Bridge.start(provider);
    stops.push(() => bridge.stop());
    return { bridge, sender: await startSender(bridge.url, httpConfig, more) };
  }

  async function startSender(
    url: string,
    httpConfig: readonly string[],
    more: { maxAlerts?: number; repeatInterval?: string },
  ): Promise<Alertmanager> {
    const directory = mkdtempSync(join(tmpdir(), 'headwater-alertmanager-'));
    directories.push(directory);
    const sender = await Alertmanager.start(directory, { url, httpConfig, ...more });
    stops.push(() => sender.stop());
    return sender;
  }

  const bearer = ['authorization:', '  type: Bearer', '  credentials: s3cret'];
  const labels = { alertname: 'DiskFull', instance: 'db1' };
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  const data = ({ events }: Bridge): AlertmanagerAlert[] => events.map((event) => event.data as AlertmanagerAlert);

  it('WH10: tells of an alert that fires and is resolved', async () => {
    const { bridge, sender } = await start(bearer);
    await sender.post([{ labels, annotations: { summary: 'full' }, startsAt }]);
    await bridge.until(() => bridge.events.length > 0);
    await sender.post([{ labels, startsAt, endsAt: new Date(Date.now() - 1_000).toISOString() }]);
    await bridge.until(() => data(bridge).some(({ status }) => status === 'resolved'));
    const [firing] = data(bridge);
    const over = data(bridge).find(({ status }) => status === 'resolved');
    expect(firing).toMatchObject({ status: 'firing', labels, annotations: { summary: 'full' }, receiver: 'here' });
    expect(firing).not.toHaveProperty('endsAt');
    expect(over?.fingerprint).toBe(firing?.fingerprint);
    expect(over?.groupKey).toBe(firing?.groupKey);
    expect(Date.parse(over?.startsAt ?? '')).toBe(Date.parse(startsAt));
    expect(Date.parse(over?.endsAt ?? '')).toBeLessThan(Date.now());
    expect(bridge.refusals).toEqual([]);
  });

  it('WH10: repeats itself under the same id, and so does a new alert of the group with the old one', async () => {
    const { bridge, sender } = await start(bearer, undefined, { repeatInterval: '300ms' });
    await sender.post([{ labels, startsAt }]);
    await bridge.until(() => bridge.deliveries.length >= 3);
    expect(new Set(bridge.deliveries.map(({ id }) => id)).size).toBe(1);
    expect(new Set(bridge.events.map(({ id }) => id)).size).toBe(1);
    await sender.post([{ labels: { ...labels, instance: 'db2' }, startsAt }]);
    await bridge.until(() => (bridge.deliveries.at(-1)?.events.length ?? 0) === 2);
    expect(new Set(bridge.events.map(({ id }) => id)).size).toBe(2);
  });

  it('WH10: fires and is resolved into the source, and repetitions are no events', async () => {
    const receiving = await Receiving.start({ provider: 'alertmanager' }, ['s3cret']);
    stops.push(() => receiving.stop());
    const sender = await startSender(receiving.url, bearer, { repeatInterval: '300ms' });
    await sender.post([{ labels, startsAt }]);
    await receiving.until((events) => events.length === 1);
    await vi.waitFor(() => expect(receiving.requests).toBeGreaterThanOrEqual(3), { timeout: 20_000 });
    await sender.post([{ labels, startsAt, endsAt: new Date(Date.now() - 1_000).toISOString() }]);
    await receiving.until((events) => events.length === 2);
    const told = receiving.events.map(({ type, data: alert }) => [type, (alert as AlertmanagerAlert).status]);
    expect(told).toEqual([
      ['alertmanager.alert', 'firing'],
      ['alertmanager.alert', 'resolved'],
    ]);
  });

  it('tries again what was answered with 503', async () => {
    const { bridge, sender } = await start(bearer);
    bridge.answers.push(503, 503);
    await sender.post([{ labels, startsAt }]);
    await bridge.until(() => bridge.events.length > 0);
    expect(bridge.answers).toEqual([]);
    expect(data(bridge)[0]).toMatchObject({ status: 'firing', labels });
  });

  it('WH10: says how many alerts it left out', async () => {
    const { bridge, sender } = await start(bearer, undefined, { maxAlerts: 2 });
    const instances = ['db1', 'db2', 'db3', 'db4', 'db5'];
    await sender.post(instances.map((instance) => ({ labels: { ...labels, instance }, startsAt })));
    await bridge.until(() => bridge.deliveries.some(({ truncated }) => truncated?.count === 3));
    expect(bridge.deliveries.find(({ truncated }) => truncated !== undefined)?.events).toHaveLength(2);
  });

  it.each([
    ['basic', ['basic_auth:', '  username: user', '  password: pass:word']],
    ['bearer', ['authorization:', '  type: Bearer', '  credentials: user:pass:word']],
  ] as const)('is believed with authorization %s, and not with another secret', async (scheme, httpConfig) => {
    const believed = await start(httpConfig, alertmanager({ auth: { scheme } }, ['user:pass:word']));
    await believed.sender.post([{ labels, startsAt }]);
    await believed.bridge.until(() => believed.bridge.events.length > 0);
    expect(believed.bridge.refusals).toEqual([]);
    const refused = await start(httpConfig, alertmanager({ auth: { scheme } }, ['user:another']));
    await refused.sender.post([{ labels, startsAt }]);
    await refused.bridge.until(() => refused.bridge.refusals.length > 0);
    expect(refused.bridge.deliveries).toEqual([]);
  });
});
