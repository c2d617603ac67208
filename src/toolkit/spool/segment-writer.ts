import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import { faultPoint, withFaultPoints } from '../../core/fault-point.js';
import { NO_FOLLOW, syncFile, writeFullyAt } from '../durable-file.js';
import { encodeMark, slotOfMark } from './header.js';
import type { Segment } from './segment.js';

/** Appends to the newest segment. What `append` has not promised is cut off before anything follows it. */
export class SegmentWriter {
  readonly segment: Segment;
  readonly #descriptor: number;
  /** Marks go into two slots in turn. */
  #turn: number;
  #isTorn = false;

  constructor(segment: Segment, turn = 0) {
    this.segment = segment;
    this.#turn = turn;
    this.#descriptor = openSync(segment.path, constants.O_RDWR | NO_FOLLOW);
  }

  /** Whether behind its records lies what a failed append left: nothing else may be begun before that is overwritten. */
  get isTorn(): boolean {
    return this.#isTorn;
  }

  /** Writes records up to the sequence `last`: they are on the disk when it resolves, and cut off when it rejects. */
  async append(pieces: readonly Buffer[], last: number): Promise<void> {
    if (this.#isTorn) this.cut();
    this.#isTorn = true;
    try {
      await withFaultPoints('spool.write', () => writeFullyAt(this.#descriptor, pieces, this.segment.size));
      await withFaultPoints('spool.fsync', () => this.sync());
    } catch (error) {
      this.#tryCut();
      throw error;
    }
    this.#isTorn = false;
    this.segment.size += pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.segment.last = last;
  }

  /** Notes how far the segment is on the disk. Reaches the disk with the next append, `sync` or the system's own flush. */
  mark(released: number): void {
    this.#turn += 1;
    const mark = encodeMark({ offset: this.segment.size, sequence: this.segment.last, released });
    void faultPoint('spool.mark.before');
    writeSync(this.#descriptor, mark, 0, mark.length, slotOfMark(this.#turn));
    void faultPoint('spool.mark.after');
  }

  sync(): Promise<void> {
    return syncFile(this.#descriptor);
  }

  /** Removes what lies behind the last record. */
  cut(): void {
    ftruncateSync(this.#descriptor, this.segment.size);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** One that fails is made before the next append. */
  #tryCut(): void {
    try {
      this.cut();
    } catch {
      // Still torn.
    }
  }
}
