import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../scripts/entries.js';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
}

/** Runs the program of an example in a process of its own. */
export function runExample(name: string, work: string, ...more: string[]): Promise<Ended> {
  return startExample(name, work, ...more).ended;
}

/** The same, to be killed meanwhile. */
export function startExample(
  name: string,
  work: string,
  ...more: string[]
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const loader = pathToFileURL(join(repositoryRoot, 'node_modules/tsx/dist/loader.mjs')).href;
  const program = ['--import', loader, join(repositoryRoot, 'examples', name, 'main.ts')];
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json') };
  const child = spawn(process.execPath, [...program, ...more], { cwd: work, env });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.pipe(process.stderr);
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status) => resolve({ status, stdout }));
  });
  return { child, ended };
}
