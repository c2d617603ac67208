import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { githubSource } from './built.js';
import type { Order, Reply } from './github-server.js';
import { type Bench, figure, type Information, type Row } from './measure.js';
import { type Served, withServer } from './served.js';

const ISSUES = '/repos/{owner}/{repo}/issues';
const LATENCY_MS = 50;
const MEGABYTE = 1024 * 1024;

type SourceClass = Awaited<ReturnType<typeof githubSource>>['GitHubSource'];
type Config = Parameters<SourceClass['create']>[0]['config'];
type Cursor = Parameters<SourceClass['create']>[0]['cursor'];

/** Requests, time and memory against our test server, in a process of its own. */
export const github: Bench = {
  name: 'github',
  async *rows() {
    yield await inServer(fullSync);
    yield* await inServer(inOrder);
    yield await inServer(inParallel);
    yield await inServer(memory);
    yield await inServer(incremental);
  },
};

async function fullSync(server: Server) {
  await server.obey({ do: 'fill', repository: 'octo/spoon', issues: 10_000, pulls: 0 });
  await read(server, { owner: 'octo', repo: 'spoon', streams: ['issues'] });
  const { byRoute } = await server.obey({ do: 'latency', ms: 0 });
  const requests = byRoute[ISSUES] ?? 0;
  return figure(
    'github',
    'requests for 10,000 issues, beside the pages there are',
    requests,
    100,
    requests / 100,
    1.02,
  );
}

async function inOrder(server: Server): Promise<(Row | Information)[]> {
  await server.obey({ do: 'fill', repository: 'octo/spoon', issues: 20_000, pulls: 0 });
  await server.obey({ do: 'latency', ms: LATENCY_MS });
  const issues: Config = { owner: 'octo', repo: 'spoon', streams: ['issues'] };
  const ours = await timed(() => read(server, issues));
  const bare = await timed(() => followLinks(server, '/repos/octo/spoon/issues?state=all&per_page=100'));
  const least = 200 * LATENCY_MS;
  const row = figure('github', 'ms for 200 pages in order, with 50 ms latency', ours, least, ours / least, 1.15);
  const information = `the same 200 pages: a bare loop of fetch takes ${Math.round(bare)} ms, ratio ${(ours / bare).toFixed(3)}`;
  return [row, { bench: 'github', information }];
}

/** What is left when everything but fetching is left out. */
async function followLinks({ url, token }: Server, path: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'bench' };
  for (let next: string | undefined = url + path; next !== undefined; ) {
    const response: Response = await fetch(next, { headers });
    await response.json();
    next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  }
}

async function inParallel(server: Server) {
  for (let index = 0; index < 20; index += 1) {
    await server.obey({ do: 'fill', repository: `octo/r${index}`, issues: 500, pulls: 0 });
  }
  await server.obey({ do: 'latency', ms: LATENCY_MS });
  const organisation: Config = { org: 'octo', streams: ['issues'] };
  const ours = await timed(() => read(server, { ...organisation, concurrency: 4 }));
  const rival = await timed(() => read(server, { ...organisation, concurrency: 1 }));
  return figure('github', 'ms for 20 repositories, 4 at once, beside one by one', ours, rival, ours / rival, 0.3);
}

async function memory(server: Server) {
  await server.obey({ do: 'fill', repository: 'octo/spoon', issues: 100_000, pulls: 0 });
  // What is loaded once is no part of what streaming holds.
  await read(server, { owner: 'octo', repo: 'spoon', streams: ['tags'] });
  const idle = usedMegabytes();
  let most = 0;
  let count = 0;
  await read(server, { owner: 'octo', repo: 'spoon', streams: ['issues'] }, undefined, async () => {
    count += 1;
    if (count % 5_000 !== 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
    most = Math.max(most, usedMegabytes());
  });
  const held = most - idle;
  return figure('github', 'MB over idle, 100,000 issues and a slow consumer', held, 60, held / 60, 1);
}

async function incremental(server: Server) {
  for (let index = 0; index < 100; index += 1) {
    await server.obey({ do: 'fill', repository: `octo/r${index}`, issues: 1_000, pulls: 1_000 });
  }
  const organisation: Config = { org: 'octo', streams: ['issues', 'pulls'] };
  const cursor = await read(server, organisation);
  const { billed: full } = await server.obey({ do: 'latency', ms: 0 });
  for (const index of [3, 50, 99]) await server.obey({ do: 'change', repository: `octo/r${index}` });
  await server.obey({ do: 'forget' });
  await read(server, organisation, cursor);
  const { billed } = await server.obey({ do: 'latency', ms: 0 });
  return figure('github', 'paid requests when 3 of 100 repositories changed', billed, full, billed / full, 1 / 20);
}

interface Server {
  readonly url: string;
  readonly token: string;
  obey(order: Order): Promise<Reply>;
}

function inServer<Result>(use: (server: Server) => Promise<Result>): Promise<Result> {
  return withServer('github-server.ts', async ({ obey }: Served<Order, Reply>) => {
    const { url, token } = await obey({ do: 'forget' });
    return use({ url, token, obey });
  });
}

async function read(
  { url, token }: Server,
  config: Config,
  cursor?: Cursor,
  each?: () => Promise<void>,
): Promise<Cursor> {
  const { GitHubSource } = await githubSource();
  const source = await GitHubSource.create({
    id: 'bench',
    config: { ...config, baseUrl: url },
    credentials: { token },
    cursor,
  });
  for await (const _event of source.generateEvents()) if (each !== undefined) await each();
  return source.getCursor();
}

async function timed(job: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await job();
  return performance.now() - before;
}

function usedMegabytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEGABYTE;
}
