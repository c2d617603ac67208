import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../scripts/entries.js';

/** Runs the program of an example in a process of its own. */
export function runExample(
  name: string,
  work: string,
  ...more: string[]
): Promise<{ status: number | null; stdout: string }> {
  const loader = pathToFileURL(join(repositoryRoot, 'node_modules/tsx/dist/loader.mjs')).href;
  const program = ['--import', loader, join(repositoryRoot, 'examples', name, 'main.ts')];
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json') };
  const child = spawn(process.execPath, [...program, ...more], { cwd: work, env });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.pipe(process.stderr);
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, stdout }));
  });
}
