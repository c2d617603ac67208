/** The reference pages, from the comments in the code, into docs/api (not committed). A broken link is an error. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { listEntries, repositoryRoot } from './entries.js';

const entryPoints = listEntries().flatMap((entry) => ['--entryPoints', entry.input]);
const { status, error } = spawnSync(join(repositoryRoot, 'node_modules/.bin/typedoc'), entryPoints, {
  cwd: repositoryRoot,
  stdio: 'inherit',
});
if (error) throw error;
process.exitCode = status ?? 1;
