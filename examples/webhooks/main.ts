// Webhooks of GitHub into the console, each on disk before it is answered.
//
//   GITHUB_WEBHOOK_SECRET=… npm run example:webhooks [-- standalone | express | hono]
import { createServer } from 'node:http';
import { serve } from '@hono/node-server';
import express from 'express';
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

if (way === 'express') {
  const app = express();
  app.use(source.nodeHandler());
  createServer(app).listen(port, '127.0.0.1');
}
if (way === 'hono') {
  const app = new Hono();
  app.all('/hooks/github', (c) => source.fetch(c.req.raw));
  serve({ fetch: app.fetch, port, hostname: '127.0.0.1' });
}
console.log(`http://127.0.0.1:${port}/hooks/github`);

process.once('SIGINT', () => void source.close());
for await (const event of source.generateEvents()) console.log(event.type, event.id, event.subject ?? '');
process.exit();
