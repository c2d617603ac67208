// Webhooks of GitHub into the console, each on disk before it is answered.
//
//   GITHUB_WEBHOOK_SECRET=… npm run example:webhooks [-- standalone | express | fastify | hono | next]
import { once } from 'node:events';
import { createServer } from 'node:http';
import { serve } from '@hono/node-server';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { WebhookSource } from '../../src/sources/webhook/index.js';

const [way = 'standalone'] = process.argv.slice(2);
const port = Number(process.env['PORT'] ?? 8080);
const secret = process.env['GITHUB_WEBHOOK_SECRET'] ?? '';

const source = await WebhookSource.create({
  id: 'webhooks',
  credentials: { github: secret },
  config: {
    endpoints: { github: { provider: 'github', path: '/hooks/github' } },
    spool: { dir: '.headwater/webhooks' },
    ...(way === 'standalone' && { server: { port } }),
  },
});

if (way === 'standalone') await source.listen();
if (way === 'express') {
  const app = express();
  app.use(source.nodeHandler());
  await once(createServer(app).listen(port, '127.0.0.1'), 'listening');
}
if (way === 'fastify') {
  const app = Fastify();
  app.register(source.fastifyPlugin());
  await app.listen({ port, host: '127.0.0.1' });
}
if (way === 'hono') {
  const app = new Hono();
  app.all('/hooks/github', (c) => source.fetch(c.req.raw));
  await once(serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }), 'listening');
}
if (way === 'next') {
  // app/hooks/github/route.ts exports this; here a plain server calls it as Next does.
  const POST = (request: Request): Promise<Response> => source.fetch(request);
  await once(serve({ fetch: POST, port, hostname: '127.0.0.1' }), 'listening');
}
console.log(`http://127.0.0.1:${port}/hooks/github`);

process.once('SIGINT', () => void source.close());
for await (const event of source.generateEvents()) console.log(event.type, event.id, event.subject ?? '');
process.exit();
