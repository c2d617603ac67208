import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startExample } from './run-example.js';

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
    return child.printed('three');
  });
  expect(first).toEqual(['app.log:  one', 'app.log: warn {"level":"warn","msg":"two"}', 'app.log:  three']);

  appendFileSync(log, 'four\n');
  const second = await follow('four', async () => {});
  expect(second).toEqual(['app.log:  four']);
});

interface Follower {
  /** Resolves when it has printed a text. */
  printed(text: string): Promise<void>;
}

/** Runs the example until it has printed a text and what follows is done; stops it as a person does. */
async function follow(until: string, then: (follower: Follower) => Promise<void>): Promise<string[]> {
  const { child, ended } = startExample('follow-logs', work, '*.log');
  const printed = async (text: string): Promise<void> => {
    let seen = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (piece: string) => {
        seen += piece;
        if (seen.includes(text)) resolve();
      });
      child.once('close', () => reject(new Error(`it ended before it printed "${text}"`)));
    });
  };
  await printed(until);
  await then({ printed });
  child.kill('SIGINT');
  const { status, stdout } = await ended;
  expect(status).toBe(0);
  return stdout.trim().split('\n');
}
