import type { Place } from './pagination.js';
import type { Repository } from './repository.js';
import type { ApiRequest } from './route.js';

interface Kept {
  readonly version: number;
  readonly lists: Map<string, readonly unknown[]>;
}

const kept = new WeakMap<Repository, Kept>();

/** Filters and sorts once for all pages of a walk; anew as soon as the repository changes. */
export function listOnce<T>(repository: Repository, name: string, build: () => readonly T[]): readonly T[] {
  let entry = kept.get(repository);
  if (entry === undefined || entry.version !== repository.version) {
    entry = { version: repository.version, lists: new Map() };
    kept.set(repository, entry);
  }
  const list = entry.lists.get(name) ?? build();
  entry.lists.set(name, list);
  return list as readonly T[];
}

/** By a key, then by id, so that the order is total. */
export interface Order<T> {
  readonly items: readonly T[];
  place(item: T): Place;
  isAfter(item: Place, other: Place): boolean;
}

/** Sorts by `sort` and `direction` of the request. A `sort` that is not known means the first key. */
export function order<T extends { readonly id: number }>(
  items: readonly T[],
  query: URLSearchParams,
  keys: Readonly<Record<string, (item: T) => string | number>>,
  defaultDirection: 'asc' | 'desc',
): Order<T> {
  const key = keys[query.get('sort') ?? ''] ?? Object.values(keys)[0] ?? (({ id }: T) => id);
  const direction = query.get('direction') ?? defaultDirection;
  const sign = direction === 'asc' ? 1 : -1;
  const place = (item: T): Place => ({ key: key(item), id: item.id });
  const compare = (left: Place, right: Place): number => {
    if (left.key !== right.key) return left.key < right.key ? -sign : sign;
    return (left.id - right.id) * sign;
  };
  return {
    items: items.toSorted((left, right) => compare(place(left), place(right))),
    place,
    isAfter: (item, other) => compare(item, other) > 0,
  };
}

/** Of `since`: updated then or later. A date that cannot be read filters nothing. Times of the server are whole seconds. */
export function updatedSince<T extends { updatedAt: string }>(items: readonly T[], since: string | null): readonly T[] {
  const from = since === null ? Number.NaN : Date.parse(since);
  if (Number.isNaN(from)) return items;
  const text = secondText(Math.ceil(from / 1_000));
  return items.filter(({ updatedAt }) => updatedAt >= text);
}

function secondText(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z');
}

const COMMENT_KEYS: Readonly<Record<string, (comment: Comment) => string | number>> = {
  id: ({ id }) => id,
  created: ({ createdAt }) => createdAt,
  created_at: ({ createdAt }) => createdAt,
  updated: ({ updatedAt }) => updatedAt,
};

interface Comment {
  readonly id: number;
  readonly createdAt: string;
  updatedAt: string;
}

/** Comments are in order of their ids; `direction` means nothing without `sort`. */
export function orderComments<T extends Comment>(comments: readonly T[], query: URLSearchParams): readonly T[] {
  const wanted = updatedSince(comments, query.get('since'));
  return query.has('sort')
    ? order(wanted, query, COMMENT_KEYS, 'desc').items
    : order(wanted, new URLSearchParams(), COMMENT_KEYS, 'asc').items;
}

const PAGE_ONLY = ['page', 'per_page', 'after', 'before'];

/** Names a list by everything of the request that it depends on, besides the page and what is named. */
export function listName({ template, variables, query }: ApiRequest, besides: readonly string[] = []): string {
  const filters = [...query].filter(([name]) => !PAGE_ONLY.includes(name) && !besides.includes(name));
  return JSON.stringify([template, variables['pull_number'], variables['issue_number'], filters]);
}
