/**
 * Tells a channel of IRC what happens in webhooks, APIs, files, databases, streams, logs and metrics, as one YAML file
 * says. Killed and started again it goes on where it was.
 *
 *   npm run example:irc-bot [-- FILE]          default: examples/irc-bot/bot.yaml
 */
import { fileURLToPath } from 'node:url';
import { HeadwaterError } from 'headwater';
import { YAMLParseError } from 'yaml';
import { Bot } from './bot.js';
import { consoleLogger } from './logger.js';
import { readSettings, type Settings } from './settings.js';

const [path = fileURLToPath(new URL('./bot.yaml', import.meta.url))] = process.argv.slice(2);

try {
  await run(await readSettings(path));
} catch (error) {
  if (!HeadwaterError.isInstance(error) && !(error instanceof YAMLParseError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** Until Ctrl-C. */
async function run(settings: Settings): Promise<void> {
  const bot = new Bot({ settings, logger: consoleLogger });
  const stopped = new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, resolve);
  });
  await bot.start();
  await stopped;
  await bot.close();
}
