import { paginate } from '../../toolkit/http/paginate.js';
import type { ListPosition } from './cursor.js';
import { type Item, keyOf } from './events.js';
import type { Payload } from './payload.js';
import { fieldsOf, type Page, type RepositoryReader, type Steps } from './walk.js';

export interface ListWalkOptions {
  url: string;
  /** What something is called over all its versions. */
  identityOf(payload: Payload): string;
  /** Tells its versions apart. */
  versionOf(payload: Payload): string;
  /** `revision` counts its versions as this source saw them, from 1. */
  toItem(payload: Payload, revision: number): Item;
  isWanted?: ((payload: Payload) => boolean) | undefined;
}

/**
 * A list whose order says nothing about changes: read as a whole when its first page changes, compared with what is
 * known. A change further down is found when the first page is asked for without condition, once an hour at least.
 */
export class ListWalk {
  readonly #options: ListWalkOptions;
  readonly #reader: RepositoryReader;
  #known: Readonly<Record<string, string>>;

  constructor(reader: RepositoryReader, options: ListWalkOptions, position: ListPosition | undefined) {
    this.#reader = reader;
    this.#options = options;
    this.#known = position?.known ?? {};
  }

  async *steps(): Steps<ListPosition> {
    const listed = new Set<string>();
    const pages = paginate({
      start: this.#options.url,
      read: (url) => this.#reader.page(url),
      next: { link: ({ link }: Page) => link },
    });
    let first: Page | undefined;
    for await (const { page, next } of pages) {
      if (page.isUnchanged) return;
      first ??= page;
      const changes = this.#changes(page, listed);
      const before = this.#known;
      const at = (count: number): ListPosition => ({ known: withChanges(before, changes, count) });
      this.#known = withChanges(before, changes, changes.length);
      if (next === undefined) this.#known = onlyListed(this.#known, listed);
      const after = this.#position(next === undefined ? first : undefined);
      const items = changes.map(({ item }) => item);
      yield { fields: fieldsOf(items), at: (count) => (count === changes.length ? after : at(count)) };
    }
  }

  #changes({ items }: Page, listed: Set<string>): Change[] {
    const { identityOf, versionOf, toItem, isWanted } = this.#options;
    const changes: Change[] = [];
    for (const payload of items) {
      const key = keyOf(identityOf(payload));
      if (listed.has(key)) continue;
      listed.add(key);
      const [version, revision = '1'] = this.#known[key]?.split('.') ?? [];
      const found = keyOf(versionOf(payload));
      if (found === version) continue;
      const now = version === undefined ? 1 : Number(revision) + 1;
      const item = toItem(payload, now);
      if (isWanted?.(payload) === false) continue;
      changes.push({ key, value: now === 1 ? found : `${found}.${now}`, item });
    }
    // Lists have the newest first.
    return changes.reverse();
  }

  #position(first: Page | undefined): ListPosition {
    return { known: this.#known, ...(first?.validator !== undefined && { validator: first.validator }) };
  }
}

interface Change {
  key: string;
  value: string;
  item: Item;
}

function withChanges(
  known: Readonly<Record<string, string>>,
  changes: readonly Change[],
  count: number,
): Record<string, string> {
  const result = { ...known };
  for (const { key, value } of changes.slice(0, count)) result[key] = value;
  return result;
}

/** What is gone would come again as new. */
function onlyListed(known: Readonly<Record<string, string>>, listed: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(Object.entries(known).filter(([key]) => listed.has(key)));
}
