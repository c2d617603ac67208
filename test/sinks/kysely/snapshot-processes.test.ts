import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { repositoryRoot } from '../../../scripts/entries.js';
import { openSqlite } from '../../services/databases.js';

const PROCESSES = ['red', 'green', 'blue'];
const SNAPSHOTS = 25;

interface Told {
  readonly revision: number;
  readonly created: number;
  readonly updated: number;
}

it('processes with one SQLite file take turns: each snapshot is one revision', { timeout: 60_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-snapshots-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'shared.sqlite');
  const told = (await Promise.all(PROCESSES.map((name) => apply(file, name)))).flat();
  const expected = Array.from({ length: PROCESSES.length * SNAPSHOTS }, (_, index) => index + 1);
  expect(told.map(({ revision }) => revision).sort((one, other) => one - other)).toEqual(expected);
  expect(told.reduce((sum, { created }) => sum + created, 0)).toBe(expected.length + 1);
  expect(told.reduce((sum, { updated }) => sum + updated, 0)).toBe(expected.length - 1);

  const db = openSqlite<{ headwater_snapshots_history: { itemkey: string; revision: number } }>(file);
  onTestFinished(() => db.destroy());
  const history = await db
    .selectFrom('headwater_snapshots_history')
    .select('revision')
    .where('itemkey', '=', 'shared')
    .orderBy('revision')
    .execute();
  expect(history.map(({ revision }) => revision)).toEqual(expected);
});

/** What one process has made of it. */
function apply(file: string, name: string): Promise<Told[]> {
  const loader = pathToFileURL(join(repositoryRoot, 'node_modules/tsx/dist/loader.mjs')).href;
  const program = fileURLToPath(new URL('programs/applying.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', loader, program, file, name, `${SNAPSHOTS}`]);
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  child.stderr.pipe(process.stderr);
  return new Promise((resolve) => {
    child.on('close', () => resolve(output.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))));
  });
}
