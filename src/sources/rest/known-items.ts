import type { KeyedState } from '../../core/keyed-state.js';

/** What is remembered of an item. */
export interface Known {
  readonly version: string;
  /** The epoch in which it was created, and how often it has changed since: with the version it makes the ids of events. */
  readonly epoch: number;
  readonly revision: number;
  /** Detection by watermark: its value. */
  readonly mark?: string | number;
  /** The last complete passes did not have it: so many. */
  readonly missed?: number;
}

const PREFIX = 'item:';

/** What is known of items: in memory for the length of an iteration, in keyed state beyond it. */
export class KnownItems {
  readonly #state: KeyedState;
  readonly #items = new Map<string, Known>();
  /** How often anything was set or forgotten. */
  changes = 0;

  private constructor(state: KeyedState) {
    this.#state = state;
  }

  static async load(state: KeyedState): Promise<KnownItems> {
    const known = new KnownItems(state);
    for await (const [key, value] of state.entries(PREFIX)) {
      known.#items.set(key.slice(PREFIX.length), read(value));
    }
    return known;
  }

  get(key: string): Known | undefined {
    return this.#items.get(key);
  }

  /** It is there, in this version: what is known of it from now on. */
  set(key: string, version: string, { epoch, mark }: { epoch: number; mark: string | number | undefined }): Known {
    const before = this.#items.get(key);
    const known: Known = {
      version,
      epoch: before?.epoch ?? epoch,
      revision: before === undefined ? 0 : before.revision + 1,
      ...(mark !== undefined && { mark }),
    };
    this.#keep(key, known);
    return known;
  }

  /** It is there, as it was. */
  confirm(key: string): void {
    const known = this.#items.get(key);
    if (known?.missed === undefined) return;
    const { missed: _, ...there } = known;
    this.#keep(key, there);
  }

  /** A complete pass did not have these: those that so many did not have in a row are gone, and forgotten. */
  takeGone(seen: ReadonlySet<string>, passes: number): [key: string, known: Known][] {
    const gone: [string, Known][] = [];
    for (const [key, known] of this.#items) {
      if (seen.has(key)) continue;
      const missed = (known.missed ?? 0) + 1;
      if (missed >= passes) gone.push([key, known]);
      else this.#keep(key, { ...known, missed });
    }
    for (const [key] of gone) this.#forget(key);
    return gone;
  }

  /** Only what is not below the mark can come again. */
  forgetBelow(isBelow: (mark: string | number) => boolean): void {
    for (const [key, { mark }] of this.#items) if (mark !== undefined && isBelow(mark)) this.#forget(key);
  }

  #keep(key: string, known: Known): void {
    this.#items.set(key, known);
    this.changes += 1;
    this.#state.set(PREFIX + key, write(known));
  }

  #forget(key: string): void {
    this.#items.delete(key);
    this.changes += 1;
    this.#state.delete(PREFIX + key);
  }
}

/** Most items are no more than a version: as text they take a third of the room. */
function write({ version, epoch, revision, ...more }: Known): unknown {
  const text = epoch === 0 && revision === 0 ? version : `${version} ${epoch} ${revision}`;
  return Object.keys(more).length === 0 ? text : { text, ...more };
}

function read(value: unknown): Known {
  const { text, ...more } = typeof value === 'string' ? { text: value } : (value as { text: string });
  const [version = '', epoch = 0, revision = 0] = text.split(' ');
  return { version, epoch: Number(epoch), revision: Number(revision), ...more };
}
