import { createHash } from 'node:crypto';
import { SkippableError } from '../core/errors.js';

/** 'full': what the snapshot does not name is gone. 'partial': what it does not name is left alone. */
export type SnapshotMode = 'full' | 'partial';

/** What tells the items of a snapshot apart, and one version of an item from the next. */
export interface SnapshotShape<Item> {
  /** The identity of an item within its snapshot. */
  key(item: Item): string;
  /** Changes when the item does. Default `contentVersion`: a hash of all of it. */
  version?: ((item: Item) => string) | undefined;
}

export interface SnapshotEntry<Item> {
  readonly key: string;
  readonly version: string;
  readonly item: Item;
}

/** What became of each item, in the order of the snapshot; what was removed, in the order of what was there. */
export interface SnapshotDiff<Item> {
  readonly created: readonly SnapshotEntry<Item>[];
  readonly updated: readonly (SnapshotEntry<Item> & { readonly previousVersion: string })[];
  readonly unchanged: readonly SnapshotEntry<Item>[];
  readonly removed: readonly { readonly key: string; readonly previousVersion: string }[];
}

/**
 * Compares what was there, as versions by key, with a snapshot of what is there now. For upstreams that tell their whole
 * state, or a part of it, and no changes.
 *
 * ```ts
 * const known = new Map([['core', '1.0'], ['forum', '2.4']]);
 * const found = [{ name: 'core', version: '1.1' }];
 * const shape = { key: (module) => module.name, version: (module) => module.version };
 * diffSnapshot(known, found, 'full', shape);       // core updated from 1.0, forum removed
 * diffSnapshot(known, found, 'partial', shape);    // core updated from 1.0
 * ```
 *
 * @throws SkippableError 'SNAPSHOT_DUPLICATE' when two items have one key: which of them is meant cannot be told.
 */
export function diffSnapshot<Item>(
  previous: ReadonlyMap<string, string>,
  snapshot: Iterable<Item>,
  mode: SnapshotMode,
  shape: SnapshotShape<Item>,
): SnapshotDiff<Item> {
  const { version: versionOf = contentVersion } = shape;
  const created: SnapshotEntry<Item>[] = [];
  const updated: (SnapshotEntry<Item> & { previousVersion: string })[] = [];
  const unchanged: SnapshotEntry<Item>[] = [];
  const seen = new Set<string>();
  for (const item of snapshot) {
    const key = shape.key(item);
    if (seen.has(key)) throw duplicate(key);
    seen.add(key);
    const version = versionOf(item);
    const previousVersion = previous.get(key);
    if (previousVersion === undefined) created.push({ key, version, item });
    else if (previousVersion === version) unchanged.push({ key, version, item });
    else updated.push({ key, version, item, previousVersion });
  }
  return { created, updated, unchanged, removed: mode === 'full' ? missing(previous, seen) : [] };
}

/** SHA-256 of the item as JSON, in base64url. The order in which members were written makes no difference. */
export function contentVersion(item: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(item, withSortedKeys) ?? '')
    .digest('base64url');
}

function missing(previous: ReadonlyMap<string, string>, seen: ReadonlySet<string>): SnapshotDiff<never>['removed'] {
  const removed: { key: string; previousVersion: string }[] = [];
  for (const [key, previousVersion] of previous) if (!seen.has(key)) removed.push({ key, previousVersion });
  return removed;
}

function withSortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function duplicate(key: string): SkippableError {
  const message =
    `two items of the snapshot have the key ${JSON.stringify(key)}: nothing was changed; ` +
    'leave one of them out, or make the key of more than this';
  return new SkippableError(message, { code: 'SNAPSHOT_DUPLICATE' });
}
