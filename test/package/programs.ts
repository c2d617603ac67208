import { execFileSync } from 'node:child_process';

/** What a host writes; the same lines for an ES module and for CommonJS, which differ in how they get the names. */
export const customSourceProgram = `
class Numbers extends EventSource {
  type = 'numbers';
  async validate() { return { ok: true, problems: [] }; }
  async *read({ cursor = 0 }) {
    for (let number = cursor + 1; number <= 5; number++)
      yield this.event({ type: 'number', id: String(number), data: number }, number);
  }
}

async function main() {
  const cursorStore = new MemoryCursorStore();
  const seen = [];
  const first = new Numbers({ id: 'numbers', config: {} });
  await ingest({ source: first, cursorStore, limit: 3, sink: (batch) => { for (const event of batch.events) seen.push(event.data); } });
  const second = new Numbers({ id: 'numbers', config: {} });
  await ingest({ source: second, cursorStore, sink: (batch) => { for (const event of batch.events) seen.push(event.data); } });
  console.log(seen.join(' '));
}

main();
`;

/** Reads a repository whose path is the first argument, and prints the types of its events. */
export const gitProgram = `
import { GitSource } from 'headwater/sources/git';

const source = await GitSource.create({ id: 'history', config: { dir: process.argv[2] } });
for await (const event of source.generateEvents()) console.log(event.type);
`;

/** Reads a directory whose path is the first argument, with a file of a format whose package is not installed. */
export const filesystemProgram = `
import { FilesystemSource } from 'headwater/sources/filesystem';

const source = await FilesystemSource.create({ id: 'files', config: { dir: process.argv[2] } });
try {
  for await (const event of source.generateEvents()) console.log(event.type);
} catch (error) {
  console.log(error.code);
}
`;

/** Makes each source that needs a package of its own, which is not installed, and prints what it is told. */
export const peersProgram = `
import { EventSourceFactory } from 'headwater';
import { builtinSources } from 'headwater/sources';

const specs = {
  github: { config: { owner: 'o', repo: 'r', streams: ['issues'] }, credentials: { token: 't' } },
  slack: { config: { channels: ['general'] }, credentials: { token: 't' } },
  database: { config: { mode: 'keyset', database: 'postgres://127.0.0.1/none', table: 't' } },
  mongodb: { config: { mode: 'polling', client: 'mongodb://127.0.0.1:1', database: 'd', collection: 'c' } },
  log: { config: { files: '*.log', format: { pattern: '(?<word>[a-z]+)' } } },
};
for (const [type, options] of Object.entries(specs)) {
  try {
    const source = await new EventSourceFactory({ sources: builtinSources }).create(type, { id: type, ...options });
    for await (const _event of source.generateEvents());
    console.log(type, 'needs nothing');
  } catch (error) {
    console.log(type, error.code, error.packages?.join(' '));
  }
}
`;

/** A repository with two commits. */
export function makeRepository(dir: string): void {
  const git = (...callArguments: string[]): void => {
    const identity = ['-c', 'user.name=A', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false'];
    execFileSync('git', [...identity, ...callArguments], { cwd: dir, stdio: 'ignore' });
  };
  git('init', '--initial-branch=main');
  git('commit', '--allow-empty', '--message=first');
  git('commit', '--allow-empty', '--message=second');
}
