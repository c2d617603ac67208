import { setTimeout } from 'node:timers/promises';
import { SlackServer } from '../test/services/slack/slack-server.js';
import { serve } from './served.js';

export type SlackOrder =
  /** A channel with so many messages, one a minute, the last a month ago. */
  { do: 'fill'; channel: string; messages: number } | { do: 'latency'; ms: number } | { do: 'nothing' };

export interface SlackReply {
  apiUrl: string;
  token: string;
  /** Requests since the last order. */
  requests: number;
}

const MINUTE_MS = 60_000;
const MONTH_MS = 30 * 86_400_000;

const server = await SlackServer.start();

function fill(name: string, count: number): void {
  const from = Date.now() - MONTH_MS - count * MINUTE_MS;
  server.now = () => from;
  const channel = server.workspace.channel(name);
  channel.fill(count, {
    from,
    everyMs: MINUTE_MS,
    text: (index) => `message ${index} ${'of some length '.repeat(12)}`,
  });
  server.now = Date.now;
}

serve<SlackOrder, SlackReply>((order) => {
  const requests = server.calls.length;
  server.calls.length = 0;
  if (order.do === 'fill') fill(order.channel, order.messages);
  if (order.do === 'latency') server.beforeEach('*', () => setTimeout(order.ms));
  return { apiUrl: server.url, token: server.token, requests };
});
