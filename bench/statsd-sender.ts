import { createSocket } from 'node:dgram';
import { setTimeout } from 'node:timers/promises';
import { serve } from './served.js';

export interface StatsdOrder {
  readonly port: number;
  readonly packets: number;
  readonly lines: number;
}

export interface StatsdReply {
  readonly sent: number;
}

const socket = createSocket('udp4');
/** So many, then a breath: what a receiver cannot take is lost, and would make it look fast. */
const AT_ONCE = 200;
const PAUSE_MS = 4;

function packet(number: number, lines: number): string {
  const kinds = [
    `requests.count:1|c`,
    `requests.time:${number % 500}|ms`,
    `queue.depth:${number % 50}|g`,
    `cache.hits:1|c|@0.5`,
  ];
  return Array.from({ length: lines }, (_, line) => kinds[(number + line) % kinds.length]).join('\n');
}

serve<StatsdOrder, StatsdReply>(async ({ port, packets, lines }) => {
  for (let number = 0; number < packets; number += 1) {
    await new Promise((resolve) => socket.send(packet(number, lines), port, '127.0.0.1', resolve));
    if (number % AT_ONCE === 0) await setTimeout(PAUSE_MS);
  }
  // What is on its way is taken.
  await setTimeout(50);
  return { sent: packets };
});
