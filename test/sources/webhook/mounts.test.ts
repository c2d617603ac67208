import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebhookSource } from '../../../src/sources/webhook/index.js';
import { signHmac } from '../../../src/toolkit/signature.js';
import { requestBytes } from './raw-client.js';
import { consume, createSource, deliver, delivery, request, SECRET } from './receiving.js';

/** What only the bytes tell: a mark, line ends of Windows, a NUL, keys that come twice. */
const ODD = Buffer.from('\ufeff{ "a": 1,\r\n "a": "\\u0000é" }\r\n');

/** Ways to mount a source in a server of the host's, below /hooks; the endpoint itself is /github. */
const MOUNTS: Record<string, (source: WebhookSource) => Promise<number>> = {
  'node:http': async (source) => {
    const handle = source.nodeHandler();
    return listen((incoming, response) => {
      incoming.url = incoming.url?.replace(/^\/hooks/, '') ?? '/';
      handle(incoming, response);
    });
  },
  'express 5': async (source) => {
    const app = express();
    app.use('/hooks', source.nodeHandler());
    app.use(express.json());
    return listen(app);
  },
  'express 5, with express.raw() before it': async (source) => {
    const app = express();
    app.use(express.raw({ type: () => true }));
    app.use('/hooks', source.nodeHandler());
    return listen(app);
  },
  'fastify 5': async (source) => {
    const app = fastify();
    onTestFinished(() => app.close());
    await app.register(source.fastifyPlugin(), { prefix: '/hooks' });
    app.post('/json', async (incoming) => ({ body: incoming.body }));
    await app.listen({ port: 0, host: '127.0.0.1' });
    return (app.server.address() as AddressInfo).port;
  },
  'hono 4': async (source) => {
    const app = new Hono();
    app.all('/hooks/*', (c) => source.fetch(withoutPrefix(c.req.raw)));
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
    return portOf(server);
  },
  'a route handler of Next': async (source) => {
    // What Next does: the request of the platform, and a context.
    const POST = (incoming: Request, context: object): Promise<Response> => source.fetch(incoming, context);
    const app = new Hono();
    app.all('/hooks/*', (c) => POST(withoutPrefix(c.req.raw), { params: Promise.resolve({}) }));
    return portOf(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
  },
};

function withoutPrefix(incoming: Request): Request {
  return new Request(incoming.url.replace('/hooks', ''), incoming);
}

async function listen(handler: RequestListener): Promise<number> {
  return portOf(createServer(handler).listen(0, '127.0.0.1'));
}

async function portOf(server: Server): Promise<number> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  if (!server.listening) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const mounted = (): Promise<WebhookSource> => {
  const endpoints = { hooks: { provider: 'github', path: '/github' } } as const;
  return createSource({ server: undefined, endpoints });
};

describe.each(Object.entries(MOUNTS))('mounted in %s', (_, mount) => {
  it('WH2, WH6: takes what is signed over the bytes, once, and refuses what is not', async () => {
    const source = await mounted();
    const { ids } = consume(source);
    const port = await mount(source);
    const path = '/hooks/github';
    expect(await deliver(port, 'one', { path, body: ODD })).toBe(202);
    expect(await deliver(port, 'one', { path, body: ODD })).toBe(200);
    expect(await deliver(port, 'two', { path })).toBe(202);
    expect(await deliver(port, 'three', { path, secret: 'another' })).toBe(401);
    expect(await request(port, requestBytes('/hooks/github', '', [], { method: 'GET' }))).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
    });
    expect((await request(port, requestBytes('/hooks/other', '')))?.status).toBe(404);
    expect(ids).toEqual(['one', 'two']);
  });

  it('WH8: answers 413 to what is too large, also where its length is not told', async () => {
    const endpoints = { hooks: { provider: 'github', path: '/github', maxBodyBytes: 1_000 } } as const;
    const source = await createSource({ server: undefined, endpoints });
    const port = await mount(source);
    const body = JSON.stringify({ text: 'x'.repeat(2_000) });
    expect(await deliver(port, 'one', { path: '/hooks/github', body })).toBe(413);
    const head = 'POST /hooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n';
    const signature = `X-Hub-Signature-256: sha256=${signHmac(SECRET, [body])}\r\n\r\n`;
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    expect((await request(port, head + signature + chunk))?.status).toBe(413);
  });
});

describe('a body that was read before', () => {
  it('is said in a sentence, with what to do, and is no 401: Express', async () => {
    const app = express();
    app.use(express.json());
    app.use(await mounted().then((source) => source.nodeHandler()));
    const port = await listen(app);
    const answer = await request(port, delivery('one', { path: '/github' }));
    expect(answer?.status).toBe(500);
    expect(answer?.body).toContain('mount the webhook before express.json()');
  });

  it('is said in a sentence, with what to do, and is no 401: the web platform', async () => {
    const source = await mounted();
    const incoming = new Request('http://x/github', { method: 'POST', body: '{}' });
    await incoming.json();
    const answer = await source.fetch(incoming);
    expect(answer.status).toBe(500);
    expect(await answer.text()).toContain('the body was read before');
  });
});

it('fastify: the parsers of the host are untouched elsewhere', async () => {
  const app = fastify();
  onTestFinished(() => app.close());
  await app.register((await mounted()).fastifyPlugin(), { prefix: '/hooks' });
  app.post('/json', async (incoming) => ({ body: incoming.body }));
  const answer = await app.inject({ method: 'POST', url: '/json', payload: { a: 1 } });
  expect(answer.json()).toEqual({ body: { a: 1 } });
});

it('a list of addresses refuses where a mount cannot tell the address', async () => {
  const allow = ['192.0.2.0/24'];
  const endpoints = { hooks: { provider: 'generic' as const, auth: { scheme: 'none' as const }, allow } };
  const source = await createSource({ server: undefined, endpoints }, { credentials: 'anonymous' });
  consume(source);
  const incoming = (): Request => new Request('http://x/hooks', { method: 'POST', body: 'hi' });
  expect((await source.fetch(incoming())).status).toBe(403);
  expect((await source.fetch(incoming(), { address: '192.0.2.7' })).status).toBe(202);
});
