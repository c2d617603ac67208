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

/**
 * Our own code as few files, so that a child loads no more than it needs: most of its time goes there. Packages are loaded
 * as a host loads them, so the files must lie where they are found.
 */
export async function bundleChild(folder: string): Promise<string> {
  await build({
    entryPoints: [fileURLToPath(new URL('child.ts', import.meta.url))],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return join(folder, 'child.mjs');
}

/** How a child is ended. */
export interface Ending {
  readonly afterMs: number;
  readonly signal: 'SIGKILL' | 'SIGTERM';
  /** Counted from when the child says that it reads: to start a process can take longer than all the rest. */
  readonly sinceItReads?: boolean;
}

/**
 * Whether the child came to its end, by itself or because it was asked to; false when it was killed. `fault`: where it
 * is to die, or 'record'.
 */
export function finishes(task: Task, fault = '', ending?: Ending): Promise<boolean> {
  const { program, scenario, directory } = task;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, scenario, directory, fault], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      timer = ending && setTimeout(() => child.kill(ending.signal), ending.afterMs);
    };
    if (ending?.sinceItReads === true) child.stdout.once('data', end);
    else end();
    child.stdout.resume();
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      // One that had not yet begun to listen to the other signal is killed by it.
      if (signal === 'SIGKILL' || (signal !== null && signal === ending?.signal)) resolve(false);
      else if (status === 0) resolve(true);
      else reject(new Error(`a child ended with exit status ${status}: ${scenario} ${directory} ${fault}`));
    });
  });
}

export async function runToEnd(task: Task): Promise<void> {
  if (!(await finishes(task))) throw new Error(`${task.scenario} did not come to its end`);
}
