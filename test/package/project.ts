import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A small project of a host, in a folder of its own that sees what the host installed. */
export class Project {
  readonly folder: string;

  constructor(files: Readonly<Record<string, string | object>>, parent: string = inject('hostFolder')) {
    this.folder = mkdtempSync(join(parent, 'project-'));
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  write(name: string, content: string | object): void {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }

  /** Runs a file of the project with the Node that runs the tests. */
  node(...callArguments: string[]): Outcome {
    return run(process.execPath, callArguments, this.folder);
  }
}

/** An outcome as one text to compare, so that a failing test shows what was printed. */
export function told({ status, stdout, stderr }: Outcome): string {
  return `${stdout}${stderr}exit status ${status}`;
}

export function run(command: string, callArguments: readonly string[], cwd: string): Outcome {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { status, stdout, stderr, error } = spawnSync(command, callArguments, { cwd, env, encoding: 'utf8' });
  if (error) throw error;
  return { status, stdout, stderr };
}
