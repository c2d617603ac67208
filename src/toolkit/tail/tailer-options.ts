import type { Clock } from '../../core/clock.js';
import type { GapReason } from '../../core/event.js';
import type { Logger } from '../../core/logger.js';
import type { Line, LineOptions } from '../lines/line.js';
import type { TailPosition } from './tail-position.js';
import type { TailedFile } from './tailed-file.js';

export interface TailerOptions extends LineOptions {
  /** The real path of the directory that globs are relative to. */
  readonly root: string;
  readonly files: readonly string[];
  readonly exclude: readonly string[];
  /** See `rotatedNames`. */
  readonly rotated: readonly string[] | undefined;
  readonly followsLinks: boolean;
  /** Where an earlier run stood; undefined for the first one. */
  readonly from: { readonly files: readonly TailPosition[]; readonly retired: readonly string[] } | undefined;
  /** Of a first run: whether files that are there are read, and from where. */
  readonly start: (modified: number) => 'beginning' | 'end';
  readonly follow: boolean;
  readonly watch: boolean;
  readonly pollIntervalMs: number;
  readonly rescanIntervalMs: number;
  readonly rotateWaitMs: number;
  readonly completeAfterMs: number;
  readonly idleFlushMs: number | undefined;
  readonly maxOpenFiles: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
  /** When whoever reads wants to be called, by the clock; see the step 'due'. */
  readonly dueAt: () => number | undefined;
  readonly onBytes: (count: number) => void;
  readonly onCaughtUp: () => void;
  readonly onWork: () => void;
}

/** What there is to tell, in order. */
export type TailStep =
  | {
      readonly kind: 'lines';
      readonly file: TailedFile;
      readonly lines: readonly Line[];
      readonly tail: TailPosition['tail'];
    }
  | { readonly kind: 'gap'; readonly file: TailedFile; readonly reason: GapReason; readonly detail: string }
  | { readonly kind: 'problem'; readonly file: TailedFile; readonly code: string }
  /** Nothing is left to read at the moment: positions may be saved, and it may be time for what was to be done then. */
  | { readonly kind: 'quiet' };
