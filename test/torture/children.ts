import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** What a child process is asked to do. */
export interface Task {
  program: string;
  scenario: string;
  directory: string;
}

/** Our own code as one file; packages are loaded as a host loads them, so the file must lie where they are found. */
export async function bundleChild(folder: string): Promise<string> {
  const outfile = join(folder, 'child.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('child.ts', import.meta.url))],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return outfile;
}

/** Whether the child came to its end; false when it was killed. `fault`: where it is to die, or 'record'. */
export function finishes(task: Task, fault = '', killAfterMs?: number): Promise<boolean> {
  const { program, scenario, directory } = task;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, scenario, directory, fault], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve(false);
      else if (status === 0) resolve(true);
      else reject(new Error(`a child ended with exit status ${status}: ${scenario} ${directory} ${fault}`));
    });
  });
}

export async function runToEnd(task: Task): Promise<void> {
  if (!(await finishes(task))) throw new Error(`${task.scenario} did not come to its end`);
}
