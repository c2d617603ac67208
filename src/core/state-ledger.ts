import type { KeyedState, StateChanges } from './keyed-state.js';

/** More sets of changes than this are made one, so that a source that is never saved does not pile them up. */
const MOST_SETS = 4_096;

type Entries = AsyncIterable<[key: string, value: unknown]>;
/** Reads what is saved; only keys that begin with `prefix`. */
export type LoadState = (prefix?: string) => Entries;

/**
 * Keyed state as one source sees it: what is saved, what was acknowledged since, and what is still in flight.
 * A change is visible at once, acknowledged with the event or batch it belongs to, and undone otherwise.
 */
export class StateLedger implements KeyedState {
  #load: LoadState | undefined;
  #loading: Promise<Map<string, unknown>> | undefined;
  /** What was loaded, when it is there. */
  #ground: Map<string, unknown> | undefined;
  /** What is saved was read once already, without being kept. */
  #wasRead = false;
  /** Acknowledged changes over what was loaded. */
  #acknowledged = new Map<string, unknown>();
  /** Changes handed out with events that are not acknowledged, oldest first. */
  #sealed: StateChanges[] = [];
  /** The latest of them for each key. Made when somebody asks, which most sources do at their start alone. */
  #inFlight: Map<string, StateChanges> | undefined;
  /** Changes since the last yield. */
  #open = new Map<string, unknown>();
  /** Acknowledged as well, and put there only when somebody asks: most sources ask once, at their start. */
  #pending: StateChanges[] = [];
  #unsaved: StateChanges[] = [];
  /** What was made here out of many, and may be added to. */
  #merged = new WeakSet<StateChanges>();
  /** Whether some of it may be saved somewhere. */
  #wasTaken = false;
  readonly #onChange: () => void;

  /** `onChange` is called for every change, so that whoever reads knows that the next event carries some. */
  constructor(onChange: () => void = () => {}) {
    this.#onChange = onChange;
  }

  /** Takes another store's state as its ground; what was remembered before is forgotten. */
  attach(load: LoadState | undefined): void {
    this.#load = load;
    this.#loading = undefined;
    this.#ground = undefined;
    this.#wasTaken = false;
    this.#wasRead = false;
    this.#acknowledged = new Map();
    this.#pending = [];
    this.#unsaved = [];
    this.rollback();
  }

  async get(key: string): Promise<unknown> {
    if (this.#open.has(key)) return this.#open.get(key);
    const inFlight = this.#latestInFlight().get(key);
    if (inFlight !== undefined) return inFlight.get(key);
    this.#takePending();
    if (this.#acknowledged.has(key)) return this.#acknowledged.get(key);
    return (await this.#loaded()).get(key);
  }

  set(key: string, value: unknown): void {
    this.#open.set(key, value);
    this.#onChange();
  }

  delete(key: string): void {
    this.set(key, undefined);
  }

  /** The first time, and where nothing was changed, straight from the store: most sources keep what they read themselves. */
  entries(prefix = ''): Entries {
    if (this.#loading !== undefined || this.#wasRead || this.#hasChanges) return this.#mergedEntries(prefix);
    this.#wasRead = true;
    return this.#load?.(prefix) ?? NOTHING;
  }

  async *#mergedEntries(prefix: string): AsyncGenerator<[key: string, value: unknown]> {
    const loaded = await this.#loaded();
    this.#takePending();
    const changed = new Map(this.#acknowledged);
    for (const changes of [...this.#sealed, this.#open]) for (const [key, value] of changes) changed.set(key, value);
    for (const entry of loaded) {
      if (entry[0].startsWith(prefix) && !changed.has(entry[0])) yield [entry[0], entry[1]];
    }
    for (const [key, value] of changed) {
      if (key.startsWith(prefix) && value !== undefined) yield [key, value];
    }
  }

  /** Closes the changes made since the last call: they belong to what is yielded now. */
  seal(): StateChanges | undefined {
    if (this.#open.size === 0) return undefined;
    const changes = this.#open;
    this.#open = new Map();
    this.#sealed.push(changes);
    if (this.#inFlight !== undefined) for (const key of changes.keys()) this.#inFlight.set(key, changes);
    return changes;
  }

  /** The changes were acknowledged. */
  commit(changes: StateChanges): void {
    const at = this.#sealed[0] === changes ? 0 : this.#sealed.indexOf(changes);
    if (at !== -1) this.#sealed.splice(at, 1);
    if (this.#sealed.length === 0) this.#inFlight = undefined;
    else this.#forgetInFlight(changes);
    this.#pending.push(changes);
    this.#unsaved.push(changes);
    if (this.#pending.length > MOST_SETS) this.#takePending();
    // The newest is left apart: it may be told to be saved already.
    if (this.#unsaved.length > MOST_SETS) this.#unsaved = [this.#merge(this.#unsaved.slice(0, -1)), changes];
  }

  /** Undoes what was not acknowledged. */
  rollback(): void {
    this.#sealed = [];
    this.#inFlight = undefined;
    this.#open.clear();
  }

  get hasUnsaved(): boolean {
    return this.#unsaved.length > 0;
  }

  /** Hands over what was acknowledged and not saved, oldest first; give it back with `putBack` if saving fails. */
  takeUnsaved(): readonly StateChanges[] {
    this.#wasTaken = true;
    const changes = this.#unsaved;
    this.#unsaved = [];
    return changes;
  }

  putBack(changes: readonly StateChanges[]): void {
    this.#unsaved = [...changes, ...this.#unsaved];
  }

  /** These were saved by somebody else (a pipeline saves before it acknowledges). */
  markSaved(changes: StateChanges): void {
    const index = this.#unsaved.lastIndexOf(changes);
    if (index !== -1) this.#unsaved.splice(index, 1);
  }

  get #hasChanges(): boolean {
    return this.#open.size > 0 || this.#sealed.length > 0 || this.#pending.length > 0 || this.#acknowledged.size > 0;
  }

  #latestInFlight(): Map<string, StateChanges> {
    if (this.#inFlight === undefined) {
      this.#inFlight = new Map();
      for (const changes of this.#sealed) for (const key of changes.keys()) this.#inFlight.set(key, changes);
    }
    return this.#inFlight;
  }

  #forgetInFlight(changes: StateChanges): void {
    for (const key of this.#inFlight === undefined ? [] : changes.keys()) {
      if (this.#inFlight?.get(key) === changes) this.#inFlight.delete(key);
    }
  }

  #takePending(): void {
    for (const changes of this.#pending) for (const [key, value] of changes) this.#acknowledge(key, value);
    this.#pending = [];
  }

  /** What was deleted is kept in mind only where it may yet be loaded, or it would pile up for ever. */
  #acknowledge(key: string, value: unknown): void {
    const isKnown = this.#load === undefined || this.#ground !== undefined;
    if (value !== undefined || !isKnown) return void this.#acknowledged.set(key, value);
    this.#acknowledged.delete(key);
    this.#ground?.delete(key);
  }

  /** One set of changes in place of many; what nobody can have saved need not be deleted from anywhere. */
  #merge([first, ...rest]: readonly StateChanges[]): StateChanges {
    // What was merged before is added to: to copy it each time would cost more with everything that is remembered.
    const merged = this.#merged.has(first as StateChanges) ? (first as Map<string, unknown>) : new Map(first);
    this.#merged = new WeakSet([merged]);
    const isSaved = this.#load !== undefined || this.#wasTaken;
    for (const some of rest) {
      for (const [key, value] of some) {
        if (value === undefined && !isSaved) merged.delete(key);
        else merged.set(key, value);
      }
    }
    return merged;
  }

  #loaded(): Promise<Map<string, unknown>> {
    this.#loading ??= readAll(this.#load?.()).then((ground) => {
      this.#ground = ground;
      return ground;
    });
    return this.#loading;
  }
}

const NOTHING: Entries = (async function* () {})();

async function readAll(entries: Entries | undefined): Promise<Map<string, unknown>> {
  const values = new Map<string, unknown>();
  if (entries !== undefined) for await (const [key, value] of entries) values.set(key, value);
  return values;
}

/** Changes as a cursor store takes them; later ones win. */
export function toStateDelta(
  changes: Iterable<StateChanges>,
): { set: Readonly<Record<string, unknown>>; delete: readonly string[] } | undefined {
  const merged = new Map<string, unknown>();
  for (const some of changes) for (const [key, value] of some) merged.set(key, value);
  if (merged.size === 0) return undefined;
  // Without a prototype, so that a key named __proto__ is a key like any other.
  const set: Record<string, unknown> = Object.create(null);
  const removed: string[] = [];
  for (const [key, value] of merged) {
    if (value === undefined) removed.push(key);
    else set[key] = value;
  }
  return { set, delete: removed };
}
