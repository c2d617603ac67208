import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createNodeMiddleware, Webhooks } from '@octokit/webhooks';
import express from 'express';
import { webhookSource } from './built.js';
import { type Bench, figure, type Information, paired, type Row } from './measure.js';
import { type Served, withServer } from './served.js';
import type { LoadOrder, LoadReply } from './webhook-load.js';

const SECRET = 'a secret of the bench';
const BODY_BYTES = 8_100;
const REQUESTS = 3_000;
/** Before anything is measured: a receiver runs for days, and its code is compiled. */
const WARM_UP_REQUESTS = 20_000;
const SPOOL_CONNECTIONS = 64;
const STEADY_SECONDS = 20;

type Load = Served<LoadOrder, LoadReply>;

/** The load comes from a process of its own: what is measured is the CPU time of the servers in this one. */
export const webhook: Bench = {
  name: 'webhook',
  async *rows() {
    yield* await withServer('webhook-load.ts', besideBare);
    yield* await withServer('webhook-load.ts', besideExpress);
    yield* await withServer('webhook-load.ts', refusing);
    yield* await withServer('webhook-load.ts', spooled);
    yield* await withServer('webhook-load.ts', steady);
  },
};

async function besideBare(load: Load): Promise<(Row | Information)[]> {
  const [ours, bare] = [await startOurs(), await startBare()];
  await warmUp(load, [ours, bare], '202');
  const row = await paired({
    bench: 'webhook',
    row: 'signed 8 KB deliveries, beside node:http that verifies',
    goal: 1.25,
    ours: () => send(load, ours.port),
    rival: () => send(load, bare.port),
  });
  await Promise.all([ours.close(), bare.close()]);
  return [row, perRequest('node:http that verifies', row)];
}

async function besideExpress(load: Load): Promise<Row[]> {
  const [ours, rival] = [await startOurs(), await startExpress()];
  await warmUp(load, [ours], '202');
  await warmUp(load, [rival], '200');
  const row = await paired({
    bench: 'webhook',
    row: 'signed 8 KB deliveries, beside express and @octokit/webhooks',
    goal: 0.6,
    ours: () => send(load, ours.port),
    rival: () => send(load, rival.port, { status: '200' }),
  });
  await Promise.all([ours.close(), rival.close()]);
  return [row];
}

async function refusing(load: Load): Promise<Row[]> {
  const ours = await startOurs();
  const wrong = { ...HEADERS, 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` };
  const row = await paired({
    bench: 'webhook',
    row: 'refusing a bad signature, beside accepting a good one',
    goal: 0.7,
    ours: () => send(load, ours.port, { headers: wrong, status: '401' }),
    rival: () => send(load, ours.port),
  });
  await ours.close();
  return [row];
}

async function spooled(load: Load): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'headwater-bench-'));
  const [ours, plain] = [await startOurs({ dir: join(directory, 'spool') }), await startOurs()];
  const connections = SPOOL_CONNECTIONS;
  await warmUp(load, [ours, plain], '202');
  const row = await paired({
    bench: 'webhook',
    row: 'on disk before the 202, beside without, 64 connections',
    goal: 1.3,
    ours: () => send(load, ours.port, { connections }),
    rival: () => send(load, plain.port, { connections }),
  });
  await Promise.all([ours.close(), plain.close()]);
  await rm(directory, { recursive: true, force: true });
  return [row];
}

/** What is remembered of each delivery is what it should grow by, and that is bounded: the bench fills it before. */
async function steady(load: Load): Promise<Row[]> {
  const remembered = 5_000;
  const ours = await startOurs(undefined, remembered);
  await send(load, ours.port, { requests: 2 * remembered });
  const before = heapUsed();
  const until = performance.now() + STEADY_SECONDS * 1_000;
  let requests = 0;
  while (performance.now() < until) {
    await send(load, ours.port);
    requests += REQUESTS;
  }
  const perRequestBytes = Math.max(0, heapUsed() - before) / requests;
  await ours.close();
  return [
    figure('webhook', 'bytes of heap that stay, per request over 20 s', perRequestBytes, 20, perRequestBytes / 20, 1),
  ];
}

function perRequest(rival: string, { ours, rival: theirs }: Row): Information {
  const [own, other] = [ours, theirs].map((ms) => Math.round((ms * 1_000) / REQUESTS));
  return { bench: 'webhook', information: `µs of CPU per request: ours ${own}, ${rival} ${other}` };
}

const BODY = JSON.stringify({
  action: 'opened',
  repository: { id: 1, full_name: 'octo-org/octo-repo' },
  commits: Array.from({ length: 22 }, (_, n) => ({
    id: `${n}`.repeat(40).slice(0, 40),
    message: `commit ${n}: ${'some words of a message '.repeat(7)}`,
    author: { name: 'Octo Cat', email: 'octocat@example.com', username: 'octocat' },
    added: [`src/file-${n}.ts`],
    modified: [] as string[],
  })),
});

const HEADERS: Readonly<Record<string, string>> = {
  'User-Agent': 'GitHub-Hookshot/0000000',
  Accept: '*/*',
  'Content-Type': 'application/json',
  'X-GitHub-Event': 'issues',
  'X-GitHub-Hook-ID': '1',
  'X-GitHub-Hook-Installation-Target-ID': '1',
  'X-GitHub-Hook-Installation-Target-Type': 'repository',
  'X-Hub-Signature-256': `sha256=${createHmac('sha256', SECRET).update(BODY).digest('hex')}`,
};

interface Sending {
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: string;
  readonly connections?: number;
  readonly requests?: number;
}

async function send(load: Load, port: number, sending: Sending = {}): Promise<void> {
  if (Math.abs(Buffer.byteLength(BODY) - BODY_BYTES) > 500) throw new Error(`the body has ${BODY.length} bytes`);
  const { headers = HEADERS, status = '202', connections = 32, requests = REQUESTS } = sending;
  const { statuses } = await load.obey({ port, path: '/github', requests, connections, headers, body: BODY });
  if (statuses[status] !== requests)
    throw new Error(`not all were answered with ${status}: ${JSON.stringify(statuses)}`);
}

async function warmUp(load: Load, servers: readonly Started[], status: string): Promise<void> {
  for (const { port } of servers) await send(load, port, { status, requests: WARM_UP_REQUESTS });
}

interface Started {
  readonly port: number;
  close(): Promise<void>;
}

async function startOurs(spool?: { dir: string }, maxRemembered = 200_000): Promise<Started> {
  const { WebhookSource } = await webhookSource();
  const source = await WebhookSource.create({
    id: 'bench',
    credentials: { github: SECRET },
    config: {
      server: { port: 0 },
      endpoints: { github: { provider: 'github' } },
      maxRemembered,
      ...(spool && { spool }),
    },
  });
  const [address] = await source.listen();
  const consumed = consume(source);
  return {
    port: address?.port ?? 0,
    async close() {
      await source.close();
      await consumed;
    },
  };
}

async function consume(source: { generateEvents(): AsyncIterable<unknown> }): Promise<number> {
  let count = 0;
  for await (const _ of source.generateEvents()) count += 1;
  return count;
}

function startBare(): Promise<Started> {
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const given = Buffer.from(String(request.headers['x-hub-signature-256']));
      const expected = Buffer.from(`sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`);
      const isRight = given.length === expected.length && timingSafeEqual(given, expected);
      if (isRight) JSON.parse(body.toString('utf8'));
      response.writeHead(isRight ? 202 : 401, { 'content-length': 0 }).end();
    });
  };
  return start(createServer(handle));
}

function startExpress(): Promise<Started> {
  const webhooks = new Webhooks({ secret: SECRET });
  webhooks.onAny(() => {});
  const app = express();
  app.use(createNodeMiddleware(webhooks, { path: '/github' }));
  return start(createServer(app));
}

async function start(server: Server): Promise<Started> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapUsed(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
