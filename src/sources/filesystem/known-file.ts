import type { Stats } from 'node:fs';

/** What is remembered of a file, and what its next look is compared with. */
export interface KnownFile {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
  readonly version: string;
  /** SHA-256 of its content, where it was read. */
  readonly hash: string | undefined;
  /** Looked at so soon after a change that a later one might bear the same times: compare the content next time. */
  readonly isRacy: boolean;
  /** Its records were not delivered to the end. */
  readonly isUnfinished: boolean;
}

type Stored = readonly [number, number, number, number, string, string | null, number];

/** Coarse clocks of file systems: the longest step is that of FAT. As git does: https://git-scm.com/docs/racy-git */
const RACY_MS = 2_000;
const RACY = 1;
const UNFINISHED = 2;

export function toKnown(stats: Stats, now: number, before: KnownFile | undefined, hash?: string): KnownFile {
  const { size, mtimeMs, ctimeMs, ino } = stats;
  const isRacy = now - Math.max(mtimeMs, ctimeMs) < RACY_MS;
  return { size, mtimeMs, ctimeMs, inode: ino, version: versionOf(stats, before), hash, isRacy, isUnfinished: false };
}

export function toStored(file: KnownFile): Stored {
  const { size, mtimeMs, ctimeMs, inode, version, hash, isRacy, isUnfinished } = file;
  return [size, mtimeMs, ctimeMs, inode, version, hash ?? null, (isRacy ? RACY : 0) | (isUnfinished ? UNFINISHED : 0)];
}

export function fromStored(value: unknown): KnownFile {
  const [size, mtimeMs, ctimeMs, inode, version, hash, flags] = value as Stored;
  const isRacy = (flags & RACY) !== 0;
  const isUnfinished = (flags & UNFINISHED) !== 0;
  return { size, mtimeMs, ctimeMs, inode, version, hash: hash ?? undefined, isRacy, isUnfinished };
}

export function hasSameStat(file: KnownFile, stats: Stats): boolean {
  return (
    file.size === stats.size &&
    file.mtimeMs === stats.mtimeMs &&
    file.ctimeMs === stats.ctimeMs &&
    file.inode === stats.ino
  );
}

/**
 * The time of the last change of any kind, which only ever moves forward, and the size: another process makes the same
 * of the same tree, and a file that goes A, B, A has three. A number is added where the clock did not move between two.
 */
export function versionOf({ ctimeMs, size }: Stats, before: KnownFile | undefined): string {
  const version = `${Math.round(ctimeMs * 1_000).toString(36)}.${size.toString(36)}`;
  if (before === undefined) return version;
  const [sameTick, repeat = '1'] = before.version.split('~');
  return sameTick === version && !before.isUnfinished ? `${version}~${Number(repeat) + 1}` : version;
}
