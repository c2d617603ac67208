import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { slackSource } from './built.js';
import { type Bench, figure, type Information, type Row } from './measure.js';
import { type Served, withServer } from './served.js';
import type { SlackOrder, SlackReply } from './slack-server.js';

const PAGE = 200;
const LATENCY_MS = 50;
const PAGES = 100;
const MEMORY_MESSAGES = 100_000;
const MEGABYTE = 1024 * 1024;

type SourceClass = Awaited<ReturnType<typeof slackSource>>['SlackSource'];
type Config = Parameters<SourceClass['create']>[0]['config'];
type Cursor = Parameters<SourceClass['create']>[0]['cursor'];
type Server = Served<SlackOrder, SlackReply>;

/** Requests, time and memory against our test server, in a process of its own. */
export const slack: Bench = {
  name: 'slack',
  async *rows() {
    yield* await inServer(requests);
    yield* await inServer(inOrder);
    yield* await inServer(inWindows);
    yield* await inServer(memory);
  },
};

const inServer = (use: (server: Server) => Promise<(Row | Information)[]>) => withServer('slack-server.ts', use);

/** No windows of time are looked at again: what is counted is the way through the history. */
const plain = { threads: false, reread: false } as const;

async function requests(server: Server) {
  await server.obey({ do: 'fill', channel: 'general', messages: PAGES * PAGE });
  let untilFirst = 0;
  const config = { channels: ['general'], ...plain };
  const cursor = await read(server, config, {
    each: async (count) => {
      if (count === 1) ({ requests: untilFirst } = await server.obey({ do: 'nothing' }));
    },
  });
  const all = untilFirst + (await requestsSince(server));
  await read(server, config, { cursor });
  const again = await requestsSince(server);
  await read(server, { channels: ['general'] }, { cursor });
  const withThreads = await requestsSince(server);
  return [
    row('requests for 20,000 messages, beside the pages there are', all, PAGES, 1.5),
    row('requests until the first event, beside the pages there are', untilFirst, PAGES, 0.5),
    row('requests when nothing is new, beside one for the channel', again, 1, 1),
    { bench: 'slack', information: `requests when nothing is new, with threads looked after: ${withThreads}` },
  ];
}

/** Channels that are held whole, page after page. */
async function inOrder(server: Server) {
  const channels = ['one', 'two', 'three', 'four', 'five'];
  for (const channel of channels) {
    await server.obey({ do: 'fill', channel, messages: (PAGES / channels.length) * PAGE });
  }
  const ours = await timeOf(server, { channels, ...plain });
  const bare = await bareTime(server, channels.length);
  return [
    row('ms for 100 pages of 5 channels, with 50 ms latency', ours, PAGES * LATENCY_MS, 1.15),
    { bench: 'slack', information: `ms for the same 100 pages by fetch and JSON.parse alone: ${Math.round(bare)}` },
  ];
}

/** One channel that is more than is held at once. */
async function inWindows(server: Server) {
  await server.obey({ do: 'fill', channel: 'general', messages: PAGES * PAGE });
  const ours = await timeOf(server, { channels: ['general'], ...plain });
  return [row('ms for 100 pages of 1 channel, in windows, the same', ours, PAGES * LATENCY_MS, 1.6)];
}

async function timeOf(server: Server, config: Config): Promise<number> {
  // What is loaded and connected once is no part of it.
  await read(server, { channels: config?.channels, since: new Date(), ...plain });
  await server.obey({ do: 'latency', ms: LATENCY_MS });
  const before = performance.now();
  await read(server, config);
  return performance.now() - before;
}

/** What the machine and the server take for it, whoever asks. Channels have the ids that the server gives in turn. */
async function bareTime(server: Server, channels: number): Promise<number> {
  const { apiUrl, token } = await server.obey({ do: 'nothing' });
  const before = performance.now();
  for (let index = 1; index <= channels; index += 1) {
    const channel = `C${String(index).padStart(9, '0')}`;
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const answer = await fetch(`${apiUrl}conversations.history`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: new URLSearchParams({ channel, limit: String(PAGE), ...(cursor !== '' && { cursor }) }),
      });
      const page = JSON.parse(await answer.text()) as { response_metadata?: { next_cursor?: string } };
      cursor = page.response_metadata?.next_cursor;
    }
  }
  return performance.now() - before;
}

async function memory(server: Server) {
  await server.obey({ do: 'fill', channel: 'general', messages: MEMORY_MESSAGES });
  const config = { channels: ['general'], reread: { windowDays: 1 } };
  await read(server, { ...config, since: new Date() });
  const idle = usedMegabytes();
  const idleResident = residentMegabytes();
  let [most, mostResident] = [0, 0];
  await read(server, config, {
    each: async (count) => {
      if (count % 2_000 !== 0) return;
      await setTimeout(20);
      mostResident = Math.max(mostResident, residentMegabytes());
      if (count % 10_000 === 0) most = Math.max(most, usedMegabytes());
    },
  });
  const resident = `MB of resident memory, garbage included, the same: ${Math.round(mostResident - idleResident)}`;
  return [
    figure('slack', 'MB over idle, 100,000 messages and a slow consumer', most - idle, 60, (most - idle) / 60, 1),
    { bench: 'slack', information: resident },
  ];
}

function row(name: string, ours: number, rival: number, goal: number): Row {
  return figure('slack', name, ours, rival, ours / rival, goal);
}

async function requestsSince(server: Server): Promise<number> {
  return (await server.obey({ do: 'nothing' })).requests;
}

interface Reading {
  cursor?: Cursor;
  each?: (count: number) => Promise<void>;
}

async function read(server: Server, config: Config, { cursor, each }: Reading = {}): Promise<Cursor> {
  const { SlackSource } = await slackSource();
  const { apiUrl, token } = await server.obey({ do: 'nothing' });
  const credentials = { token };
  const source = await SlackSource.create({ id: 'bench', config: { ...config, apiUrl }, credentials, cursor });
  let count = 0;
  for await (const _event of source.generateEvents()) {
    count += 1;
    if (each !== undefined) await each(count);
  }
  return source.getCursor();
}

function usedMegabytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEGABYTE;
}

function residentMegabytes(): number {
  return process.memoryUsage.rss() / MEGABYTE;
}
