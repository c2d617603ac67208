import type { CursorKeeper } from '../core/cursor-keeper.js';
import type { CursorRecord } from '../core/cursor-store.js';
import { CursorConflictError, HeadwaterError, RetryableError, SinkError } from '../core/errors.js';
import { faultPoint } from '../core/fault-point.js';
import type { StateChanges } from '../core/keyed-state.js';
import { messageOf } from '../core/thrown.js';
import type { DeadLetterBox } from './dead-letters/dead-letter-box.js';

export interface InSinkSaveOptions {
  keeper: CursorKeeper;
  box: DeadLetterBox;
  cursor: unknown;
  changes: readonly StateChanges[];
  /** Throws once the run was given up: a sink that wakes up later must roll back. */
  throwIfOver(): void;
}

/** The cursor of one part, saved inside the sink's own transaction, however often that is tried. */
export class InSinkSave {
  readonly #options: InSinkSaveOptions;
  #staged: CursorRecord | undefined;
  /** A transaction with this cursor may have been committed, now or in an earlier try. */
  #mayBeCommitted = false;
  #failure: unknown;

  constructor(options: InSinkSaveOptions) {
    this.#options = options;
  }

  /** Another try begins. */
  begin(): void {
    this.#staged = undefined;
    this.#failure = undefined;
  }

  async save(transaction: unknown): Promise<void> {
    const { keeper, box, cursor, changes, throwIfOver } = this.#options;
    this.begin();
    try {
      throwIfOver();
      await box.copy(transaction);
      await faultPoint('cursor.before');
      this.#staged = await keeper.stage(cursor, changes, transaction);
      this.#mayBeCommitted = true;
      await faultPoint('cursor.after');
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /**
   * The answer to a COMMIT may be lost; the next try then finds our own revision, or the rows that are there already.
   * All of them mean that it went through.
   */
  async wasCommitted(error: unknown): Promise<boolean> {
    if (!this.#mayBeCommitted && !CursorConflictError.isInstance(this.#failure ?? error)) return false;
    const { keeper, cursor } = this.#options;
    try {
      this.#staged = await keeper.findOwn(cursor);
    } catch (unknown) {
      // Whether it went through cannot be told, so it must not be treated as the fault of an event.
      this.#failure = unknown;
      return false;
    }
    return this.#staged !== undefined;
  }

  /** What to blame for a failed try: whatever kept the cursor from being saved is no fault of an event. */
  reason(error: unknown): unknown {
    const failure = this.#failure;
    if (failure === undefined || HeadwaterError.isInstance(failure)) return failure ?? error;
    return new RetryableError(`the cursor could not be saved in the sink's transaction: ${messageOf(failure)}`, {
      code: 'CURSOR_SAVE_FAILED',
      cause: failure,
    });
  }

  /** The sink resolved. */
  confirm(): void {
    if (this.#staged === undefined) {
      throw new SinkError(
        "the sink resolved without calling batch.saveCursor(transaction), which cursor: 'in-sink' asks for: its events " +
          'may be stored, the cursor is not',
        { code: 'CURSOR_NOT_SAVED' },
      );
    }
    this.#options.keeper.confirm(this.#staged, this.#options.cursor);
    this.#options.box.forget();
  }
}
