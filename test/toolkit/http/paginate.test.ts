import { FatalError } from 'headwater';
import { paginate } from 'headwater/toolkit';
import { describe, expect, it } from 'vitest';
import { answer, clientOf, failureOf, json, serve } from './test-server.js';

interface Page {
  items: number[];
  link?: string | undefined;
  next?: string | number | null;
}

/** Reads pages from a table, and keeps what was asked for. */
function reading(pages: Readonly<Record<string, Page>>) {
  const asked: unknown[] = [];
  const read = async (position: unknown): Promise<Page> => {
    asked.push(position);
    return pages[String(position)] ?? { items: [] };
  };
  return { asked, read };
}

async function itemsOf(pages: AsyncIterable<{ page: Page }>): Promise<number[]> {
  const items: number[] = [];
  for await (const { page } of pages) items.push(...page.items);
  return items;
}

describe('RP4: pages', () => {
  it('by Link header: relative, with commas in URLs, and only by rel="next"', async () => {
    const { read, asked } = reading({
      'https://a/items': { items: [1], link: '<https://a/items?ids=1,2&after=x>; rel="next", </9>; rel="last"' },
      'https://a/items?ids=1,2&after=x': { items: [], link: '</items?after=y>; rel="next"' },
      'https://a/items?after=y': { items: [3], link: '<https://a/items>; rel="first"' },
    });
    expect(await itemsOf(paginate({ start: 'https://a/items', read, next: { link: ({ link }) => link } }))).toEqual([
      1, 3,
    ]);
    expect(asked).toEqual(['https://a/items', 'https://a/items?ids=1,2&after=x', 'https://a/items?after=y']);
  });

  it('by a URL in the body', async () => {
    const { read } = reading({ 'https://a/1': { items: [1], next: '2' }, 'https://a/2': { items: [2], next: null } });
    const next = { url: (page: Page) => page.next as string | null };
    expect(await itemsOf(paginate({ start: 'https://a/1', read, next }))).toEqual([1, 2]);
  });

  it('by a token, the first page without one; a short or empty page is no end (SL2)', async () => {
    const { read, asked } = reading({
      undefined: { items: [1], next: 't1' },
      t1: { items: [], next: 't2' },
      t2: { items: [3], next: '' },
    });
    const next = { token: (page: Page) => page.next as string };
    expect(await itemsOf(paginate({ start: undefined, read, next }))).toEqual([1, 3]);
    expect(asked).toEqual([undefined, 't1', 't2']);
  });

  it('by number and by offset', async () => {
    const numbered = reading({ 1: { items: [1, 2] }, 2: { items: [3] } });
    const more = { page: ({ items }: Page) => items.length > 0 };
    expect(await itemsOf(paginate({ start: 1, read: numbered.read, next: more }))).toEqual([1, 2, 3]);
    expect(numbered.asked).toEqual([1, 2, 3]);
    const offset = reading({ 0: { items: [1, 2] }, 2: { items: [3] } });
    expect(
      await itemsOf(paginate({ start: 0, read: offset.read, next: { offset: ({ items }) => items.length } })),
    ).toEqual([1, 2, 3]);
    expect(offset.asked).toEqual([0, 2, 3]);
  });

  it('come one by one: the first before the second is asked for, each with where to go on', async () => {
    const { read, asked } = reading({ undefined: { items: [1], next: 'b' }, b: { items: [2] } });
    const next = { token: (page: Page) => page.next as string | undefined };
    const pages = paginate({ start: undefined, read, next });
    expect((await pages.next()).value).toEqual({ page: { items: [1], next: 'b' }, position: undefined, next: 'b' });
    expect(asked).toEqual([undefined]);
    await pages.return();
    expect(await itemsOf(paginate({ start: 'b', read, next }))).toEqual([2]);
  });

  it('are read one ahead when asked, and never two', async () => {
    const { read, asked } = reading({ 1: { items: [1] }, 2: { items: [2] }, 3: { items: [3] } });
    const pages = paginate({ start: 1, read, readAhead: true, next: { page: ({ items }) => items.length > 0 } });
    await pages.next();
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toEqual([1, 2]);
    await pages.return();
  });
});

describe('RP4: pages that go round in circles', () => {
  it('by URL: an error, before the page is asked for again', async () => {
    const { read, asked } = reading({
      'https://a/1': { items: [1], next: '/2?token=planted-secret' },
      'https://a/2?token=planted-secret': { items: [2], next: '/1' },
    });
    const error = await failureOf(
      itemsOf(paginate({ start: 'https://a/1', read, next: { url: (page) => page.next as string } })),
    );
    expect(error).toBeInstanceOf(FatalError);
    expect(error).toMatchObject({ code: 'PAGINATION_LOOP' });
    expect(asked).toHaveLength(2);
  });

  it('by token: the same', async () => {
    const { read, asked } = reading({ undefined: { items: [1], next: 't' }, t: { items: [2], next: 't' } });
    const error = await failureOf(
      itemsOf(paginate({ start: undefined, read, next: { token: (page) => page.next as string } })),
    );
    expect(error).toMatchObject({ code: 'PAGINATION_LOOP' });
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['number', { page: () => true }],
    ['offset', { offset: () => 1 }],
  ])('since the %s is ignored: an error, and the page is not delivered twice', async (_, next) => {
    const delivered: number[] = [];
    const error = await failureOf(
      (async () => {
        for await (const { page } of paginate({ start: 1, read: async () => ({ items: [1] }), next }))
          delivered.push(...page.items);
      })(),
    );
    expect(error).toMatchObject({ code: 'PAGINATION_LOOP' });
    expect(delivered).toEqual([1]);
  });

  it('by ever new tokens: told by a fingerprint, and in the end by the number of pages', async () => {
    const read = async (_: unknown, number: number): Promise<Page> => ({ items: [7], next: `t${number}` });
    const next = { token: (page: Page) => page.next as string };
    const fingerprint = ({ items }: Page): string => items.join();
    expect(await failureOf(itemsOf(paginate({ start: undefined, read, next, fingerprint })))).toMatchObject({
      code: 'PAGINATION_LOOP',
    });
    expect(await failureOf(itemsOf(paginate({ start: undefined, read, next, maxPages: 50 })))).toMatchObject({
      code: 'PAGINATION_LIMIT',
    });
  });
});

describe('GH4: a next page elsewhere', () => {
  it.each(['https://evil.example/2', 'http://a/2', 'https://a:444/2', '//evil.example/2', 'https://a@evil.example/2'])(
    'at %s is refused, and not asked for',
    async (next) => {
      const { read, asked } = reading({ 'https://a/1': { items: [1], link: `<${next}>; rel="next"` } });
      const error = await failureOf(
        itemsOf(paginate({ start: 'https://a/1', read, next: { link: ({ link }) => link } })),
      );
      expect(error).toMatchObject({ code: 'PAGINATION_ORIGIN' });
      expect(asked).toEqual(['https://a/1']);
    },
  );

  it('at what is no URL is an error', async () => {
    const { read } = reading({ 'https://a/1': { items: [1], next: 'http://[' } });
    expect(
      await failureOf(itemsOf(paginate({ start: 'https://a/1', read, next: { url: (page) => page.next as string } }))),
    ).toMatchObject({
      code: 'PAGINATION_URL',
    });
  });
});

it('GH4: a server with cursors that refuses page numbers is read to the end by its links', async () => {
  const total = 250;
  const server = await serve((request, response) => {
    const query = new URL(request.url ?? '', 'http://a').searchParams;
    if (query.has('page')) return answer(response, 422, {}, '{"message":"use cursors"}');
    const after = Number(query.get('after') ?? 0);
    const items = Array.from({ length: Math.min(100, total - after) }, (_, index) => after + index);
    const link = after + 100 < total ? `<${server.origin}/items?per_page=100&after=${after + 100}>; rel="next"` : '';
    json(response, items, { link });
  });
  const client = clientOf(server);
  const found: number[] = [];
  const pages = paginate({
    start: `${server.origin}/items?per_page=100`,
    read: (url) => client.request({ url }),
    next: { link: ({ headers }) => headers['link'] },
  });
  for await (const { page } of pages) found.push(...(page.json() as number[]));
  expect(found).toEqual(Array.from({ length: total }, (_, index) => index));
  expect(server.asked).toHaveLength(3);
});
