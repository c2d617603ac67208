/**
 * Judges the package as it would be published: `npm pack`, then publint and "are the types wrong?" on the tarball, then
 * the size of the main entry. Needs `npm run build`. Exits non-zero at the first tool that complains or is missing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { listEntries, repositoryRoot } from './entries.js';
import { bundleProblems, measureBundle } from './measure-bundle.js';
import { packTarball } from './pack-tarball.js';

const folder = mkdtempSync(join(tmpdir(), 'headwater-pack-'));
try {
  const { tarball, files } = packTarball(folder);
  checkEntries(files);
  await checkManifest(tarball);
  // attw does not look behind wildcards in `exports`, so it is given every entry by name.
  run(
    'attw',
    tarball,
    '--profile',
    'esm-only',
    '--no-definitely-typed',
    '--entrypoints',
    ...listEntries().map((entry) => entry.subpath),
  );
  await checkBundle();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function checkEntries(files: readonly string[]): void {
  const missing = listEntries()
    .flatMap(({ output }) => [`dist/${output}.js`, `dist/${output}.d.ts`])
    .concat('LICENSE', 'README.md', 'SECURITY.md')
    .filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`Not in the package: ${missing.join(', ')}. Run npm run build first.`);
}

async function checkManifest(tarball: string): Promise<void> {
  console.log('\n> publint');
  const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
  const { messages } = await publint({ pack: { tarball: toArrayBuffer(readFileSync(tarball)) }, strict: true });
  const problems = messages
    .filter((message) => !isReservedDoor(message.path))
    .map((message) => formatMessage(message, manifest));
  if (problems.length > 0) throw new Error(`publint:\n${problems.join('\n')}`);
  console.log('nothing found');
}

/** `./cursors/*` is part of the public plan before the first entry behind it exists. */
function isReservedDoor(path: readonly string[]): boolean {
  const [field, subpath] = path;
  if (field !== 'exports' || !subpath?.endsWith('/*')) return false;
  return !listEntries().some((entry) => entry.subpath.startsWith(subpath.slice(0, -1)));
}

function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function run(tool: string, ...toolArguments: string[]): void {
  console.log(`\n> ${tool}`);
  const { status, error } = spawnSync(join(repositoryRoot, 'node_modules/.bin', tool), toolArguments, {
    stdio: 'inherit',
    cwd: repositoryRoot,
  });
  if (status !== 0) throw error ?? new Error(`${tool} found something (exit status ${status}).`);
}

async function checkBundle(): Promise<void> {
  const measure = await measureBundle();
  console.log(`\n'headwater' and all it needs: ${measure.bytes} bytes gzipped, with ${measure.packages.join(', ')}`);
  const problems = bundleProblems(measure);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
