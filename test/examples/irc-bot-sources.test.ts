import { createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingLogger } from 'headwater/testing';
import Database from 'libsql';
import { MongoClient } from 'mongodb';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Bot } from '../../examples/irc-bot/bot.js';
import { readSettings } from '../../examples/irc-bot/settings.js';
import { freePort } from '../services/daemon.js';
import { hasInfluxDb, InfluxDb } from '../services/influxdb.js';
import { hasJongodb, Jongodb } from '../services/jongodb.js';
import { isKafkaThere, MockKafka } from '../services/kafka.js';
import { describeWith } from '../services/needs.js';
import { hasNgircd, Listener, Ngircd } from '../services/ngircd.js';
import { Rabbit } from '../services/rabbitmq.js';
import { openRedis, ownPrefix } from '../services/redis.js';
import { RestApi } from '../services/rest-api.js';
import { exampleDatabases } from './example-databases.js';

const timeout = 60_000;
const CHANNEL = '#operations';
const hasAll = hasNgircd() && hasInfluxDb() && isKafkaThere() && (await hasJongodb());

/** What happens everywhere is said in a channel; what is given to the bot is nothing but the text of one file. */
describeWith('ngircd, influxdb, librdkafka or jongodb', hasAll, 'a bot that hears', () => {
  let work = '';
  let server: Ngircd;
  let listener: Listener;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'headwater-irc-bot-'));
    server = await Ngircd.start(work);
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await server.down();
    rmSync(work, { recursive: true, force: true });
  });

  const open = async (given: { sources: object[]; handlers: object[]; credentials?: object }): Promise<Bot> => {
    listener = await Listener.join(server.port, CHANNEL);
    closing.push(() => listener.close());
    const folder = mkdtempSync(join(work, 'bot-'));
    const irc = { port: server.port, channel: CHANNEL, pace: { lines: 1_000, perMs: 1 } };
    writeFileSync(join(folder, 'bot.yaml'), JSON.stringify({ irc, state: join(folder, 'state'), ...given }));
    const bot = new Bot({ settings: await readSettings(join(folder, 'bot.yaml'), {}), logger: new RecordingLogger() });
    closing.push(() => bot.close());
    await bot.start();
    const states = (): string[] => bot.sources.status().map(({ id, state, error }) => `${id} ${error ?? state}`);
    await expect.poll(states, { timeout: 20_000 }).toEqual(bot.sources.status().map(({ id }) => `${id} running`));
    return bot;
  };

  it('A1: webhooks of every kind, each by its own signature', { timeout }, async () => {
    const port = await freePort();
    const secrets = {
      github: 'github-secret',
      gitlab: 'gitlab-token',
      jenkins: 'user:password',
      alertmanager: 'alert-token',
      pagerduty: 'pager-secret',
      generic: 'generic-key',
    };
    await open({
      credentials: { hooks: secrets },
      sources: [
        {
          type: 'webhook',
          id: 'hooks',
          credentials: { ref: 'hooks' },
          config: {
            server: { host: '127.0.0.1', port },
            endpoints: {
              github: { provider: 'github' },
              gitlab: { provider: 'gitlab' },
              jenkins: { provider: 'jenkins' },
              alertmanager: { provider: 'alertmanager' },
              pagerduty: { provider: 'pagerduty' },
              generic: { provider: 'generic', auth: { scheme: 'key' } },
            },
          },
        },
      ],
      handlers: [
        { on: 'github/push', say: 'pushed by {data.pusher.name}' },
        { on: 'github/pull_request.opened', say: 'opened: {data.pull_request.title}' },
        { on: 'github/issues.*', say: 'issue: {data.issue.title}' },
        { on: 'gitlab.**', say: 'gitlab: {data.object_attributes.status}' },
        { on: 'jenkins.**', say: 'jenkins: {subject} {data.build.status}' },
        { on: 'alertmanager.alert', say: 'alert: {data.labels.alertname}' },
        { on: 'pagerduty.**', say: 'pager: {data.data.title}' },
        { on: 'webhook.received', say: 'generic: {data.body.text}' },
      ],
    });
    const post = async (path: string, payload: object, headers: (body: string) => Record<string, string>) => {
      const body = JSON.stringify(payload);
      const request = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers(body) } };
      const response = await fetch(`http://127.0.0.1:${port}/${path}`, request);
      return { status: response.status, text: await response.text() };
    };
    const hmac = (secret: string, body: string): string => createHmac('sha256', secret).update(body).digest('hex');
    const github = (event: string, secret: string) => (body: string) => ({
      'x-github-event': event,
      'x-github-delivery': randomBytes(8).toString('hex'),
      'x-hub-signature-256': `sha256=${hmac(secret, body)}`,
    });
    const answers = [
      await post('github', { pusher: { name: 'Ada' } }, github('push', secrets.github)),
      await post(
        'github',
        { action: 'opened', pull_request: { title: 'a change' } },
        github('pull_request', secrets.github),
      ),
      await post('github', { action: 'closed', issue: { title: 'a defect' } }, github('issues', secrets.github)),
      await post('gitlab', { object_kind: 'pipeline', object_attributes: { status: 'success' } }, () => ({
        'x-gitlab-token': secrets.gitlab,
        'x-gitlab-event': 'Pipeline Hook',
      })),
      await post(
        'jenkins',
        {
          name: 'nightly',
          url: 'job/nightly/',
          build: { number: 7, phase: 'FINALIZED', status: 'FAILURE', url: 'job/nightly/7/' },
        },
        () => ({ authorization: `Basic ${Buffer.from(secrets.jenkins).toString('base64')}` }),
      ),
      await post('alertmanager', alertOf('DiskFull'), () => ({ authorization: `Bearer ${secrets.alertmanager}` })),
      await post('pagerduty', incidentOf('the shop is down'), (body) => ({
        'x-pagerduty-signature': `v1=${hmac(secrets.pagerduty, body)}`,
      })),
      await post('generic', { text: 'anything' }, () => ({ 'x-api-key': secrets.generic })),
    ];
    expect(answers.filter(({ status }) => status > 202)).toEqual([]);
    const forged = await post('github', { pusher: { name: 'Mallory' } }, github('push', 'another'));
    expect(forged.status).toBe(401);
    for (const text of ['pushed by Ada', 'opened: a change', 'issue: a defect', 'gitlab: success', 'alert: DiskFull'])
      await listener.hears(text);
    for (const text of [/^jenkins: .*nightly.* FAILURE$/, 'pager: the shop is down', 'generic: anything'])
      await listener.hears(text);
    expect(listener.heard.some(({ text }) => text.includes('Mallory'))).toBe(false);
  });

  it('A2: APIs with a key, a token, a password or OAuth2; only what changes is said', { timeout }, async () => {
    const ways = {
      key: { auth: { scheme: 'key', in: 'header', name: 'x-api-key' }, credentials: { key: 'k' } },
      bearer: { auth: { scheme: 'bearer' }, credentials: { token: 't' } },
      basic: { auth: { scheme: 'basic' }, credentials: { user: 'u', password: 'p' } },
      oauth2: { auth: { scheme: 'oauth2' }, credentials: { clientId: 'c', clientSecret: 's' } },
    };
    const sources = [];
    const apis = new Map<string, RestApi>();
    for (const [id, { auth }] of Object.entries(ways)) {
      const api = await RestApi.start();
      closing.push(() => api.close());
      if (id === 'bearer') api.authorization = () => 'Bearer t';
      if (id === 'basic') api.authorization = () => `Basic ${Buffer.from('u:p').toString('base64')}`;
      if (id === 'oauth2') api.authorization = () => 'nobody';
      api.put({ id: 1, state: 'new' });
      apis.set(id, api);
      const full = id === 'oauth2' ? { ...auth, tokenUrl: `${api.url}/token` } : auth;
      sources.push({
        type: 'rest',
        id,
        credentials: { ref: id },
        config: { url: `${api.url}/items`, items: '$[*]', auth: full, pollIntervalMs: 50, allowHosts: ['127.0.0.1'] },
      });
    }
    const credentials = Object.fromEntries(Object.entries(ways).map(([id, way]) => [id, way.credentials]));
    await open({ credentials, sources, handlers: [{ kind: 'rest', say: '{sourceid}: {type} {data.item.state}' }] });
    for (const id of apis.keys()) await listener.hears(`${id}: rest.item.created new`);
    for (const api of apis.values()) api.put({ id: 1, state: 'paid' });
    for (const id of apis.keys()) await listener.hears(`${id}: rest.item.updated paid`);
    for (const api of apis.values()) api.remove(1);
    for (const id of apis.keys()) await listener.hears(`${id}: rest.item.deleted -`);
    expect(listener.heard).toHaveLength(12);
    expect(apis.get('key')?.requests.every(({ headers }) => headers['x-api-key'] === 'k')).toBe(true);
  });

  it('A3: files of every format, as they come and change; or only what comes later', { timeout }, async () => {
    const dir = mkdtempSync(join(work, 'files-'));
    mkdirSync(join(dir, 'deep', 'er'), { recursive: true });
    writeFileSync(join(dir, 'old.csv'), 'id,name\n0,old\n');
    const config = { dir, include: ['**/*.{csv,json,yaml,xml}'], stableForMs: 0 };
    await open({
      sources: [
        { type: 'filesystem', id: 'all', config: { ...config } },
        { type: 'filesystem', id: 'later', config: { ...config, initialScan: 'baseline', parse: 'none' } },
      ],
      handlers: [
        { on: 'file.record', source: 'all', say: '{data.path}: {data.record}' },
        { on: 'file.*', source: 'later', say: 'later {type} {data.path}' },
      ],
    });
    await listener.hears('old.csv: {"id":"0","name":"old"}');
    writeFileSync(join(dir, 'a.csv'), 'id,name\n1,one\n');
    writeFileSync(join(dir, 'b.json'), '[{"id":2}]');
    writeFileSync(join(dir, 'deep', 'c.yaml'), 'id: 3\n');
    writeFileSync(join(dir, 'deep', 'er', 'd.xml'), '<items><item id="4"/></items>');
    writeFileSync(join(dir, 'e.txt'), 'not asked for');
    await listener.hears('a.csv: {"id":"1","name":"one"}');
    await listener.hears('b.json: {"id":2}');
    await listener.hears('deep/c.yaml: {"id":3}');
    await listener.hears(/^deep\/er\/d\.xml: .*4/);
    writeFileSync(join(dir, 'a.csv'), 'id,name\n1,another\n');
    await listener.hears('a.csv: {"id":"1","name":"another"}');
    await listener.hears('later file.created a.csv');
    await listener.hears('later file.modified a.csv');
    expect(listener.heard.some(({ text }) => /e\.txt|^later.*old/.test(text))).toBe(false);
  });

  it('A4: rows and documents that are new or changed, of four databases', { timeout }, async () => {
    const [sqlite, postgres] = await Promise.all(exampleDatabases.map((each) => each.open()));
    closing.push(
      () => sqlite?.drop(),
      () => postgres?.drop(),
    );
    const jongodb = await Jongodb.start();
    closing.push(() => jongodb.stop());
    const file = new Database(sqlite?.url ?? '');
    closing.push(() => void file.close());
    const client = new pg.Client(postgres?.url);
    await client.connect();
    closing.push(() => client.end());
    const mariadb = `headwater_irc_bot_${randomBytes(4).toString('hex')}`;
    const maria = await createConnection('mysql://root@127.0.0.1:3306');
    await maria.query(`create database ${mariadb}`);
    await maria.query(`use ${mariadb}`);
    closing.push(async () => {
      await maria.query(`drop database ${mariadb}`);
      await maria.end();
    });
    const mongo = await MongoClient.connect(jongodb.url);
    closing.push(() => mongo.close());
    const tickets = mongo.db('support').collection<{ _id: number; title: string; revision: number }>('tickets');

    const table = 'create table orders (id integer primary key, state varchar(20), revision bigint not null)';
    const index = 'create index by_revision on orders (revision, id)';
    const everywhere = async (statement: string): Promise<void> => {
      file.exec(statement);
      await client.query(statement);
      await maria.query(statement);
    };
    await everywhere(table);
    await everywhere(index);
    await everywhere("insert into orders values (1, 'new', 1)");
    await tickets.insertOne({ _id: 1, title: 'new', revision: 1 });

    const config = { mode: 'keyset', table: 'orders', cursorColumn: 'revision', pollIntervalMs: 50 };
    const database = (id: string, more: object = {}) => ({
      type: 'database',
      id,
      credentials: { ref: id },
      config: { ...config, ...more },
    });
    await open({
      credentials: {
        sqlite: { url: `sqlite:${sqlite?.url}` },
        postgres: { url: postgres?.url },
        mariadb: { url: `mysql://root@127.0.0.1:3306/${mariadb}` },
        mongodb: { url: jongodb.url },
      },
      sources: [
        database('sqlite'),
        database('postgres'),
        database('mariadb', { lateCommits: 'none' }),
        {
          type: 'mongodb',
          id: 'mongodb',
          credentials: { ref: 'mongodb' },
          config: {
            mode: 'polling',
            database: 'support',
            collection: 'tickets',
            cursorField: 'revision',
            lagMs: 0,
            pollIntervalMs: 50,
          },
        },
      ],
      handlers: [
        { kind: 'database', say: '{sourceid} {data.row.id}: {data.row.state}' },
        { kind: 'mongodb', say: 'mongodb {data.document._id}: {data.document.title}' },
      ],
    });
    const names = ['sqlite', 'postgres', 'mariadb', 'mongodb'];
    for (const name of names) await listener.hears(`${name} 1: new`);
    await everywhere("update orders set state = 'paid', revision = 2 where id = 1");
    await everywhere("insert into orders values (2, 'new', 3)");
    await tickets.updateOne({ _id: 1 }, { $set: { title: 'paid', revision: 2 } });
    await tickets.insertOne({ _id: 2, title: 'new', revision: 3 });
    for (const name of names) {
      await listener.hears(`${name} 1: paid`);
      await listener.hears(`${name} 2: new`);
    }
    expect(listener.heard).toHaveLength(12);
  });

  it('A5: Kafka, RabbitMQ and Redis, each acknowledged in its own way', { timeout }, async () => {
    const [kafka, rabbit, redis, own] = [await MockKafka.start(), await Rabbit.open(), await openRedis(), ownPrefix()];
    closing.push(
      () => kafka.stop(),
      () => rabbit.close(),
      async () => {
        redis.destroy();
        await own.clear();
      },
    );
    await kafka.topic('payments');
    const queue = await rabbit.queue('jobs');
    const [stream, channel] = [`${own.prefix}stream`, `${own.prefix}chatter`];
    await open({
      sources: [
        { type: 'kafka', id: 'payments', config: { brokers: kafka.brokers, topics: ['payments'], group: 'bot' } },
        {
          type: 'kafka',
          id: 'automatic',
          config: { brokers: kafka.brokers, topics: ['payments'], group: 'automatic', commit: 'automatic' },
        },
        { type: 'rabbitmq', id: 'jobs', config: { mode: 'queue', queue } },
        {
          type: 'redis',
          id: 'group',
          config: { mode: 'group', streams: [stream], group: 'bot', payload: 'body' },
        },
        { type: 'redis', id: 'chatter', config: { mode: 'channels', channels: [channel], format: 'text' } },
      ],
      handlers: [
        { kind: 'kafka', say: '{sourceid} {data.value.amount}' },
        { kind: 'rabbitmq', say: 'job {data.value.name}' },
        { kind: 'redis', say: '{sourceid} {data.value}' },
      ],
    });
    await kafka.send('payments', [{ key: 'a', value: '{"amount":12}' }]);
    await rabbit.send(queue, [{ name: 'clean up' }]);
    await redis.xAdd(stream, '*', { body: '"entry"' });
    await listener.hears('payments 12');
    await listener.hears('automatic 12');
    await listener.hears('job clean up');
    await listener.hears('group entry');
    for (let heard = false; !heard; heard = listener.heard.some(({ text }) => text === 'chatter hello'))
      await redis.publish(channel, 'hello').then(() => new Promise((resolve) => setTimeout(resolve, 50)));
    await listener.until(() => true);
    await expect.poll(async () => (await redis.xPending(stream, 'bot')).pending, { timeout: 10_000 }).toBe(0);
    await expect.poll(async () => (await rabbit.channel.checkQueue(queue)).messageCount, { timeout: 10_000 }).toBe(0);
    const committed = async (group: string): Promise<string[]> =>
      Object.values(await kafka.committed(group, 'payments')).filter((offset) => offset === '1');
    await expect.poll(() => committed('bot'), { timeout: 20_000 }).toHaveLength(1);
    await expect.poll(() => committed('automatic'), { timeout: 20_000 }).toHaveLength(1);
  });

  it('A6: logs in four formats, from their beginning or their end, through rotation; and over the network', {
    timeout,
  }, async () => {
    const dir = mkdtempSync(join(work, 'logs-'));
    const log = (name: string): string => join(dir, `${name}.log`);
    const [syslogPort] = [await freePort()];
    for (const name of ['plain', 'json', 'custom', 'messages', 'end']) writeFileSync(log(name), '');
    appendFileSync(log('plain'), 'from the beginning\n');
    appendFileSync(log('end'), 'before\n');
    const source = (id: string, more: object) => ({ type: 'log', id, config: { files: log(id), ...more } });
    const bot = await open({
      sources: [
        source('plain', {}),
        source('json', { format: 'json' }),
        source('custom', { format: { pattern: '^(?P<level>\\w+)\\|(?P<message>.*)$' } }),
        source('messages', { format: 'syslog' }),
        source('end', { start: 'end' }),
        { type: 'syslog', id: 'net', config: { listen: [{ transport: 'udp', port: syslogPort }] } },
      ],
      handlers: [
        { source: 'plain', say: 'plain: {data.line}' },
        { source: 'end', say: 'end: {data.line}' },
        { source: 'json', say: 'json: {data.message} {data.fields.user}' },
        { source: 'custom', say: 'custom: {data.fields.level} {data.message}' },
        { source: 'messages', say: 'messages: {data.message}' },
        { on: 'syslog.message', say: '{data.host} {data.app}: {data.message}' },
      ],
    });
    await listener.hears('plain: from the beginning');
    appendFileSync(log('json'), '{"level":"error","msg":"refused","user":"ada"}\n');
    appendFileSync(log('custom'), 'WARN|hot\n');
    appendFileSync(log('messages'), '<34>Oct 11 22:14:15 mymachine su: failed for lonvick\n');
    await listener.hears('json: refused ada');
    await listener.hears('custom: WARN hot');
    await listener.hears(/^messages: .*failed for lonvick$/);
    await listener.until(() => (bot.sources.status('end').source?.state ?? '') !== '');
    appendFileSync(log('end'), 'after\n');
    renameSync(log('plain'), join(dir, 'plain.log.1'));
    writeFileSync(log('plain'), 'behind the rotation\n');
    await listener.hears('plain: behind the rotation');
    await listener.hears('end: after');
    expect(listener.heard.some(({ text }) => text === 'end: before')).toBe(false);
    await sendDatagram(syslogPort, '<13>Oct 11 22:14:15 router kernel: link down');
    await listener.hears('router kernel: link down');
  });

  it('A7: metrics, by every kind of threshold', { timeout }, async () => {
    let load = 1;
    const metrics = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(`# TYPE load gauge\nload ${load}\n`);
    }).listen(0, '127.0.0.1');
    await once(metrics, 'listening');
    closing.push(() => {
      metrics.closeAllConnections();
      metrics.close();
    });
    const influxdb = await InfluxDb.start(mkdtempSync(join(work, 'influxdb-')));
    closing.push(() => influxdb.stop());
    await influxdb.createDatabase('telegraf');
    const statsdPort = await freePort();
    const operators = ['gt', 'lt', 'eq', 'gte', 'lte'] as const;
    await open({
      sources: [
        {
          type: 'prometheus',
          id: 'load',
          config: {
            mode: 'scrape',
            url: `http://127.0.0.1:${(metrics.address() as AddressInfo).port}/metrics`,
            pollIntervalMs: 50,
            samples: false,
            thresholds: [{ name: 'too much', operator: 'gt', value: 8, clear: 6 }],
          },
        },
        {
          type: 'statsd',
          id: 'app',
          config: {
            listen: [{ transport: 'udp', port: statsdPort }],
            flushMs: 100,
            thresholds: operators.map((operator) => ({ name: operator, metric: operator, operator, value: 5 })),
          },
        },
        {
          type: 'influxdb',
          id: 'idle',
          config: {
            language: 'influxql',
            url: influxdb.url,
            database: 'telegraf',
            queries: [{ name: 'idle', query: 'SELECT idle FROM cpu WHERE time >= $from AND time < $to GROUP BY host' }],
            lagMs: 100,
            pollIntervalMs: 100,
            samples: false,
            thresholds: [{ name: 'busy', operator: 'lt', value: 10 }],
          },
        },
      ],
      handlers: [
        { on: 'metric.threshold.crossed', say: '{sourceid} {data.rule}: {data.value} {data.labels}' },
        { on: 'metric.threshold.cleared', say: '{sourceid} {data.rule}: over at {data.value}' },
      ],
    });
    load = 9;
    await listener.hears('load too much: 9 {}');
    load = 7;
    await influxdb.write('telegraf', `cpu,host=a idle=3 ${Date.now() + 500}000000`);
    const values = { gt: 6, lt: 4, eq: 5, gte: 5, lte: 5 };
    await sendDatagram(statsdPort, operators.map((operator) => `${operator}:${values[operator]}|g`).join('\n'));
    for (const operator of operators) await listener.hears(`app ${operator}: ${values[operator]} {}`);
    await listener.hears('idle busy: 3 {"host":"a"}');
    load = 5;
    await listener.hears('load too much: over at 5');
    expect(listener.heard.some(({ text }) => text.includes('over at 7'))).toBe(false);
  });
});

function alertOf(name: string): object {
  const alert = {
    status: 'firing',
    labels: { alertname: name },
    annotations: {},
    startsAt: '2026-11-27T09:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: '',
    fingerprint: 'ab12',
  };
  const common = { groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: '', truncatedAlerts: 0 };
  return { version: '4', groupKey: '{}', status: 'firing', receiver: 'bot', ...common, alerts: [alert] };
}

function incidentOf(title: string): object {
  const data = { id: 'PGR0VU2', type: 'incident', title };
  const event = { event_type: 'incident.triggered', resource_type: 'incident', occurred_at: '2026-11-27T09:00:00Z' };
  return { event: { id: '01CD', ...event, data } };
}

async function sendDatagram(port: number, text: string): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.send(text, port, '127.0.0.1', resolve));
  socket.close();
}
