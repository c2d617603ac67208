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
  readonly query: Query;
  /** Where there is one page only: whether it changed is asked. */
  readonly validators: Validators | undefined;
  /** Pages of the pass before, where they are compared. */
  readonly memory?: { find(digest: string): SamePage | undefined } | undefined;
}

type Query = Readonly<Record<string, string | number | boolean>>;

/** What finds the next page in an answer, where pages are told so. */
export async function nextFinder({ pagination }: RestConfig, sourceId: string): Promise<Finder | undefined> {
  return pagination.by === 'url' || pagination.by === 'cursor' ? compileOne(pagination.next, sourceId) : undefined;
}

/** The pages of one pass. A page whose answer is 304 has no items. */
export async function* readPages(options: PagesOptions): AsyncGenerator<ItemPage, void, undefined> {
  const { config, query } = options;
  if (config.pagination.by === 'none') {
    yield await ask(options, addressOf(config).href, { ...config.query, ...query });
    return;
  }
  for await (const { page } of pagesOf(options, config.pagination)) yield page;
}

function pagesOf(
  options: PagesOptions,
  pagination: Exclude<RestConfig['pagination'], { by: 'none' }>,
): AsyncIterable<{ readonly page: ItemPage }> {
  const { config, query, next } = options;
  const { maxPages } = config;
  const url = addressOf(config);
  const found = ({ response }: ItemPage): string => textOf(next?.(response.json()));
  const common = { maxPages, readAhead: true };
  if (pagination.by === 'link' || pagination.by === 'url') {
    // The URL of a further page has it all.
    const read = (position: string): Promise<ItemPage> => ask(options, position, {});
    const how = pagination.by === 'link' ? { link: linkOf } : { url: found };
    return paginate<ItemPage>({ ...common, start: withQuery(url, { ...config.query, ...query }), read, next: how });
  }
  const readBy = (position: Query): Promise<ItemPage> =>
    ask(options, url.href, { ...config.query, ...query, ...position });
  if (pagination.by === 'cursor') {
    const { parameter } = pagination;
    const read = (token: string | undefined): Promise<ItemPage> =>
      readBy(token === undefined ? {} : { [parameter]: token });
    return paginate<ItemPage>({ ...common, start: undefined, read, next: { token: found } });
  }
  const { parameter, size } = pagination;
  const read = (number: number): Promise<ItemPage> =>
    readBy({ [parameter]: number, ...(size && { [size.parameter]: size.value }) });
  const fingerprint = ({ digest }: ItemPage): string => digest;
  if (pagination.by === 'offset') {
    return paginate<ItemPage>({ ...common, start: 0, read, next: { offset: ({ count }) => count }, fingerprint });
  }
  const isFull = ({ count }: ItemPage): boolean => count > 0 && (size === undefined || count >= size.value);
  return paginate<ItemPage>({ ...common, start: pagination.first, read, next: { page: isFull }, fingerprint });
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

function withQuery(url: URL, query: Query): string {
  const full = new URL(url);
  for (const [name, value] of Object.entries(query)) full.searchParams.set(name, String(value));
  return full.href;
}

async function ask(options: PagesOptions, url: string, query: Query): Promise<ItemPage> {
  const { client, config, signal, validators } = options;
  const { method, headers, body, idempotent } = config;
  const isJson = body !== undefined && typeof body !== 'string';
  const response = await client.request({
    url,
    method,
    query,
    headers: { accept: 'application/json', ...(isJson && { 'content-type': 'application/json' }), ...headers },
    body: isJson ? JSON.stringify(body) : body,
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
