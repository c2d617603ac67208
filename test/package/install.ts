import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { packTarball } from '../../scripts/pack-tarball.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder outside the repository where the packed library is installed, with what the SQL stores and the contracts need and no peer of its sources. */
    hostFolder: string;
  }
}

/** Outside the repository: Node would otherwise find in the repository's own node_modules what a host does not have. */
const hostFolder = realpathSync(mkdtempSync(join(tmpdir(), 'headwater-host-')));

/** Packs and installs once, for all tests of this folder. */
export function setup(project: TestProject): void {
  const { tarball } = packTarball(hostFolder);
  writeFileSync(join(hostFolder, 'package.json'), JSON.stringify({ name: 'host', private: true }));
  // The library's types mention AbortSignal and the like, so a TypeScript host has Node's types.
  const packages = [tarball, '@types/node@20', 'kysely@0.28', 'cloudevents@10'];
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--loglevel=error'];
  execFileSync('npm', ['install', ...quiet, ...packages], { cwd: hostFolder, stdio: ['ignore', 'ignore', 'inherit'] });
  project.provide('hostFolder', hostFolder);
}

export function teardown(): void {
  rmSync(hostFolder, { recursive: true, force: true });
}
