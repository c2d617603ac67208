import { resolve } from 'node:path';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';

const MEBIBYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;
const DEFAULTS = {
  maxBytes: 1024 * MEBIBYTE,
  maxSegmentBytes: 16 * MEBIBYTE,
  keyTtlMs: 72 * HOUR_MS,
  maxKeys: 1_000_000,
};

/** A full spool is made of as many segments at least: it has room again when the first of them is acknowledged. */
const FEWEST_SEGMENTS = 8;

export type SpoolSettings = SpoolOptions & typeof DEFAULTS;

export interface SpoolOptions {
  /** Made when it is missing, for its owner only. One process at a time; on a disk of this machine. */
  readonly directory: string;
  /** Of records that are not acknowledged. Beyond it, `append` refuses. Default 1 GiB. */
  readonly maxBytes?: number | undefined;
  /** A segment is deleted when all of it is acknowledged. Default 16 MiB, or an eighth of `maxBytes` if that is less. */
  readonly maxSegmentBytes?: number | undefined;
  /** For how long the key of a record is remembered, in milliseconds. Default 72 hours. */
  readonly keyTtlMs?: number | undefined;
  /** How many keys are remembered; beyond it the oldest are forgotten before their time. Default 1,000,000 (≈ 150 MB). */
  readonly maxKeys?: number | undefined;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
}

export interface SpoolAppend {
  /** What the sender calls it, the same when it sends it again; `undefined` or empty: nothing tells it from another. */
  readonly key: string | undefined;
  readonly value: Buffer | string;
  /** For how long this key is remembered. Default: that of the spool. */
  readonly keyTtlMs?: number | undefined;
}

export interface SpoolReceipt {
  /** Of this record; of the first that had the key, for a duplicate. */
  readonly sequence: number;
  readonly isDuplicate: boolean;
}

export interface SpoolStats {
  /** The oldest sequence that is still there, or would be the first. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly releasedSequence: number;
  /** Bytes on the disk. */
  readonly bytes: number;
  readonly segments: number;
  readonly keys: number;
  /** Keys that were forgotten before their time, because there were too many, since the spool was opened. */
  readonly keysForgottenEarly: number;
  /** What was promised and could not be read when the spool was opened, as sentences. `batches` tells it as gaps. */
  readonly damage: readonly string[];
}

/** With everything that was left out. */
export function settle(options: SpoolOptions): SpoolSettings {
  const maxBytes = options.maxBytes ?? DEFAULTS.maxBytes;
  const maxSegmentBytes =
    options.maxSegmentBytes ?? Math.min(DEFAULTS.maxSegmentBytes, Math.ceil(maxBytes / FEWEST_SEGMENTS));
  const keyTtlMs = options.keyTtlMs ?? DEFAULTS.keyTtlMs;
  const maxKeys = options.maxKeys ?? DEFAULTS.maxKeys;
  return { ...options, directory: resolve(options.directory), maxBytes, maxSegmentBytes, keyTtlMs, maxKeys };
}
