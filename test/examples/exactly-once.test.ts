import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createRepository } from '../torture/repository.js';
import { runExample } from './run-example.js';

test('rows, commits and counts agree, however often the program kills itself', { timeout: 60_000 }, async () => {
  const work = mkdtempSync(join(tmpdir(), 'headwater-exactly-once-'));
  onTestFinished(() => rmSync(work, { recursive: true, force: true }));
  const repository = join(work, 'repository');
  createRepository(repository);
  for (let kills = 0; kills < 4; kills += 1) await runExample('exactly-once', work, repository, '--crash');
  const { status, stdout } = await runExample('exactly-once', work, repository);
  const commits = execFileSync('git', ['rev-list', '--all', '--count'], { cwd: repository, encoding: 'utf8' }).trim();
  expect(stdout).toContain(`In the database: ${commits} rows, ${commits} commits, ${commits} counted`);
  expect(status).toBe(0);
  expect((await runExample('exactly-once', work, repository)).stdout).toMatch(/^0 new events/);
});
