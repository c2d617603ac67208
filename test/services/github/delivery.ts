import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Delivery, RawAnswer } from './faults.js';

const WITHOUT_BODY = [204, 304];

/** Sends an answer. Settles when it is out, the client is gone, or `signal` ends the server. */
export async function deliver(
  response: ServerResponse,
  answer: RawAnswer,
  { delivery, gzip, signal }: { delivery: Delivery; gzip: boolean; signal: AbortSignal },
): Promise<void> {
  const bytes = gzip ? gzipSync(answer.text, { level: 1 }) : Buffer.from(answer.text);
  if (delivery.kind === 'reset') return reset(response);
  if (delivery.kind === 'hang') return;
  if (delivery.kind === 'slow') await wait(delivery.ms, undefined, { signal });
  if (response.destroyed) return;

  const length = { 'content-length': String(bytes.length), ...(gzip && { 'content-encoding': 'gzip' }) };
  response.writeHead(answer.status, { ...answer.headers, ...(WITHOUT_BODY.includes(answer.status) ? {} : length) });
  if (delivery.kind === 'cut') {
    response.write(bytes.subarray(0, bytes.length / 2), () => reset(response));
  } else if (delivery.kind === 'dribble') {
    for (let start = 0; start < bytes.length && !response.destroyed; start += delivery.bytes) {
      response.write(bytes.subarray(start, start + delivery.bytes));
      await wait(delivery.everyMs, undefined, { signal });
    }
    response.end();
  } else {
    response.end(bytes);
  }
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}
