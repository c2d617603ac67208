import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from './served.js';

export interface RestOrder {
  readonly items: number;
  readonly pageSize: number;
}

export interface RestReply {
  readonly url: string;
}

let pages: string[] = [];

const server = createServer((request, response) => {
  const page = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('page') ?? 1);
  const { port } = server.address() as AddressInfo;
  if (page < pages.length) response.setHeader('link', `<http://127.0.0.1:${port}/items?page=${page + 1}>; rel="next"`);
  response.writeHead(200, { 'content-type': 'application/json' }).end(pages[page - 1]);
});

serve<RestOrder, RestReply>(async ({ items, pageSize }) => {
  const all = Array.from({ length: items }, (_, id) => ({
    id,
    name: `item ${id}`,
    state: id % 3 === 0 ? 'open' : 'closed',
    price: id * 1.25,
    tags: ['one', 'two'],
    owner: { id: id % 100, login: `user-${id % 100}` },
    updated_at: new Date(1_700_000_000_000 + id * 1_000).toISOString(),
  }));
  pages = [];
  for (let at = 0; at < items; at += pageSize) pages.push(JSON.stringify(all.slice(at, at + pageSize)));
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/items` };
});
