import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { request } from 'undici';
import { restSource } from './built.js';
import { type Bench, figure, type Information, paired, type Row } from './measure.js';
import type { RestOrder, RestReply } from './rest-server.js';
import { type Served, withServer } from './served.js';
import { Stepwise } from './stepwise.js';

const ITEMS = 100_000;
const PAGE_SIZE = 500;
const MEGABYTE = 1024 * 1024;
const MOST_MEGABYTES = 80;

/** Many items of which none has changed, beside reading the same pages for nothing. */
export const rest: Bench = {
  name: 'rest',
  async *rows(): AsyncGenerator<Row | Information> {
    yield* await withServer('rest-server.ts', unchanged);
  },
};

async function unchanged(server: Served<RestOrder, RestReply>): Promise<Row[]> {
  const { RestSource } = await restSource();
  const { url } = await server.obey({ items: ITEMS, pageSize: PAGE_SIZE });
  const idle = usedMegabytes();
  const config = { url, pagination: { by: 'link' as const }, allowHosts: ['127.0.0.1'], baseline: 'skip' as const };
  const clock = new Stepwise();
  const source = await RestSource.create({ id: 'bench', config, clock });
  const aborting = new AbortController();
  const following = source.generateEvents({ follow: true, signal: aborting.signal }).next();
  following.catch(() => {});
  await clock.isWaiting();
  const ours = () => clock.step();
  await ours();
  const megabytes = usedMegabytes() - idle;
  const row = `${ITEMS} items polled, nothing changed, beside undici and JSON.parse of the same pages`;
  const rival = () => readPlainly(url);
  const result = await paired({ bench: 'rest', row, goal: 2, ours, rival, pairs: 5, warmUps: 1 });
  aborting.abort(new Error('measured'));
  await following.catch(() => {});
  return [
    result,
    figure(
      'rest',
      'MB over idle, what is known of them with it',
      megabytes,
      MOST_MEGABYTES,
      megabytes / MOST_MEGABYTES,
      1,
    ),
  ];
}

async function readPlainly(first: string): Promise<void> {
  let count = 0;
  for (let page = 1; page <= ITEMS / PAGE_SIZE; page += 1) {
    const { body } = await request(`${first}?page=${page}`);
    count += ((await body.json()) as unknown[]).length;
  }
  if (count !== ITEMS) throw new Error(`${count} items read`);
}

function usedMegabytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEGABYTE;
}
