import type { TailedFile } from './tailed-file.js';
import type { TailerOptions } from './tailer-options.js';

type ClosingOptions = Pick<TailerOptions, 'clock' | 'follow' | 'idleFlushMs' | 'rotateWaitMs' | 'completeAfterMs'>;

/** Files that were read to their end, and when they are done with: when nothing is written to them for long enough. */
export class Closing {
  readonly #options: ClosingOptions;
  readonly #files = new Set<TailedFile>();

  constructor(options: ClosingOptions) {
    this.#options = options;
  }

  /** As they are now: what is added or deleted meanwhile does not show. */
  get files(): readonly TailedFile[] {
    return [...this.#files];
  }

  add(file: TailedFile): void {
    this.#files.add(file);
  }

  delete(file: TailedFile): void {
    this.#files.delete(file);
  }

  /** When nobody is expected to write to it again. */
  completeAt({ rotatedAt, quietSince, isCopy, isCutOff }: TailedFile): number {
    const { rotateWaitMs, completeAfterMs, follow } = this.#options;
    if (isCopy && !isCutOff) return 0;
    if (rotatedAt === undefined) return quietSince + completeAfterMs;
    return (follow ? Math.max(quietSince, rotatedAt) : quietSince) + rotateWaitMs;
  }

  /** When a last line without a line feed is waited for no longer; infinity where there is none, or it is always. */
  idleAt({ hasRest, quietSince }: TailedFile): number {
    const { idleFlushMs } = this.#options;
    return hasRest && idleFlushMs !== undefined ? quietSince + idleFlushMs : Number.POSITIVE_INFINITY;
  }

  /** When the first of them is due, by the clock. */
  get nextAt(): number {
    const now = this.#options.clock.now();
    let first = Number.POSITIVE_INFINITY;
    for (const file of this.#files) {
      const times = [this.idleAt(file), file.rotatedAt === undefined ? 0 : this.completeAt(file)];
      // What is over and still here waits for something else.
      for (const time of times) if (time > now) first = Math.min(first, time);
    }
    return first;
  }
}
