import { linkTarget } from '../../toolkit/http/link-header.js';
import { paginate } from '../../toolkit/http/paginate.js';
import type { HeadPosition } from './cursor.js';
import type { Item } from './events.js';
import { type HeadEntry, HeadTurn, withRecent } from './head-turn.js';
import type { Payload } from './payload.js';
import {
  fieldsOf,
  type Gap,
  type Page,
  type PageOptions,
  type RepositoryReader,
  type Step,
  type Steps,
} from './walk.js';

export interface HeadWalkOptions {
  /** The page with the newest, or of a list that grows at its end, the first one. */
  url: string;
  page?: PageOptions | undefined;
  /** Which links lead to what is older. */
  older: 'next' | 'prev';
  /** Where something stands in the order: a time, or a number with leading zeros. */
  placeOf(payload: Payload): string;
  /** The event of one thing; its key tells versions apart. */
  toItem(payload: Payload): Item;
  /**
   * What takes the place of that event, where it has to be asked for; each thing is a step of its own then. What is
   * older than `floor` has been delivered. What was changed in this very second is asked for again next time, since a
   * second change within it would not show in the list.
   */
  expand?: ((payload: Payload, floor: string | undefined) => Promise<Item[]>) | undefined;
  /** How far what was newest is stepped back from, where changes move things to the newest end. */
  stepBack?: ((place: string) => string) | undefined;
  /** So many pages are read whenever something changed, where changes leave things in their place. Default 0. */
  window?: number | undefined;
  /** What is older is left out. */
  since?: string | undefined;
  isWanted?: ((payload: Payload) => boolean) | undefined;
  /** What was lost, where a list forgets. */
  gapAfter?:
    | ((known: HeadPosition, oldest: string | undefined, pages: number, page: Page) => Gap | undefined)
    | undefined;
}

/**
 * A list that is read from its newest end down to what is known, page by page. Until the walk is complete its cursor
 * holds the place that it has come to, and the position before it: what is new at the newest end meanwhile is for the
 * next walk, which follows at once when the first one was long.
 */
export class HeadWalk {
  readonly #options: HeadWalkOptions;
  readonly #reader: RepositoryReader;
  #position: HeadPosition;

  constructor(reader: RepositoryReader, options: HeadWalkOptions, position: HeadPosition | undefined) {
    this.#reader = reader;
    this.#options = options;
    this.#position = position ?? { seen: '' };
  }

  async *steps(): Steps<HeadPosition> {
    for (let isMore = true; isMore; ) isMore = yield* this.#walk();
  }

  /** Returns whether it took so long that something may have changed at the newest end. */
  async *#walk(): AsyncGenerator<Step<HeadPosition>, boolean, undefined> {
    const start = await this.#start();
    if (start === undefined) return false;
    const wasUnderWay = this.#position.pass !== undefined;
    const { older } = this.#options;
    let found = 0;
    let count = 0;
    const pages = paginate({
      start: start.url,
      read: async (url, number) => (number === 1 && start.page) || this.#reader.page(url, this.#options.page),
      next: { url: ({ link }: Page) => linkTarget(link, older) },
      // Only where all of it will be read: later walks mostly end with their first page.
      readAhead: this.#position.stop === undefined,
    });
    for await (const { page, position: url, next } of pages) {
      if (page.isUnchanged) return false;
      const turn = new HeadTurn(this.#options, this.#position, page, url, next);
      const gap = turn.gap();
      if (gap !== undefined) yield { fields: [], gap, at: () => turn.before };
      const fresh = turn.fresh();
      found += fresh.length;
      count += 1;
      yield* this.#deliver(turn, fresh);
      this.#position = turn.after;
      if (turn.isLast) return found > 0 && (wasUnderWay || count > 1);
    }
    return false;
  }

  /** Where a walk begins; undefined where nothing changed. */
  async #start(): Promise<{ url: string; page?: Page } | undefined> {
    const { url, older } = this.#options;
    const { pass, head = url } = this.#position;
    if (pass !== undefined) return { url: pass.next };
    if (older === 'next') return { url: head };
    const page = await this.#reader.page(head, this.#options.page);
    if (page.isUnchanged) return undefined;
    const last = linkTarget(page.link, 'last');
    return last === undefined ? { url: head, page } : { url: last };
  }

  async *#deliver(turn: HeadTurn, fresh: readonly HeadEntry[]): Steps<HeadPosition> {
    const { expand } = this.#options;
    if (expand === undefined) {
      const { after } = turn;
      const within = (count: number): HeadPosition => turn.within(fresh.slice(0, count));
      const fields = fieldsOf(fresh.map(({ item }) => item));
      yield { fields, at: (count) => (count === fields.length ? after : within(count)) };
      return;
    }
    for (const [index, { payload }] of fresh.entries()) {
      const items = turn.unknown(await expand(payload, turn.known.floor));
      const before = turn.within(fresh.slice(0, index));
      turn.note(items);
      const after = turn.within(fresh.slice(0, index + 1));
      const within = (count: number): HeadPosition => withRecent(before, items.slice(0, count));
      yield { fields: fieldsOf(items), at: (count) => (count === items.length ? after : within(count)) };
    }
    const { after } = turn;
    yield { fields: [], at: () => after };
  }
}
