import { existsSync } from 'node:fs';

const dist = new URL('../dist/', import.meta.url);

/** What is measured is what is shipped: the built files, not the sources. */
export async function built<Module>(file: string): Promise<Module> {
  const url = new URL(file, dist);
  if (!existsSync(url)) throw new Error('there is nothing to measure: run npm run build first');
  return (await import(url.href)) as Module;
}

export const headwater = (): Promise<typeof import('../src/index.js')> => built('index.js');
export const gitSource = (): Promise<typeof import('../src/sources/git/index.js')> => built('sources/git/index.js');
export const githubSource = (): Promise<typeof import('../src/sources/github/index.js')> =>
  built('sources/github/index.js');
export const jsonlSink = (): Promise<typeof import('../src/sinks/jsonl/index.js')> => built('sinks/jsonl/index.js');
export const filesystemSource = (): Promise<typeof import('../src/sources/filesystem/index.js')> =>
  built('sources/filesystem/index.js');
export const apiLogSource = (): Promise<typeof import('../src/sources/logs/api-log/index.js')> =>
  built('sources/logs/api-log/index.js');
export const databaseSource = (): Promise<typeof import('../src/sources/database/index.js')> =>
  built('sources/database/index.js');
export const prometheusSource = (): Promise<typeof import('../src/sources/metrics/prometheus/index.js')> =>
  built('sources/metrics/prometheus/index.js');
export const kafkaSource = (): Promise<typeof import('../src/sources/streams/kafka/index.js')> =>
  built('sources/streams/kafka/index.js');
export const rabbitmqSource = (): Promise<typeof import('../src/sources/streams/rabbitmq/index.js')> =>
  built('sources/streams/rabbitmq/index.js');
export const redisSource = (): Promise<typeof import('../src/sources/streams/redis/index.js')> =>
  built('sources/streams/redis/index.js');
export const restSource = (): Promise<typeof import('../src/sources/rest/index.js')> => built('sources/rest/index.js');
export const slackSource = (): Promise<typeof import('../src/sources/slack/index.js')> =>
  built('sources/slack/index.js');
export const statsdSource = (): Promise<typeof import('../src/sources/metrics/statsd/index.js')> =>
  built('sources/metrics/statsd/index.js');
export const webhookSource = (): Promise<typeof import('../src/sources/webhook/index.js')> =>
  built('sources/webhook/index.js');
export const logSource = (): Promise<typeof import('../src/sources/logs/log/index.js')> =>
  built('sources/logs/log/index.js');
export const kyselyCursors = (): Promise<typeof import('../src/cursors/kysely/index.js')> =>
  built('cursors/kysely/index.js');
export const kyselySinks = (): Promise<typeof import('../src/sinks/kysely/index.js')> => built('sinks/kysely/index.js');
