import { WebhookSource } from 'headwater/sources/webhook';

/** Spools what comes; with 'consume' as its second argument, consumes it as well, and prints what it has acknowledged. */
const [dir = '', mode = ''] = process.argv.slice(2);
const source = await WebhookSource.create({
  id: 'test',
  credentials: { hooks: 'the-secret-of-the-tests' },
  config: { server: { port: 0 }, endpoints: { hooks: { provider: 'github' } }, spool: { dir } },
});
const [address] = await source.listen();
process.stdout.write(`port ${address?.port}\n`);
if (mode === 'consume') for await (const { id } of source.generateEvents()) process.stdout.write(`event ${id}\n`);
