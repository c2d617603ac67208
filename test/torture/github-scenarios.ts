import { GitHubSource, type GithubConfigInput } from '../../src/sources/github/index.js';
import { BATCH } from './scenario.js';
import { readersOf } from './served-scenarios.js';
import { accessOf } from './services.js';
import type { AnySource } from './store-scenarios.js';

export interface GithubAccess {
  config: GithubConfigInput;
  token: string;
}

export const githubReaders = readersOf('github', { open: openSource, batch: BATCH });

async function openSource(directory: string): Promise<AnySource> {
  const { config, token } = accessOf(directory) as GithubAccess;
  const source = await GitHubSource.create({ id: 'torture', config, credentials: { token } });
  return source as unknown as AnySource;
}
