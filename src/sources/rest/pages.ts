import type { HttpClient } from '../../toolkit/http/http-client.js';
import type { HttpResponse } from '../../toolkit/http/http-response.js';
import { paginate } from '../../toolkit/http/paginate.js';
import type { Validators } from '../../toolkit/http/validators.js';
import type { Finder, RestConfig } from './config.js';
import type { ItemReader } from './item.js';
import { digestOf, type SamePage } from './page-memory.js';
import { compileOne } from './path.js';

/** One answer. */
export interface ItemPage {
  readonly response: HttpResponse;
  /** Of its bytes. */
  readonly digest: string;
  /** How many items it has. */
  readonly count: number;
  /** Its items; undefined where nothing of them is new, and `same` has their keys. */
  readonly items: readonly unknown[] | undefined;
  readonly same: SamePage | undefined;
}

export interface PagesOptions {
  readonly client: HttpClient;
  readonly config: RestConfig;
  readonly reader: ItemReader;
  readonly next: Finder | undefined;
  readonly signal: AbortSignal;
  /** Added to the query of every page. */
  readonly query: Readonly<Record<string, string | number | boolean>>;
  /** Where there is one page only: whether it changed is asked. */
  readonly validators: Validators | undefined;
  /** Pages of the pass before, where they are compared. */
  readonly memory?: { find(digest: string): SamePage | undefined } | undefined;
}

/** What finds the next page in an answer, where pages are told so. */
export async function nextFinder({ pagination }: RestConfig, sourceId: string): Promise<Finder | undefined> {
  return pagination.by === 'url' || pagination.by === 'cursor' ? compileOne(pagination.next, sourceId) : undefined;
}

/** The pages of one pass. A page whose answer is 304 has no items. */
export async function* readPages(options: PagesOptions): AsyncGenerator<ItemPage, void, undefined> {
  const { config, next } = options;
  const { pagination, maxPages } = config;
  const url = addressOf(config);
  const found = ({ response }: ItemPage): string => textOf(next?.(response.json()));
  const size =
    'size' in pagination && pagination.size !== undefined ? { [pagination.size.parameter]: pagination.size.value } : {};
  const fingerprint = ({ digest }: ItemPage): string => digest;
  const common = { maxPages, readAhead: true, fingerprint };
  switch (pagination.by) {
    case 'none':
      yield await ask(options, url.href, {});
      return;
    case 'link':
    case 'url': {
      const read = (position: string): Promise<ItemPage> => ask(options, position, {}, position === url.href);
      const how = pagination.by === 'link' ? { link: linkOf } : { url: found };
      for await (const { page } of paginate<ItemPage>({
        ...common,
        start: withQuery(url, config, options.query),
        read,
        next: how,
        fingerprint: undefined,
      }))
        yield page;
      return;
    }
    case 'cursor': {
      const read = (token: string | undefined): Promise<ItemPage> =>
        ask(options, url.href, token === undefined ? {} : { [pagination.parameter]: token });
      for await (const { page } of paginate<ItemPage>({
        maxPages,
        readAhead: true,
        start: undefined,
        read,
        next: { token: found },
      }))
        yield page;
      return;
    }
    case 'page': {
      const read = (number: number): Promise<ItemPage> =>
        ask(options, url.href, { [pagination.parameter]: number, ...size });
      const most = pagination.size?.value;
      const isFull = ({ count }: ItemPage): boolean => count > 0 && (most === undefined || count >= most);
      for await (const { page } of paginate<ItemPage>({
        ...common,
        start: pagination.first,
        read,
        next: { page: isFull },
      }))
        yield page;
      return;
    }
    case 'offset': {
      const read = (offset: number): Promise<ItemPage> =>
        ask(options, url.href, { [pagination.parameter]: offset, ...size });
      for await (const { page } of paginate<ItemPage>({
        ...common,
        start: 0,
        read,
        next: { offset: ({ count }) => count },
      }))
        yield page;
    }
  }
}

/** The URL, its names filled in: a value stays within its part of the path. */
export function addressOf({ url, parameters }: Pick<RestConfig, 'url' | 'parameters'>): URL {
  return new URL(
    url.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = parameters[name];
      return value === undefined ? whole : encodeURIComponent(String(value)).replaceAll('.', '%2E');
    }),
  );
}

function withQuery(url: URL, { query }: RestConfig, more: Readonly<Record<string, string | number | boolean>>): string {
  const full = new URL(url);
  for (const [name, value] of Object.entries({ ...query, ...more })) full.searchParams.set(name, String(value));
  return full.href;
}

async function ask(
  options: PagesOptions,
  url: string,
  page: Readonly<Record<string, string | number>>,
  isOwn = true,
): Promise<ItemPage> {
  const { client, config, signal, query, validators } = options;
  const { method, headers, body, idempotent } = config;
  const content = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const isJson = body !== undefined && typeof body !== 'string';
  const follows = config.pagination.by === 'link' || config.pagination.by === 'url';
  const response = await client.request({
    url,
    method,
    // The URL of a further page has it all.
    query: follows || !isOwn ? {} : { ...config.query, ...query, ...page },
    headers: { accept: 'application/json', ...(isJson && { 'content-type': 'application/json' }), ...headers },
    body: content,
    idempotent,
    signal,
    validators,
  });
  return toPage(response, options);
}

function toPage(response: HttpResponse, { reader, memory }: PagesOptions): ItemPage {
  const digest = digestOf(response.body);
  if (response.status === 304) return { response, digest, count: 0, items: [], same: undefined };
  const same = memory?.find(digest);
  if (same !== undefined) return { response, digest, count: same.keys.length, items: undefined, same };
  const items = reader.items(response.json(), response.label);
  return { response, digest, count: items.length, items, same: undefined };
}

function linkOf({ response }: ItemPage): string | undefined {
  return response.headers['link'];
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
