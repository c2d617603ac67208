import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from './entries.js';

export interface PackedTarball {
  readonly tarball: string;
  /** What is in it: 'dist/index.js'. */
  readonly files: readonly string[];
}

/** `npm pack` into a folder. */
export function packTarball(folder: string): PackedTarball {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: repositoryRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [packed] = JSON.parse(output) as { filename: string; files: { path: string }[] }[];
  if (packed === undefined) throw new Error('npm pack said nothing.');
  return { tarball: join(folder, packed.filename), files: packed.files.map((file) => file.path) };
}
