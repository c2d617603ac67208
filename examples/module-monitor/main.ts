/**
 * Sites push what modules they have; this keeps what changed, and says what must be updated.
 *
 *   npm run example:module-monitor                          receives syncs on http://127.0.0.1:8080, until Ctrl-C
 *   npm run example:module-monitor -- add-site shop         adds a site, or a key to one, and shows the key this once
 *   npm run example:module-monitor -- deactivate shop       no more syncs of this site
 *   npm run example:module-monitor -- dead-letters          the syncs that failed
 *   npm run example:module-monitor -- retry                 tries them once more
 *
 * `--database URL`: `postgres://…`, or the path of an SQLite file (default `module-monitor.sqlite`). `--spool DIR`: where
 * accepted syncs wait (default `module-monitor.spool`). `--port`, `--host`. `--large N`: syncs of more modules are not
 * waited for (default 1000). `--every MINUTES`: how often a site is to send (default 1440).
 */
import { parseArgs } from 'node:util';
import { HeadwaterError } from 'headwater';
import type { AlertEvent } from './alerts.js';
import { openDatabase } from './database.js';
import { consoleLogger } from './logger.js';
import { Monitor } from './monitor.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    database: { type: 'string', default: 'module-monitor.sqlite' },
    spool: { type: 'string', default: 'module-monitor.spool' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8080' },
    large: { type: 'string', default: '1000' },
    every: { type: 'string', default: '1440' },
  },
});

process.exitCode = await main().catch(explain);

async function main(): Promise<number> {
  const [command = 'serve', site] = positionals;
  const database = await openDatabase(values.database);
  const monitor = new Monitor({
    database,
    spool: values.spool,
    largeModules: Number(values.large),
    logger: consoleLogger,
  });
  try {
    switch (command) {
      case 'serve':
        return await serve(monitor);
      case 'add-site':
        console.log(await monitor.sites.register(required(site), { syncEveryMinutes: Number(values.every) }));
        return 0;
      case 'deactivate':
        await monitor.sites.deactivate(required(site));
        return 0;
      case 'dead-letters':
        for await (const { at, event, error } of monitor.deadLetters.list()) {
          console.log(`${at}  ${event.subject}  ${event.id}  ${error.message}`);
        }
        return 0;
      case 'retry':
        return await retryAll(monitor);
      default:
        console.error(`there is no command "${command}": serve, add-site, deactivate, dead-letters, retry`);
        return 1;
    }
  } finally {
    await database.destroy();
  }
}

async function serve(monitor: Monitor): Promise<number> {
  monitor.alerts.on('monitor.**', (alert) => console.log(tell(alert)));
  const port = await monitor.start(Number(values.port), values.host);
  console.log(`receiving syncs on http://${values.host}:${port}`);
  await new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, resolve);
  });
  await monitor.close();
  return 0;
}

function tell({ type, data }: AlertEvent): string {
  if (type === 'monitor.site.failing')
    return `${data.site}: ${data.failures} syncs have failed, the last one: ${data.lastError}`;
  return `${data.site}: ${data.module} ${data.version} must be updated, to ${data.fixedIn ?? 'another'} (${data.advisory})`;
}

async function retryAll(monitor: Monitor): Promise<number> {
  let failed = 0;
  for await (const letter of monitor.deadLetters.list()) {
    const { status } = await monitor.retryDeadLetter(letter.event);
    console.log(`${letter.event.subject}  ${letter.event.id}  ${status}`);
    if (status === 'failed') failed += 1;
    else await monitor.deadLetters.remove([letter]);
  }
  return failed === 0 ? 0 : 1;
}

function required(site: string | undefined): string {
  if (site !== undefined && /^[\w.-]{1,64}$/.test(site)) return site;
  throw new HeadwaterError(`expected the name of a site of letters, digits, dots and dashes`, { code: 'SITE' });
}

function explain(error: unknown): number {
  if (!HeadwaterError.isInstance(error)) throw error;
  console.error(`${error.name} (${error.code}): ${error.message}`);
  return 1;
}
