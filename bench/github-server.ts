import { GithubServer } from '../test/services/github/server.js';
import { serve } from './served.js';

/** What the bench asks of the server, which has a process of its own so that its memory and time are not ours. */
export type Order =
  | { do: 'fill'; repository: string; issues: number; pulls: number }
  | { do: 'change'; repository: string }
  | { do: 'latency'; ms: number }
  | { do: 'forget' };

export interface Reply {
  url: string;
  token: string;
  billed: number;
  byRoute: Readonly<Record<string, number>>;
}

const server = await GithubServer.start({ clock: { now: () => Date.now() }, checkAnswers: false });
const token = server.personalToken({ hourlyLimit: 1_000_000 });

function obey(order: Order): void {
  if (order.do === 'latency') server.settings.latencyMs = order.ms;
  if (order.do === 'forget') server.forgetRequests();
  if (order.do === 'fill') {
    const repository = server.repository(order.repository);
    repository.issues(order.issues);
    repository.pulls(order.pulls);
  }
  if (order.do === 'change') {
    const repository = server.repository(order.repository);
    repository.issue();
    repository.pull();
  }
}

serve((order: Order): Reply => {
  obey(order);
  const { billed, byRoute } = server.counts;
  return { url: server.url, token, billed, byRoute };
});
