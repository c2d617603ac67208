import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { repositoryRoot } from '../../scripts/entries.js';
import { createRepository } from '../torture/repository.js';

const program = [
  '--import',
  pathToFileURL(join(repositoryRoot, 'node_modules/tsx/dist/loader.mjs')).href,
  join(repositoryRoot, 'examples/exactly-once/main.ts'),
];

test('rows, commits and counts agree, however often the program kills itself', { timeout: 60_000 }, async () => {
  const work = mkdtempSync(join(tmpdir(), 'headwater-exactly-once-'));
  onTestFinished(() => rmSync(work, { recursive: true, force: true }));
  createRepository(join(work, 'repository'));
  for (let kills = 0; kills < 4; kills += 1) await run(work, '--crash');
  const { status, stdout } = await run(work);
  const commits = execFileSync('git', ['rev-list', '--all', '--count'], {
    cwd: join(work, 'repository'),
    encoding: 'utf8',
  }).trim();
  expect(stdout).toContain(`In the database: ${commits} rows, ${commits} commits, ${commits} counted`);
  expect(status).toBe(0);
  expect((await run(work)).stdout).toMatch(/^0 new events/);
});

function run(work: string, ...more: string[]): Promise<{ status: number | null; stdout: string }> {
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json') };
  const child = spawn(process.execPath, [...program, join(work, 'repository'), ...more], { cwd: work, env });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.pipe(process.stderr);
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, stdout }));
  });
}
