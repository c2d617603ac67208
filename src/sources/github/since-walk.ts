import { paginate } from '../../toolkit/http/paginate.js';
import type { SincePosition } from './cursor.js';
import type { Item, ToItem } from './events.js';
import { type Payload, text } from './payload.js';
import {
  fieldsOf,
  joinKeys,
  type Page,
  PER_PAGE,
  type RepositoryReader,
  type Step,
  type Steps,
  splitKeys,
  timeText,
} from './walk.js';

export interface SinceWalkOptions {
  path: string;
  query?: Readonly<Record<string, string>> | undefined;
  toItem: ToItem;
  /** What is listed but belongs elsewhere. */
  skip?: ((payload: Payload) => boolean) | undefined;
  /** Where to begin without a position. */
  since: Date | undefined;
}

/** Changes of the last minute may become visible in another order than they were made in. */
const OVERLAP_MS = 60_000;

/**
 * A list that can be asked for what was changed at a time or later, the oldest change first.
 *
 * After each page it is asked anew, from the time of the last item on, so that nothing that moves or goes away meanwhile
 * can push an item out of sight. Only where a page is full of items of one time are links followed; a walk by links that
 * brought something is made again, until it brings nothing.
 *
 * At rest it asks for what it asked for last: the answer is 304 as long as nothing changes.
 */
export class SinceWalk {
  readonly #options: SinceWalkOptions;
  readonly #reader: RepositoryReader;
  #since: string | undefined;
  /** Versions delivered that were changed at `#since` or later, and when, where that is known. */
  #seen: Map<string, string | undefined>;

  constructor(reader: RepositoryReader, options: SinceWalkOptions, position: SincePosition | undefined) {
    this.#reader = reader;
    this.#options = options;
    this.#since = position?.since ?? beginning(options.since);
    this.#seen = new Map(splitKeys(position?.seen).map((key) => [key, undefined]));
  }

  async *steps(): Steps<SincePosition> {
    for (let isMore = true; isMore; ) isMore = yield* this.#sweep();
  }

  /** From `#since` on, by links as long as they are needed. Returns whether there is more to ask for. */
  async *#sweep(): AsyncGenerator<Step<SincePosition>, boolean, undefined> {
    let pages = 0;
    let foundByLinks = 0;
    const walk = paginate({
      start: this.#url(),
      read: (url) => this.#reader.page(url),
      next: { link: ({ link }) => link },
    });
    for await (const { page, next } of walk) {
      if (page.isUnchanged) return false;
      pages += 1;
      const before = this.#position();
      const fresh = this.#take(page);
      if (pages > 1) foundByLinks += fresh.length;
      const later = next === undefined ? this.#afterLinks(page, pages) : this.#laterThan(page);
      const isOver = next === undefined || later !== undefined;
      const isAgain = isOver && foundByLinks > 0;
      if (later !== undefined && !isAgain) this.#moveTo(later);
      const isAtRest = next === undefined && pages === 1;
      yield stepOf(fresh, before, this.#position(isAtRest ? page : undefined));
      if (isOver) return isAgain || later !== undefined;
    }
    return false;
  }

  #url(): string {
    const { path, query } = this.#options;
    const since = this.#since;
    return this.#reader.url(path, { ...query, since, sort: 'updated', direction: 'asc', per_page: PER_PAGE });
  }

  /** Notes what is on a page; returns what was not seen before. */
  #take({ items }: Page): Item[] {
    const { toItem, skip } = this.#options;
    const fresh: Item[] = [];
    for (const payload of items) {
      if (skip?.(payload) === true) continue;
      const item = toItem(payload, this.#reader.place);
      if (!this.#seen.has(item.key)) fresh.push(item);
      this.#seen.set(item.key, updatedAt(payload));
    }
    return fresh;
  }

  /** The time to ask from next, if that leaves something behind. */
  #laterThan({ items, serverNow }: Page): string | undefined {
    const times = items.map(updatedAt);
    const last = times.reduce((left, right) => (right > left ? right : left), '');
    const settled = timeText(serverNow - OVERLAP_MS);
    const later = last < settled ? last : settled;
    const isLater = later > (this.#since ?? '');
    return isLater && times.some((time) => time < later) ? later : undefined;
  }

  /**
   * At the end of a walk by links: the first page says nothing of what comes at the end, so no condition can be made of
   * it. Whatever changes from now on has a later time than this.
   */
  #afterLinks({ serverNow }: Page, pages: number): string | undefined {
    const settled = timeText(serverNow - OVERLAP_MS);
    return pages > 1 && settled > (this.#since ?? '') ? settled : undefined;
  }

  #moveTo(later: string): void {
    this.#since = later;
    // What was not met again is gone, or has another version now.
    this.#seen = new Map([...this.#seen].filter(([, time]) => time !== undefined && time >= later));
  }

  #position(page?: Page): SincePosition {
    const position: SincePosition = { seen: joinKeys(this.#seen.keys()) };
    if (this.#since !== undefined) position.since = this.#since;
    if (page?.validator !== undefined) position.validator = page.validator;
    return position;
  }
}

function stepOf(fresh: readonly Item[], before: SincePosition, after: SincePosition): Step<SincePosition> {
  return {
    fields: fieldsOf(fresh),
    at: (count) => {
      if (count === fresh.length) return after;
      return { ...before, seen: before.seen + joinKeys(fresh.slice(0, count).map(({ key }) => key)) };
    },
  };
}

function updatedAt(payload: Payload): string {
  return text(payload, 'updated_at');
}

/** Never the beginning of time: GitHub answers that with nothing. */
function beginning(since: Date | undefined): string | undefined {
  return since === undefined || since.getTime() < 1_000 ? undefined : timeText(since.getTime());
}
