import type { HeadPass, HeadPosition } from './cursor.js';
import type { Item } from './events.js';
import type { HeadWalkOptions } from './head-walk.js';
import type { Payload } from './payload.js';
import { type Gap, joinKeys, type Page, splitKeys, timeText } from './walk.js';

/** One thing on a page. */
export interface HeadEntry {
  readonly payload: Payload;
  readonly item: Item;
  readonly place: string;
}

/** One page of a walk from the newest end, and what it makes of the position. */
export class HeadTurn {
  readonly #options: HeadWalkOptions;
  readonly #page: Page;
  readonly #url: string;
  readonly #pass: HeadPass;
  readonly #next: string | undefined;
  readonly #entries: readonly HeadEntry[];
  readonly known: HeadPosition;
  /** The position before, without what could pass for the present newest page. */
  readonly #base: HeadPosition;
  readonly before: HeadPosition;
  readonly isLast: boolean;
  readonly #done: HeadPass;
  /** Keys of what was found by asking further. */
  #further = '';

  constructor(options: HeadWalkOptions, known: HeadPosition, page: Page, url: string, next: string | undefined) {
    this.#options = options;
    this.#page = page;
    this.#url = url;
    this.#next = next;
    this.known = known;
    this.#entries = page.items.map((payload) => ({
      payload,
      item: options.toItem(payload),
      place: options.placeOf(payload),
    }));
    this.#pass = known.pass ?? { next: url, pages: 0, seen: '', recent: '' };
    const { validator: _, ...base } = known;
    this.#base = base;
    this.before = { ...base, pass: { ...this.#pass, next: url } };
    this.#done = this.#passAfter();
    this.isLast = next === undefined || this.#isKnownBelow(this.#done.pages);
  }

  /** The position when all of the page is delivered. */
  get after(): HeadPosition {
    const pass = { ...this.#done, seen: this.#done.seen + this.#further };
    if (this.isLast && this.#options.expand !== undefined) pass.seen = newestOf(this.known.seen + pass.seen);
    return this.isLast ? completed(pass) : { ...this.#base, pass: { ...pass, next: this.#next ?? this.#url } };
  }

  /** What is neither known nor too old; the older first. */
  fresh(): HeadEntry[] {
    const { seen, floor = '' } = this.known;
    const { since = '', isWanted, older } = this.#options;
    const known = new Set([seen, this.#pass.seen, this.#pass.recent].flatMap(splitKeys));
    const fresh = this.#entries.filter(({ item, place, payload }) => {
      if (known.has(item.key) || place < floor || place < since) return false;
      known.add(item.key);
      return isWanted?.(payload) !== false;
    });
    return older === 'next' ? fresh.reverse() : fresh;
  }

  /** The position when these of the new ones are delivered. */
  within(delivered: readonly HeadEntry[]): HeadPosition {
    const recent = this.#pass.recent + this.#settledKeys(delivered);
    const seen = this.#pass.seen + this.#further;
    return { ...this.#base, pass: { ...this.#pass, next: this.#url, seen, recent } };
  }

  /** Of what was found by asking further, what is not delivered yet. */
  unknown(items: readonly Item[]): Item[] {
    const { seen, recent } = this.#pass;
    const known = new Set([this.known.seen, seen, recent, this.#further].flatMap(splitKeys));
    return items.filter(({ key }) => !known.has(key));
  }

  /** Such items are delivered with what they belong to; those that the next walk may meet again are kept in mind. */
  note(items: readonly Item[]): void {
    const { floor = '' } = this.#done;
    this.#further += joinKeys(items.filter(({ fields }) => (fields.time ?? '') >= floor).map(({ key }) => key));
  }

  gap(): Gap | undefined {
    if (!this.isLast || this.#next !== undefined || this.known.stop === undefined) return undefined;
    return this.#options.gapAfter?.(this.known, this.#oldest(), this.#pass.pages + 1, this.#page);
  }

  #passAfter(): HeadPass {
    const { window = 0 } = this.#options;
    const pages = this.#pass.pages + 1;
    const recent = newestOf(this.#pass.recent + this.#settledKeys(this.#entries));
    const pass: HeadPass = { ...this.#pass, pages, recent };
    if (pages === 1) this.#begin(pass);
    const oldest = this.#oldest();
    if (pages <= window && oldest !== undefined && oldest < (pass.floor ?? '')) pass.floor = oldest;
    const { floor } = pass;
    if (floor !== undefined) pass.seen += this.#settledKeys(this.#entries.filter(({ place }) => place >= floor));
    return pass;
  }

  #settledKeys(entries: readonly HeadEntry[]): string {
    return joinKeys(entries.filter((entry) => !this.#isUnsettled(entry)).map(({ item }) => item.key));
  }

  /** The newest page decides where the next walk may stop. */
  #begin(pass: HeadPass): void {
    const { stepBack, older } = this.#options;
    const newest = this.#entries.reduce((most, { place }) => (place > most ? place : most), '');
    const stepped = newest === '' || stepBack === undefined ? newest : stepBack(newest);
    const stop = stepped > (this.known.stop ?? '') ? stepped : this.known.stop;
    if (stop !== undefined) {
      pass.stop = stop;
      pass.floor = stop;
    }
    if (newest === '') pass.seen = this.known.seen;
    if (older === 'prev') pass.head = this.#url;
    const isSettled = !this.#entries.some((entry) => this.#isUnsettled(entry));
    if (this.#page.validator !== undefined && isSettled) pass.validator = this.#page.validator;
  }

  #isUnsettled({ place }: HeadEntry): boolean {
    return this.#options.expand !== undefined && place >= timeText(this.#page.serverNow);
  }

  #isKnownBelow(pages: number): boolean {
    const oldest = this.#oldest();
    if (oldest === undefined) return false;
    if (oldest < (this.#options.since ?? '')) return true;
    return pages >= (this.#options.window ?? 0) && oldest < (this.known.stop ?? '');
  }

  #oldest(): string | undefined {
    const [first, ...others] = this.#entries.map(({ place }) => place);
    return others.reduce<string | undefined>((least = '', place) => (place < least ? place : least), first);
  }
}

/** With items that were found by asking further among those that were delivered last. */
export function withRecent(position: HeadPosition, items: readonly Item[]): HeadPosition {
  const { pass } = position;
  if (pass === undefined) return position;
  return { ...position, pass: { ...pass, recent: pass.recent + joinKeys(items.map(({ key }) => key)) } };
}

function completed({ stop, floor, seen, head, validator }: HeadPass): HeadPosition {
  return {
    ...(stop !== undefined && { stop }),
    ...(floor !== undefined && { floor }),
    seen,
    ...(head !== undefined && { head }),
    ...(validator !== undefined && { validator }),
  };
}

/**
 * Keys that are kept beyond a page: of what new items push on to later pages, and of what is found by asking further,
 * which may be met again with any later change.
 */
const MOST_KEPT = 300;

function newestOf(keys: string): string {
  return joinKeys([...new Set(splitKeys(keys).reverse())].slice(0, MOST_KEPT).reverse());
}
