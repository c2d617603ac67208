import type { KeyedState } from '../../../core/keyed-state.js';
import type { DatabaseValue } from '../engine/values.js';

/** The value of a key: of its column, or of each of several. */
export type KeyValue = DatabaseValue | readonly DatabaseValue[];

/** What is known of a run of rows that follow each other in the order of the database. */
export interface Block {
  readonly keys: readonly KeyValue[];
  /** As many hashes as there are keys, one after the other. */
  readonly hashes: string;
  /** The block that follows; undefined for the last, which has no end. */
  readonly next: string | undefined;
  /** Text of the last key that belongs here, whether it is there or not. */
  readonly end: readonly string[] | undefined;
}

/** Characters of a hash: 66 bits. */
export const HASH_LENGTH = 11;
/** The block that a scan begins with. */
export const FIRST_BLOCK = '0';
export const EMPTY: Block = { keys: [], hashes: '', next: undefined, end: undefined };

/** As it is stored: keys are one text, which takes a fraction of the memory of a million values. */
interface StoredBlock {
  readonly keys: string;
  readonly hashes: string;
  readonly next?: string;
  readonly end?: readonly string[];
}

/** The blocks in keyed state. */
export class Blocks {
  readonly #state: KeyedState;

  constructor(state: KeyedState) {
    this.#state = state;
  }

  async load(name: string): Promise<Block> {
    const stored = (await this.#state.get(name)) as StoredBlock | undefined;
    if (stored === undefined) return EMPTY;
    return { keys: JSON.parse(stored.keys), hashes: stored.hashes, next: stored.next, end: stored.end };
  }

  /** How many rows a block has, without reading it. */
  async size(name: string): Promise<number> {
    const stored = (await this.#state.get(name)) as StoredBlock | undefined;
    return stored === undefined ? 0 : stored.hashes.length / HASH_LENGTH;
  }

  save(name: string, { keys, hashes, next, end }: Block): void {
    const stored: StoredBlock = {
      keys: JSON.stringify(keys),
      hashes,
      ...(next !== undefined && { next }),
      ...(end !== undefined && { end }),
    };
    this.#state.set(name, stored);
  }

  delete(name: string): void {
    this.#state.delete(name);
  }
}

/** A key as it is found again. */
export function identityOf(key: KeyValue): unknown {
  return typeof key === 'object' && key !== null ? JSON.stringify(key) : key;
}
