import type { Problem } from '../../../core/source-definition.js';
import type { RedisClient } from './client.js';
import type { RedisConfig } from './config.js';
import { groupInfo, streamInfo } from './stream-info.js';

/** What would keep a configuration from being read, or makes it useless. */
export async function inspect(client: RedisClient, config: RedisConfig): Promise<readonly Problem[]> {
  switch (config.mode) {
    case 'group': {
      const problems: Problem[] = [];
      for (const stream of config.streams) problems.push(...(await groupProblems(client, stream, config)));
      return problems;
    }
    case 'stream':
      for (const stream of config.streams) await streamInfo(client, stream);
      return [];
    case 'list':
      await client.command('LLEN', config.list);
      return [];
    case 'keyspace':
      return keyspaceProblems(client);
    default:
      await client.command('PING');
      return [];
  }
}

async function groupProblems(
  client: RedisClient,
  stream: string,
  { group, createGroup }: Extract<RedisConfig, { mode: 'group' }>,
): Promise<readonly Problem[]> {
  const isThere = (await streamInfo(client, stream)) !== undefined;
  if (createGroup || (isThere && (await groupInfo(client, stream, group)) !== undefined)) return [];
  const message = `stream ${stream} has no consumer group ${group}`;
  return [{ severity: 'error', code: 'REDIS_NO_GROUP', message, fix: 'create it, or set createGroup' }];
}

/** @see https://redis.io/docs/latest/develop/use/keyspace-notifications/#configuration */
async function keyspaceProblems(client: RedisClient): Promise<readonly Problem[]> {
  const [, flags = ''] = await client.command<readonly string[]>('CONFIG', 'GET', 'notify-keyspace-events');
  const tells = flags.includes('K') && /[^KE]/.test(flags);
  if (tells) return [];
  const message = `Redis tells nothing of keys: notify-keyspace-events is "${flags}"`;
  const fix = 'set it, for all events: CONFIG SET notify-keyspace-events KA';
  return [{ severity: 'error', code: 'REDIS_SILENT', message, fix }];
}
