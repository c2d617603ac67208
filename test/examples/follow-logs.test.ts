import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Started, startExample } from './run-example.js';

let work: string;
let log: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'headwater-follow-logs-'));
  log = join(work, 'app.log');
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

test('npm run example:follow-logs prints each line once, over a rotation and a restart', {
  timeout: 120_000,
}, async () => {
  writeFileSync(log, 'one\n{"level":"warn","msg":"two"}\n');
  const first = await follow('two', (child) => {
    renameSync(log, `${log}.1`);
    writeFileSync(log, 'three\n');
    return child.printed(/three/);
  });
  expect(first).toEqual(['app.log:  one', 'app.log: warn {"level":"warn","msg":"two"}', 'app.log:  three']);

  appendFileSync(log, 'four\n');
  const second = await follow('four', async () => {});
  expect(second).toEqual(['app.log:  four']);
});

/** Runs the example until it has printed a text and what follows is done; stops it as a person does. */
async function follow(until: string, then: (follower: Started) => Promise<unknown>): Promise<string[]> {
  const started = startExample('follow-logs', work, ['*.log']);
  await started.printed(new RegExp(until));
  await then(started);
  started.child.kill('SIGINT');
  const { status, stdout } = await started.ended;
  expect(status).toBe(0);
  return stdout.trim().split('\n');
}
