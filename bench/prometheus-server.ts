import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from './served.js';

export interface PrometheusOrder {
  readonly series: number;
  readonly now: number;
}

export interface PrometheusReply {
  readonly url: string;
}

let series = 0;
let now = 0;

/** A matrix of so many series, with a sample at each step. */
export function matrix(count: number, { from, to, step }: { from: number; to: number; step: number }): string {
  const values: string[] = [];
  for (let at = from; at <= to; at += step) values.push(`[${at},"${(at % 977) / 10}"]`);
  const text = values.join(',');
  const result = Array.from({ length: count }, (_, host) => {
    const metric = JSON.stringify({ __name__: 'load', host: `host-${host}`, job: 'node' });
    return `{"metric":${metric},"values":[${text}]}`;
  });
  return `{"status":"success","data":{"resultType":"matrix","result":[${result.join(',')}]}}`;
}

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://localhost');
  const [from = 0, to = 0, step = 1] = ['start', 'end', 'step'].map((name) => Number(searchParams.get(name)));
  const time = `{"status":"success","data":{"resultType":"scalar","result":[${now},"${now}"]}}`;
  response.setHeader('content-type', 'application/json');
  response.end(to === 0 ? time : matrix(series, { from, to, step }));
});

serve<PrometheusOrder, PrometheusReply>(async (order) => {
  series = order.series;
  now = order.now;
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
});
