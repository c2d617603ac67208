import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { GitSource } from 'headwater/sources/git';
import type { SourceHarness, SourceWorld } from 'headwater/testing';

const FLOOD = 4_000;
const FLOOD_BYTES = 1_000;

/** A repository, and a `git` on the path that counts how often it is called and fails or hangs when it is told to. */
class Repository implements SourceWorld {
  readonly #root = realpathSync(mkdtempSync(join(tmpdir(), 'headwater-contract-git-')));
  readonly #bin = join(this.#root, 'bin');
  readonly #path = process.env['PATH'] ?? '';
  readonly #dir = join(this.#root, 'repository');
  #commits = 0;
  readonly config = { dir: this.#dir, pollIntervalMs: 100 };
  /** Six commits, two branches and a tag. */
  readonly events = 9;

  constructor() {
    mkdirSync(this.#dir);
    this.#git('init', '--quiet', '--initial-branch=main', '.');
    for (let count = 0; count < 3; count += 1) this.commit();
    this.#git('tag', '--annotate', '--message', 'one', 'v1');
    this.#git('checkout', '--quiet', '-b', 'side', 'HEAD~1');
    this.commit();
    this.#git('checkout', '--quiet', 'main');
    this.commit();
    this.#git('merge', '--quiet', '--no-ff', '--message', 'merge', 'side');
    this.#plantGit();
  }

  commit(): void {
    this.#commits += 1;
    writeFileSync(join(this.#dir, `file-${this.#commits}`), `${this.#commits}\n`);
    this.#git('add', '--all');
    this.#git('commit', '--quiet', '--message', `commit ${this.#commits}`);
  }

  get requests(): number {
    const file = join(this.#bin, 'requests');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
  }

  /** The processes that are still there. */
  get connections(): number {
    const file = join(this.#bin, 'requests');
    if (!existsSync(file)) return 0;
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((id) => id !== '' && isRunning(Number(id))).length;
  }

  fail(kind: 'transient' | 'permanent', after: number): void {
    for (const name of ['transient', 'permanent', 'passed'])
      rmSync(join(this.#bin, name), { recursive: true, force: true });
    writeFileSync(join(this.#bin, kind), String(this.requests + after + 1));
  }

  hang(): void {
    writeFileSync(join(this.#bin, 'hang'), '');
  }

  flood(): void {
    const parts: string[] = [];
    for (let count = 1; count <= FLOOD; count += 1) {
      const message = 'x'.repeat(FLOOD_BYTES);
      const head = `commit refs/heads/flood\nmark :${count}\ncommitter C <c@example.org> ${1_700_000_000 + count} +0000\n`;
      parts.push(`${head}data ${message.length}\n${message}\n${count > 1 ? `from :${count - 1}\n` : ''}`);
    }
    execFileSync('git', ['fast-import', '--quiet'], { cwd: this.#dir, input: parts.join('\n'), env: environment() });
  }

  async close(): Promise<void> {
    process.env['PATH'] = this.#path;
    rmSync(this.#root, { recursive: true, force: true });
  }

  #git(...commandLine: string[]): void {
    execFileSync('git', commandLine, { cwd: this.#dir, env: environment(this.#path), stdio: 'pipe' });
  }

  #plantGit(): void {
    const real = execFileSync('sh', ['-c', 'command -v git']).toString().trim();
    mkdirSync(this.#bin);
    writeFileSync(join(this.#bin, 'git'), script(this.#bin, real));
    chmodSync(join(this.#bin, 'git'), 0o755);
    process.env['PATH'] = `${this.#bin}${delimiter}${this.#path}`;
  }
}

function script(directory: string, real: string): string {
  return `#!/bin/sh
cd_="${directory}"
echo "$$" >> "$cd_/requests"
count=$(wc -l < "$cd_/requests")
if [ -f "$cd_/hang" ]; then exec sleep 3600; fi
if [ -f "$cd_/permanent" ] && [ "$count" -ge "$(cat "$cd_/permanent")" ]; then
  echo 'fatal: unable to read tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904' >&2
  exit 128
fi
if [ -f "$cd_/transient" ] && [ "$count" -ge "$(cat "$cd_/transient")" ] && mkdir "$cd_/passed" 2>/dev/null; then
  kill -KILL $$
fi
exec "${real}" "$@"
`;
}

function environment(path = process.env['PATH'] ?? ''): Record<string, string> {
  const date = '1700000000 +0000';
  return {
    PATH: path,
    HOME: tmpdir(),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ann Author',
    GIT_AUTHOR_EMAIL: 'ann@example.org',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: 'Carl Committer',
    GIT_COMMITTER_EMAIL: 'carl@example.org',
    GIT_COMMITTER_DATE: date,
  };
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}

const NO_SECRETS = 'git reads a local directory: there are no credentials';

export const harness: SourceHarness<Repository> = {
  source: GitSource,
  open: async () => new Repository(),
  more: async (repository) => repository.commit(),
  requests: (repository) => repository.requests,
  fail: (repository, kind, after) => repository.fail(kind, after),
  hang: (repository) => repository.hang(),
  connections: (repository) => repository.connections,
  flood: async (repository) => repository.flood(),
  taken: (_, source) => source.getStats().bytes / (FLOOD * FLOOD_BYTES),
  patienceMs: 20_000,
  skip: [
    { case: 'credentials that are not there are refused, each of them', reason: NO_SECRETS },
    { case: 'no secret is in an event, a cursor, a log line or what a source prints as', reason: NO_SECRETS },
    {
      case: 'no secret is in an error, its causes, or what is logged and told when upstream fails',
      reason: NO_SECRETS,
    },
    { case: 'no secret is in the error that refuses a configuration or credentials', reason: NO_SECRETS },
  ],
};
