import type { Git } from './git-process.js';

/** An object after its tags are taken off. */
export interface PeeledObject {
  sha: string;
  type: string;
}

/**
 * What each object name leads to; names that the repository does not have (any more) are absent. One process however
 * many there are.
 *
 * @see https://git-scm.com/docs/git-cat-file
 */
export async function peelObjects(git: Git, shas: Iterable<string>): Promise<Map<string, PeeledObject>> {
  const names = [...new Set(shas)];
  const found = new Map<string, PeeledObject>();
  if (names.length === 0) return found;
  const input = names.map((sha) => `${sha}^{}\n`).join('');
  const output = await git.run(['cat-file', '--batch-check=%(objectname) %(objecttype)'], { input });
  const lines = output.toString('latin1').split('\n');
  for (const [index, name] of names.entries()) {
    const [sha, type] = lines[index]?.split(' ') ?? [];
    if (sha !== undefined && type !== undefined && type !== 'missing') found.set(name, { sha, type });
  }
  return found;
}

/** The raw contents of objects; those that are missing are absent. */
export async function readObjects(git: Git, shas: readonly string[]): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  if (shas.length === 0) return contents;
  const output = await git.run(['cat-file', '--batch'], { input: shas.map((sha) => `${sha}\n`).join('') });
  for (let at = 0; at < output.length; ) {
    const lineEnd = output.indexOf('\n', at);
    const [sha = '', , size] = output.toString('latin1', at, lineEnd).split(' ');
    at = lineEnd + 1;
    if (size === undefined) continue;
    contents.set(sha, output.subarray(at, at + Number(size)));
    at += Number(size) + 1;
  }
  return contents;
}

/** The commit that both have in common, where there is one. */
export async function mergeBase(git: Git, one: string, other: string): Promise<string | undefined> {
  const output = await git.run(['merge-base', '--end-of-options', one, other], { alsoOk: [1] });
  const sha = output.toString('latin1').trim();
  return sha === '' ? undefined : sha;
}
