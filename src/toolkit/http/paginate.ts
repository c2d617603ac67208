import { createHash } from 'node:crypto';
import { FatalError } from '../../core/errors.js';
import { readAhead } from '../read-ahead.js';
import { linkTarget } from './link-header.js';
import { redactUrl } from './redaction.js';

/** How one page leads to the next. Each function is given a page; undefined, null or '' means that it was the last. */
export type NextPage<Page> = NextUrl<Page> | NextToken<Page> | NextNumber<Page>;

/** By URLs, which may be relative. The position is a URL; one at another origin is refused. */
export type NextUrl<Page> =
  /** The `Link` header (RFC 8288) of the page: its `rel="next"` is followed. */
  | { link(page: Page): string | null | undefined }
  /** A URL in the body. */
  | { url(page: Page): string | null | undefined };

/** By a token in the body. The position is the token, undefined for the first page. */
export type NextToken<Page> = { token(page: Page): string | null | undefined };

/** By counting. The position is a number. */
export type NextNumber<Page> =
  /** Page by page, while it says that there are more. */
  | { page(page: Page): boolean }
  /** By as many items as were on the page, until there are none. */
  | { offset(page: Page): number };

export interface PaginateOptions<Page, Position> {
  /** Where to begin: the first page, or the `next` of one that was read before. */
  start: Position;
  /** Reads the page at a position. `number` counts from 1 in this run. */
  read(position: Position, number: number): Promise<Page>;
  /** More pages are an error, not an end. Default 100,000. */
  maxPages?: number | undefined;
  /** Reads the next page while this one is worked on: one page ahead, never more. Default false. */
  readAhead?: boolean | undefined;
  /** What tells that the same page came twice in a row. Default: its JSON, where pages are counted; else only positions. */
  fingerprint?: ((page: Page) => string) | undefined;
}

export interface PageRead<Page, Position> {
  readonly page: Page;
  readonly position: Position;
  /** Where the next page is; undefined after the last. What a cursor keeps to go on with the next page. */
  readonly next: Position | undefined;
}

/**
 * Page after page, each as soon as it is there. An empty page that names a next one is no end.
 *
 * ```ts
 * const pages = paginate({
 *   start: 'https://api.example.com/items?per_page=100',
 *   read: async (url) => {
 *     const response = await fetch(url, { signal: context.signal });
 *     return { items: (await response.json()) as Item[], link: response.headers.get('link') };
 *   },
 *   next: { link: ({ link }) => link },                 // or { url }, { token }, { page }, { offset }
 * });
 * for await (const { page, next } of pages) yield { events: page.items.map(toEvent), cursor: { next } };
 * ```
 *
 * @throws FatalError: PAGINATION_LOOP when a position or a page comes twice, PAGINATION_LIMIT beyond `maxPages`,
 * PAGINATION_ORIGIN for a next URL at another origin, which is not asked for; and what `read` throws
 */
export function paginate<Page>(
  options: PaginateOptions<Page, string> & { next: NextUrl<Page> },
): AsyncGenerator<PageRead<Page, string>, void, undefined>;
export function paginate<Page>(
  options: PaginateOptions<Page, string | undefined> & { next: NextToken<Page> },
): AsyncGenerator<PageRead<Page, string | undefined>, void, undefined>;
export function paginate<Page>(
  options: PaginateOptions<Page, number> & { next: NextNumber<Page> },
): AsyncGenerator<PageRead<Page, number>, void, undefined>;
export function paginate<Page>(options: AnyOptions<Page>): AsyncGenerator<PageRead<Page, unknown>, void, undefined> {
  const pages = pagesOf(options);
  return options.readAhead === true ? readAhead(pages) : pages;
}

type AnyOptions<Page> = PaginateOptions<Page, unknown> & { next: NextPage<Page> };

const DEFAULT_MAX_PAGES = 100_000;

async function* pagesOf<Page>(options: AnyOptions<Page>): AsyncGenerator<PageRead<Page, unknown>, void, undefined> {
  const { maxPages = DEFAULT_MAX_PAGES } = options;
  const loops = new LoopDetector(options);
  let position: unknown = options.start;
  for (let number = 1; ; number += 1) {
    if (number > maxPages) throw tooManyPages(maxPages);
    loops.checkPosition(position);
    const page = await options.read(position, number);
    const next = positionAfter(page, position, options.next);
    loops.checkPage(page, number);
    yield { page, position, next };
    if (next === undefined) return;
    position = next;
  }
}

function positionAfter<Page>(page: Page, position: unknown, next: NextPage<Page>): unknown {
  if ('token' in next) return next.token(page) || undefined;
  if ('page' in next) return next.page(page) ? Number(position) + 1 : undefined;
  if ('offset' in next) return offsetAfter(Number(position), next.offset(page));
  const target = 'url' in next ? next.url(page) : linkTarget(next.link(page), 'next');
  return target ? urlAfter(String(position), target) : undefined;
}

function offsetAfter(offset: number, items: number): number | undefined {
  return items > 0 ? offset + items : undefined;
}

function urlAfter(position: string, target: string): string {
  const current = new URL(position);
  if (!URL.canParse(target, current.href)) {
    throw new FatalError(`the next page after ${redactUrl(current)} is at what is no URL`, { code: 'PAGINATION_URL' });
  }
  const next = new URL(target, current);
  if (next.origin === current.origin) return next.href;
  throw new FatalError(
    `the next page after ${redactUrl(current)} is said to be at ${redactUrl(next)}: another origin, which is not asked ` +
      'since the credentials are not meant for it. Is there a proxy that rewrites links? Then use its URL as the base',
    { code: 'PAGINATION_ORIGIN' },
  );
}

/** Finds out that a server sends round in circles. Hashes: positions may be long, and there may be many. */
class LoopDetector<Page> {
  readonly #seen = new Set<string>();
  readonly #fingerprint: ((page: Page) => string | undefined) | undefined;
  #lastPage: string | undefined;

  constructor({ next, fingerprint }: AnyOptions<Page>) {
    const isCounted = 'page' in next || 'offset' in next;
    this.#fingerprint = fingerprint ?? (isCounted ? (page) => JSON.stringify(page) : undefined);
  }

  checkPosition(position: unknown): void {
    const hash = hashOf(String(position ?? ''));
    if (this.#seen.has(hash)) throw loop(`page ${shown(position)} comes again`);
    this.#seen.add(hash);
  }

  checkPage(page: Page, number: number): void {
    const text = this.#fingerprint?.(page);
    if (text === undefined) return;
    const hash = hashOf(text);
    if (hash === this.#lastPage) throw loop(`page ${number} is the same as the one before: its number is ignored`);
    this.#lastPage = hash;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** A token says nothing to a reader, and may not be meant for one. */
function shown(position: unknown): string {
  const text = String(position);
  if (URL.canParse(text)) return redactUrl(new URL(text));
  return typeof position === 'number' ? text : 'of a token';
}

function loop(what: string): FatalError {
  return new FatalError(`the pages go round in circles: ${what}. Does the API page by what the configuration says?`, {
    code: 'PAGINATION_LOOP',
  });
}

function tooManyPages(maxPages: number): FatalError {
  return new FatalError(`there are more than ${maxPages} pages. Ask for more items on each, or raise the limit`, {
    code: 'PAGINATION_LIMIT',
  });
}
