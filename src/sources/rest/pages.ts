import type { HttpClient } from '../../toolkit/http/http-client.js';
import type { HttpResponse } from '../../toolkit/http/http-response.js';
import { paginate } from '../../toolkit/http/paginate.js';
import type { Validators } from '../../toolkit/http/validators.js';
import type { Finder, RestConfig } from './config.js';
import type { ItemReader } from './item.js';
import { compileOne } from './path.js';

/** One answer, and its items. */
export interface ItemPage {
  readonly response: HttpResponse;
  readonly items: readonly unknown[];
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
  const fingerprint = ({ response }: ItemPage): string => Buffer.from(response.body).toString('base64');
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
      const isFull = ({ items }: ItemPage): boolean => items.length > 0 && (most === undefined || items.length >= most);
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
        next: { offset: ({ items }) => items.length },
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
  { client, config, reader, signal, query, validators }: PagesOptions,
  url: string,
  page: Readonly<Record<string, string | number>>,
  isOwn = true,
): Promise<ItemPage> {
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
  return { response, items: response.status === 304 ? [] : reader.items(response.json(), response.label) };
}

function linkOf({ response }: ItemPage): string | undefined {
  return response.headers['link'];
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
