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

/**
 * As it is stored: size, mtimeMs, ctimeMs, inode, flags, and the hash where there is one. Without it nothing but
 * numbers, which V8 keeps in one piece: of 100,000 files that is most of what there is to hold.
 */
export type StoredFile = readonly [number, number, number, number, number, string?];

/** Coarse clocks of file systems: the longest step is that of FAT. As git does: https://git-scm.com/docs/racy-git */
const RACY_MS = 2_000;
/** The flags; above them is how many versions of the same time and size there were before this one. */
const RACY = 1;
const UNFINISHED = 2;
const REPEAT = 4;

export function toKnown(stats: Stats, now: number, before: KnownFile | undefined, hash?: string): KnownFile {
  const { size, mtimeMs, ctimeMs, ino } = stats;
  const isRacy = now - Math.max(mtimeMs, ctimeMs) < RACY_MS;
  return { size, mtimeMs, ctimeMs, inode: ino, version: versionOf(stats, before), hash, isRacy, isUnfinished: false };
}

export function toStored(file: KnownFile): StoredFile {
  const { size, mtimeMs, ctimeMs, inode, version, hash, isRacy, isUnfinished } = file;
  const repeat = version.includes('~') ? Number(version.slice(version.indexOf('~') + 1)) - 1 : 0;
  const flags = repeat * REPEAT + (isUnfinished ? UNFINISHED : 0) + (isRacy ? RACY : 0);
  return hash === undefined ? [size, mtimeMs, ctimeMs, inode, flags] : [size, mtimeMs, ctimeMs, inode, flags, hash];
}

export function fromStored([size, mtimeMs, ctimeMs, inode, flags, hash]: StoredFile): KnownFile {
  const repeat = Math.floor(flags / REPEAT);
  const version = baseVersion(ctimeMs, size) + (repeat === 0 ? '' : `~${repeat + 1}`);
  return {
    size,
    mtimeMs,
    ctimeMs,
    inode,
    version,
    hash,
    isRacy: isRacy(flags),
    isUnfinished: (flags & UNFINISHED) !== 0,
  };
}

/** Whether nothing can have happened to it: not even within the same tick of the clock. */
export function isSurelySame(stored: StoredFile, stats: Stats): boolean {
  return (stored[4] & (RACY | UNFINISHED)) === 0 && isSame(stored[0], stored[1], stored[2], stored[3], stats);
}

export function hasSameStat({ size, mtimeMs, ctimeMs, inode }: KnownFile, stats: Stats): boolean {
  return isSame(size, mtimeMs, ctimeMs, inode, stats);
}

function isSame(size: number, mtimeMs: number, ctimeMs: number, inode: number, stats: Stats): boolean {
  return size === stats.size && mtimeMs === stats.mtimeMs && ctimeMs === stats.ctimeMs && inode === stats.ino;
}

function isRacy(flags: number): boolean {
  return (flags & RACY) !== 0;
}

/**
 * The time of the last change of any kind, which only ever moves forward, and the size: another process makes the same
 * of the same tree, and a file that goes A, B, A has three. A number is added where the clock did not move between two.
 */
function versionOf({ ctimeMs, size }: Stats, before: KnownFile | undefined): string {
  const version = baseVersion(ctimeMs, size);
  if (before === undefined) return version;
  const [sameTick, repeat = '1'] = before.version.split('~');
  return sameTick === version && !before.isUnfinished ? `${version}~${Number(repeat) + 1}` : version;
}

let lastSecond = Number.NaN;
let lastText = '';

/** Files of one tree share many of their seconds, and making the text of a large number is dear. */
function baseVersion(ctimeMs: number, size: number): string {
  const microseconds = Math.round(ctimeMs * 1_000);
  const second = Math.floor(microseconds / 1_000_000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = second.toString(36);
  }
  return `${lastText}.${microseconds - second * 1_000_000}.${size}`;
}
