import type { ReplicationCursor } from '../cursor.js';
import type { DatabaseEvent } from '../events.js';
import type { Confirmations } from './confirmations.js';
import { formatLsn, type Lsn } from './lsn.js';
import type { InitialSnapshot, Parts } from './parts.js';
import type { ReplicationBatch } from './snapshot.js';

/** A commit among the events that wait. */
interface Boundary {
  /** Events up to it. */
  readonly count: number;
  readonly end: Lsn;
  /** Its position, as text. */
  readonly commit: string;
}

export interface CursorBase {
  readonly server: string;
  readonly slot: string;
  readonly snapshot: InitialSnapshot | undefined;
  readonly parts: Parts | undefined;
  /** The end of the last whole commit that was acknowledged with all before it. */
  readonly acknowledged: () => Lsn;
}

/** Events that wait to be handed out, and the cursors between them. Batches end at commits where they can. */
export class PendingBatch {
  readonly #base: CursorBase;
  readonly #confirmations: Confirmations;
  #events: DatabaseEvent[] = [];
  /** For each event, how many changes of its transaction are done with after it. */
  #places: number[] = [];
  #boundaries: Boundary[] = [];
  /** Where the last whole commit before these events ends. */
  #before: Lsn;
  /** Where the last whole commit ends. */
  #whole: Lsn;

  constructor(base: CursorBase, whole: Lsn, confirmations: Confirmations) {
    this.#base = base;
    this.#confirmations = confirmations;
    this.#before = whole;
    this.#whole = whole;
  }

  get length(): number {
    return this.#events.length;
  }

  get whole(): Lsn {
    return this.#whole;
  }

  add(event: DatabaseEvent, place: number): void {
    this.#events.push(event);
    this.#places.push(place);
  }

  commit(end: Lsn, commit: string): void {
    this.#whole = end;
    const count = this.#events.length;
    const last = this.#boundaries.at(-1);
    if (count === 0) this.#before = end;
    // A commit without events belongs to the one before it: who has acknowledged that, is behind both.
    else if (last?.count === count) this.#boundaries[this.#boundaries.length - 1] = { ...last, end };
    else this.#boundaries.push({ count, end, commit });
  }

  /** Everything up to the last commit; with the transaction that is under way, if it alone is there. */
  cut(underWay: string | undefined): ReplicationBatch | undefined {
    const last = this.#boundaries.at(-1);
    const count = last?.count ?? (underWay === undefined ? 0 : this.#events.length);
    if (count === 0) return undefined;
    const isAll = count === this.#events.length;
    const events = isAll ? this.#events : this.#events.slice(0, count);
    const places = isAll ? this.#places : this.#places.slice(0, count);
    const batch = this.#batch(events, places, this.#boundaries, underWay ?? '');
    this.#events = isAll ? [] : this.#events.slice(count);
    this.#places = isAll ? [] : this.#places.slice(count);
    this.#boundaries = [];
    this.#before = last?.end ?? this.#before;
    return batch;
  }

  /** Nothing happened up to here that is not delivered: a batch without events, so that the position moves. */
  reach(lsn: Lsn): ReplicationBatch | undefined {
    if (this.#events.length > 0 || lsn <= this.#whole) return undefined;
    this.#whole = lsn;
    this.#before = lsn;
    // A batch without events that was given up looks like one that was acknowledged: only the position tells.
    return {
      events: [],
      cursor: this.#cursor(lsn),
      settle: () => this.#confirmations.settle(this.#base.acknowledged()),
    };
  }

  #batch(events: DatabaseEvent[], places: number[], boundaries: Boundary[], underWay: string): ReplicationBatch {
    const before = this.#before;
    const cursorAt = (count: number): ReplicationCursor => {
      const next = boundaries.findIndex((boundary) => boundary.count >= count);
      const within = boundaries[next];
      if (within?.count === count) return this.#cursor(within.end);
      const previous = next < 0 ? boundaries.at(-1) : boundaries[next - 1];
      const lsn = within?.commit ?? underWay;
      return this.#cursor(previous?.end ?? before, { lsn, changes: places[count - 1] ?? 0 });
    };
    let told = 0;
    const settle = (acknowledged: number): void => {
      const last = boundaries.findLast(({ count }) => count <= acknowledged);
      if (last === undefined || last.count === told) return;
      told = last.count;
      this.#confirmations.settle(last.end);
    };
    return { events, cursor: cursorAt(events.length), cursorAt, settle };
  }

  #cursor(lsn: Lsn, transaction?: ReplicationCursor['transaction']): ReplicationCursor {
    const { server, slot, snapshot, parts } = this.#base;
    const isJoining = parts !== undefined && lsn < parts.until;
    return {
      mode: 'replication',
      server,
      slot,
      lsn: formatLsn(lsn),
      ...(transaction !== undefined && { transaction }),
      ...(isJoining && { snapshot }),
    };
  }
}
