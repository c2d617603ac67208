import type { Account } from './records.js';
import type { Repository } from './repository.js';
import { type Answer, type ApiRequest, Refusal } from './route.js';

const DEFAULT_PER_PAGE = 30;
export const MOST_PER_PAGE = 100;

const LIMITED =
  'In order to keep the API fast for everyone, pagination is limited for this resource. Check the rel=last link relation in the Link response header to see how far back you can traverse.';
const NO_PAGES =
  'Pagination with the page parameter is not supported for large datasets, please use cursor based pagination (after/before)';

export interface Page<T> {
  readonly items: readonly T[];
  /** With `link`, if there is more than one page. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Cuts a page by `page` and `per_page`. Of long lists GitHub serves only the first `mostItems`. */
export function pageByNumber<T>(
  request: ApiRequest,
  items: readonly T[],
  { of, mostItems = Number.POSITIVE_INFINITY }: { of?: Repository | Account; mostItems?: number } = {},
): Page<T> {
  const { page, perPage } = readPage(request.query);
  const start = (page - 1) * perPage;
  if (page > 1 && start >= mostItems) throw new Refusal(422, LIMITED);
  const last = Math.max(1, Math.ceil(Math.min(items.length, mostItems) / perPage));
  const urls = new Map<string, string>();
  const add = (relation: string, number: number): void => {
    urls.set(relation, pageUrl(request, of, { page: String(number) }));
  };
  if (page > 1) add('prev', page - 1);
  if (page < last) add('next', page + 1);
  if (page < last) add('last', last);
  if (page > 1) add('first', 1);
  return { items: items.slice(start, start + perPage), headers: linkHeader(urls) };
}

/** Names the place of an item in its order, also after the item has moved or gone. */
export interface Place {
  readonly key: string | number;
  readonly id: number;
}

/** Cuts a page of a long list: after a place instead of at a number, so that changes elsewhere do not shift it. */
export function pageByCursor<T>(
  request: ApiRequest,
  items: readonly T[],
  order: { repository: Repository; place(item: T): Place; isAfter(item: Place, other: Place): boolean },
): Page<T> {
  const { page, perPage } = readPage(request.query);
  const after = readCursor(request.query.get('after'));
  const before = readCursor(request.query.get('before'));
  if (after === undefined && before === undefined && page > 1 && page * perPage >= request.settings.pageWindow)
    throw new Refusal(422, NO_PAGES);
  const start = findStart();
  const cut = items.slice(start, start + perPage);
  const [first, last] = [cut[0], cut.at(-1)];
  const urls = new Map<string, string>();
  if (last !== undefined && start + perPage < items.length)
    urls.set(
      'next',
      pageUrl(request, order.repository, { after: writeCursor(order.place(last)), page: String(page + 1) }),
    );
  if (first !== undefined && start > 0)
    urls.set(
      'prev',
      pageUrl(request, order.repository, { before: writeCursor(order.place(first)), page: String(page - 1) }),
    );
  return { items: cut, headers: linkHeader(urls) };

  function findStart(): number {
    if (after !== undefined) return indexOrEnd((item) => order.isAfter(order.place(item), after));
    if (before === undefined) return (page - 1) * perPage;
    return Math.max(0, indexOrEnd((item) => !order.isAfter(before, order.place(item))) - perPage);
  }

  function indexOrEnd(matches: (item: T) => boolean): number {
    const index = items.findIndex(matches);
    return index === -1 ? items.length : index;
  }
}

/** A list as GitHub sends most: a bare array. */
export function listAnswer<T>({ items, headers }: Page<T>, render: (item: T) => unknown): Answer {
  return { status: 200, body: items.map(render), headers };
}

/** Out of range is put right without a word. */
export function readPage(query: URLSearchParams): { page: number; perPage: number } {
  const perPage = readPositive(query.get('per_page')) ?? DEFAULT_PER_PAGE;
  return { page: readPositive(query.get('page')) ?? 1, perPage: Math.min(perPage, MOST_PER_PAGE) };
}

function readPositive(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** As GitHub does, by the number of the repository or account, whatever name was asked for. */
function pageUrl(
  request: ApiRequest,
  of: Repository | Account | undefined,
  change: Readonly<Record<string, string>>,
): string {
  const query = new URLSearchParams(request.query);
  for (const name of ['page', 'after', 'before']) query.delete(name);
  for (const [name, value] of Object.entries(change)) query.set(name, value);
  return `${request.links.api}${canonicalPath(request.path, of)}?${query}`;
}

/** With numbers for names: '/repositories/17/issues', '/organizations/18/repos', '/user/19/repos'. */
export function canonicalPath(path: string, of: Repository | Account | undefined): string {
  if (of === undefined) return path;
  if ('git' in of) return path.replace(/^\/(repos\/[^/]+\/[^/]+|repositories\/\d+)/, `/repositories/${of.id}`);
  return path
    .replace(/^\/(orgs\/[^/]+|organizations\/\d+)/, `/organizations/${of.id}`)
    .replace(/^\/(users\/[^/]+|user\/\d+)/, `/user/${of.id}`);
}

function linkHeader(urls: ReadonlyMap<string, string>): Record<string, string> {
  if (urls.size === 0) return {};
  return { link: [...urls].map(([relation, url]) => `<${url}>; rel="${relation}"`).join(', ') };
}

const CURSOR_PREFIX = 'cursor:v2:';

function writeCursor({ key, id }: Place): string {
  return Buffer.from(CURSOR_PREFIX + JSON.stringify([key, id])).toString('base64');
}

function readCursor(text: string | null): Place | undefined {
  if (text === null) return undefined;
  const decoded = Buffer.from(text, 'base64').toString();
  if (!decoded.startsWith(CURSOR_PREFIX)) throw new Refusal(422, 'The cursor is not valid');
  const [key, id] = JSON.parse(decoded.slice(CURSOR_PREFIX.length)) as [string | number, number];
  return { key, id };
}
