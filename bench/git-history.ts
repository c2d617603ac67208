import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FOLDERS = 40;
const FILES_IN_FOLDER = 12;
const CHANGES_IN_COMMIT = 3;
const START = 1_600_000_000;

/** A repository with so many commits, each changing a few files of a tree of 480, packed as after `git gc`. */
export async function createHistory(commits: number): Promise<{ directory: string; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-bench-git-'));
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', directory]);
  const importer = spawn('git', ['fast-import', '--quiet'], { cwd: directory, stdio: ['pipe', 'inherit', 'inherit'] });
  const done = once(importer, 'close');
  for (let index = 0; index < commits; index += 1) {
    if (!importer.stdin.write(commitText(index))) await once(importer.stdin, 'drain');
  }
  importer.stdin.end();
  await done;
  execFileSync('git', ['repack', '-adq'], { cwd: directory });
  execFileSync('git', ['commit-graph', 'write', '--reachable'], { cwd: directory, stdio: 'ignore' });
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

function commitText(index: number): string {
  const message = `change ${index}: what was done and why\n\nA body of a few words, since most commits have one.\n`;
  const person = `Developer ${index % 17} <developer-${index % 17}@example.com> ${START + index * 600} +0100`;
  const changes = Array.from({ length: CHANGES_IN_COMMIT }, (_, change) =>
    changeText(index * CHANGES_IN_COMMIT + change),
  );
  return [
    'commit refs/heads/main\n',
    `mark :${index + 1}\n`,
    `author ${person}\ncommitter ${person}\n`,
    data(message),
    index === 0 ? '' : `from :${index}\n`,
    ...changes,
    '\n',
  ].join('');
}

function changeText(number: number): string {
  const folder = (number * 7) % FOLDERS;
  const file = (number * 5) % FILES_IN_FOLDER;
  return `M 100644 inline folder-${folder}/file-${file}.txt\n${data(`line\nchange ${number}\nline\n`)}`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}
