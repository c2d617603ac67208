import { SlackSource } from '../../src/sources/slack/index.js';
import { readersOf } from './served-scenarios.js';
import { accessOf } from './services.js';
import type { AnySource } from './store-scenarios.js';

export interface SlackAccess {
  apiUrl: string;
  token: string;
}

export const slackReaders = readersOf('slack', { open: openSource, batch: 3 });

/** Pages are small, so that there are more than are held at once: the history is read in windows of time. */
async function openSource(directory: string): Promise<AnySource> {
  const { apiUrl, token } = accessOf(directory) as SlackAccess;
  const config = { apiUrl, pageSize: 3, threads: { windowDays: 2 }, reread: { windowDays: 1 } };
  const source = await SlackSource.create({ id: 'torture', credentials: { token }, config });
  return source as unknown as AnySource;
}
