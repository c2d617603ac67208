import { EMPTY_CURSOR, type GitCursor, type GitPass, type RefPosition, tipOf } from './cursor.js';
import type { PeeledObject } from './objects.js';
import type { RefListing, RefSelection } from './refs.js';

/** What each changed ref holds now; undefined: it is gone. */
export type RefChanges = ReadonlyMap<string, string | undefined>;

/** Refs of the selection that differ from the cursor, sorted by name. Refs outside of it are left alone. */
export function changedRefs({ refs }: GitCursor, listing: RefListing, selection: RefSelection): RefChanges {
  const changes = new Map<string, string | undefined>();
  for (const [name, sha] of listing) if (refs[name]?.sha !== sha) changes.set(name, sha);
  for (const name of Object.keys(refs)) {
    if (!listing.has(name) && selection.matches(name)) changes.set(name, undefined);
  }
  return new Map([...changes].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** What git lets a branch point at is always a commit; other refs may point at anything. */
function isBranch(name: string): boolean {
  return name === 'HEAD' || name.startsWith('refs/heads/');
}

/** Every object that planning or resuming a pass has to ask about. */
export function objectsOf({ refs, pass }: GitCursor, changes: RefChanges = new Map()): string[] {
  const known = Object.values(refs).map(tipOf);
  const pinned = Object.values(pass?.refs ?? {}).flatMap((position) => {
    return position === null ? [] : [position.sha, tipOf(position)];
  });
  const changed = [...changes].map(([name, sha]) => (isBranch(name) ? undefined : sha));
  return [...known, ...pinned, ...changed].filter((sha) => typeof sha === 'string');
}

export interface PassSettings {
  maxCommits: number | undefined;
  walk: string;
}

/** Changed refs whose object is not there. */
export function brokenRefs(changes: RefChanges, objects: ReadonlyMap<string, PeeledObject>): string[] {
  return [...changes].flatMap(([name, sha]) => {
    return sha === undefined || isBranch(name) || objects.has(sha) ? [] : [name];
  });
}

/** A pass that brings the cursor up to the changes; `objects` holds what was asked about. */
export function planPass(
  cursor: GitCursor,
  changes: RefChanges,
  objects: ReadonlyMap<string, PeeledObject>,
  { maxCommits, walk }: PassSettings,
): GitPass {
  const refs: Record<string, RefPosition | null> = {};
  for (const [name, sha] of changes) {
    const revision = (cursor.refs[name]?.revision ?? cursor.floor) + 1;
    if (sha === undefined) refs[name] = null;
    else refs[name] = isBranch(name) ? { sha, revision } : positionOf(sha, objects.get(sha), revision);
  }
  const isFirst = baseTips(cursor, objects).length === 0;
  return { refs, walk, ...(isFirst && maxCommits !== undefined && { limit: maxCommits }), commits: 0, events: 0 };
}

function positionOf(sha: string, object: PeeledObject | undefined, revision: number): RefPosition {
  if (object?.type !== 'commit') return { sha, tip: null, revision };
  return object.sha === sha ? { sha, revision } : { sha, tip: object.sha, revision };
}

/** The commits that the walk of the pass begins at. */
export function passTips({ refs }: GitPass): Map<string, string[]> {
  const tips = new Map<string, string[]>();
  for (const [name, position] of Object.entries(refs)) {
    const tip = position === null ? null : tipOf(position);
    if (tip === null) continue;
    const names = tips.get(tip);
    if (names === undefined) tips.set(tip, [name]);
    else names.push(name);
  }
  return tips;
}

/** The commits that were reached before the pass and are still in the repository. */
export function baseTips({ refs }: GitCursor, objects: ReadonlyMap<string, PeeledObject>): string[] {
  const tips = new Set<string>();
  for (const position of Object.values(refs)) {
    const tip = position.gone === true ? null : tipOf(position);
    if (tip !== null && objects.has(tip)) tips.add(tip);
  }
  return [...tips];
}

/** Refs that have moved on from a commit that the repository no longer has. */
export function lostRefs({ refs, pass }: GitCursor, objects: ReadonlyMap<string, PeeledObject>): string[] {
  return Object.entries(pass?.refs ?? {}).flatMap(([name, position]) => {
    const old = refs[name];
    if (position === null || old === undefined || old.gone === true) return [];
    const tip = tipOf(old);
    return tip === null || objects.has(tip) ? [] : [name];
  });
}

/** Refs of a pass in progress whose pinned commit has since been removed. */
export function vanishedRefs({ refs }: GitPass, objects: ReadonlyMap<string, PeeledObject>): string[] {
  return Object.entries(refs).flatMap(([name, position]) => {
    const tip = position === null ? null : tipOf(position);
    return tip === null || objects.has(tip) ? [] : [name];
  });
}

/** The cursor after a gap has told that the old commits of these refs are gone. */
export function markGone(cursor: GitCursor, names: readonly string[]): GitCursor {
  const refs = { ...cursor.refs };
  for (const name of names) refs[name] = { ...(refs[name] as RefPosition), gone: true };
  return { ...cursor, refs };
}

/** The cursor with the pass in progress given up. */
export function withoutPass({ refs, floor }: GitCursor): GitCursor {
  return { ...EMPTY_CURSOR, refs, floor };
}
