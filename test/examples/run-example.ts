import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../scripts/entries.js';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
}

/** An example at work. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when it has printed this since it began. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Runs the program of an example in a process of its own. */
export function runExample(name: string, work: string, ...given: string[]): Promise<Ended> {
  return startExample(name, work, given).ended;
}

/** The same, to be watched, stopped or killed meanwhile. */
export function startExample(
  name: string,
  work: string,
  given: readonly string[] = [],
  more: Readonly<Record<string, string>> = {},
): Started {
  const loader = pathToFileURL(join(repositoryRoot, 'node_modules/tsx/dist/loader.mjs')).href;
  const program = ['--import', loader, join(repositoryRoot, 'examples', name, 'main.ts')];
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json'), ...more };
  const child = spawn(process.execPath, [...program, ...given], { cwd: work, env });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.pipe(process.stderr);
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status) => resolve({ status, stdout }));
  });
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(stdout);
        if (found !== null) resolve(found);
      };
      child.stdout.on('data', look);
      child.once('close', () => reject(new Error(`it ended before it printed ${pattern}: ${stdout}`)));
      look();
    });
  return { child, ended, printed };
}
