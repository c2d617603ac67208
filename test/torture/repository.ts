import { execFileSync } from 'node:child_process';

const COMMITS = 300;

/** A bare repository with a line of commits, and a branch that left it and came back. */
export function createRepository(directory: string): void {
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', directory]);
  const commands = Array.from({ length: COMMITS }, (_, index) => commit(index)).join('');
  execFileSync('git', ['fast-import', '--quiet'], { cwd: directory, input: commands });
}

function commit(index: number): string {
  const branch = index > 100 && index < 180 && index % 2 === 0 ? 'side' : 'main';
  const person = `Tester <tester@example.com> ${1_700_000_000 + index} +0000`;
  const message = `change ${index}`;
  const merge = index === 200 ? 'merge refs/heads/side\n' : '';
  const parent = index === 102 ? 'from refs/heads/main\n' : '';
  const text = `line ${index}`;
  return [
    `commit refs/heads/${branch}\nauthor ${person}\ncommitter ${person}\n`,
    `data ${message.length}\n${message}\n${parent}${merge}`,
    `M 100644 inline file-${index % 9}.txt\ndata ${text.length}\n${text}\n\n`,
  ].join('');
}
