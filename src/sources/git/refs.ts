import { isUtf8 } from 'node:buffer';
import { compileGlobs, isGlob } from '../../toolkit/glob.js';
import type { Git } from './git-process.js';

/** Full name of each ref to the object it holds. */
export type RefListing = ReadonlyMap<string, string>;

/** Which refs a source follows. */
export interface RefSelection {
  /** Where git has to look: full names or directories of them. */
  readonly roots: readonly string[];
  readonly head: 'always' | 'when-detached' | 'never';
  /** Names that were given without a glob. */
  readonly names: readonly string[];
  matches(ref: string): boolean;
}

const DEFAULT_REFS = ['refs/heads/**', 'refs/tags/**'];

/** Where git itself looks for a short name. https://git-scm.com/docs/gitrevisions */
const NAMESPACES = ['refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/'];

export function selectRefs(refs: readonly string[] | undefined): RefSelection {
  const patterns = (refs ?? DEFAULT_REFS).filter((pattern) => pattern !== 'HEAD');
  const fullPatterns = patterns.flatMap(fullNames);
  const head = refs === undefined ? 'when-detached' : refs.includes('HEAD') ? 'always' : 'never';
  const literals = new Set(fullPatterns.filter((pattern) => !isGlob(pattern)));
  const matchesGlob = compileGlobs(fullPatterns.filter(isGlob));
  return {
    roots: [...new Set([...fullPatterns.map(rootOf), ...(head === 'never' ? [] : ['refs/heads'])])],
    head,
    names: patterns.filter((pattern) => !isGlob(pattern)),
    matches: (ref) => (ref === 'HEAD' ? head !== 'never' : literals.has(ref) || matchesGlob(ref)),
  };
}

/** The full names that a name or glob may stand for. */
function fullNames(name: string): string[] {
  return name.startsWith('refs/') ? [name] : NAMESPACES.map((namespace) => namespace + name);
}

/** Names given without a glob that are not among the refs. */
export function unknownNames({ names }: RefSelection, listing: RefListing): string[] {
  return names.filter((name) => !fullNames(name).some((fullName) => listing.has(fullName)));
}

function rootOf(pattern: string): string {
  const parts = pattern.split('/');
  const end = parts.findIndex(isGlob);
  return end === -1 ? pattern : parts.slice(0, end).join('/');
}

const LISTING_FORMAT = '%(HEAD)%(objectname)%00%(refname)%00';

/**
 * The refs of the selection as they are now, sorted by name. One process that opens no object; a second one only while
 * HEAD is detached or unborn.
 */
export async function listRefs(git: Git, selection: RefSelection): Promise<RefListing> {
  const output = await git.run(['for-each-ref', `--format=${LISTING_FORMAT}`, '--end-of-options', ...selection.roots]);
  const { refs, head } = parseListing(output, selection);
  if (selection.head === 'never' || (selection.head === 'when-detached' && head !== undefined)) return refs;
  const sha = head ?? (await resolveHead(git));
  return sha === undefined ? refs : new Map([['HEAD', sha], ...refs]);
}

function parseListing(output: Buffer, selection: RefSelection): { refs: Map<string, string>; head?: string } {
  const refs = new Map<string, string>();
  let head: string | undefined;
  for (let at = 0; at < output.length; ) {
    const nameAt = output.indexOf(0, at) + 1;
    const end = output.indexOf(0, nameAt);
    const name = decodeRefName(output.subarray(nameAt, end));
    const sha = output.toString('latin1', at + 1, nameAt - 1);
    if (output[at] === ASTERISK) head = sha;
    if (selection.matches(name)) refs.set(name, sha);
    at = end + 2;
  }
  return head === undefined ? { refs } : { refs, head };
}

const ASTERISK = 0x2a;

/**
 * Names are bytes. Those that are not UTF-8 are written with `\xff` for each byte above ASCII; a backslash cannot be
 * part of a name, so two names never become one.
 */
export function decodeRefName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return bytes.toString('latin1').replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

async function resolveHead(git: Git): Promise<string | undefined> {
  const output = await git.run(['rev-parse', '--verify', '--quiet', '--end-of-options', 'HEAD'], { alsoOk: [1] });
  return /[0-9a-f]{40,64}/.exec(output.toString('latin1'))?.[0];
}
