import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** For what is bundled of packages in CommonJS. */
const REQUIRE =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

/** A program of its own process. Built once: starting a compiler in each of many processes takes most of the time. */
export class Program {
  readonly #directory = mkdtempSync(join(tmpdir(), 'headwater-program-'));
  /** For those that start it themselves. */
  readonly file = join(this.#directory, 'program.mjs');

  static async build(entry: URL): Promise<Program> {
    const program = new Program();
    const options = { bundle: true, platform: 'node', format: 'esm', target: 'node20' } as const;
    await build({ ...options, banner: { js: REQUIRE }, entryPoints: [fileURLToPath(entry)], outfile: program.file });
    return program;
  }

  /** Gives the process, which the caller ends. */
  start(...parameters: readonly (string | number)[]): ChildProcess {
    return spawn(process.execPath, [this.file, ...parameters.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  run(...parameters: readonly (string | number)[]): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [this.file, ...parameters.map(String)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      let errors = '';
      child.stdout.on('data', (bytes: Buffer) => {
        output += bytes.toString();
      });
      child.stderr.on('data', (bytes: Buffer) => {
        errors += bytes.toString();
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        resolve({ code, signal, errors, lines: output.split('\n').filter((line) => line !== '') });
      });
    });
  }

  dispose(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Runs every job, a few at a time. */
export async function inParallel<Item>(items: readonly Item[], job: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const work = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await job(item);
  };
  await Promise.all([work(), work(), work()]);
}
