import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { serve } from './served.js';

/** So many requests, all alike but for the id of the delivery, over so many connections that are kept open. */
export interface LoadOrder {
  readonly port: number;
  readonly path: string;
  readonly requests: number;
  readonly connections: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface LoadReply {
  /** How many were answered with each status. */
  readonly statuses: Readonly<Record<string, number>>;
}

let deliveries = 0;

serve<LoadOrder, Promise<LoadReply>>(async (order) => {
  const statuses: Record<string, number> = {};
  let left = order.requests;
  const head = [
    `POST ${order.path} HTTP/1.1`,
    'Host: localhost',
    ...Object.entries(order.headers).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(order.body)}`,
  ].join('\r\n');
  const next = (): string | undefined => {
    if (left === 0) return undefined;
    left -= 1;
    deliveries += 1;
    return `${head}\r\nX-GitHub-Delivery: ${process.pid}-${deliveries}\r\n\r\n${order.body}`;
  };
  await Promise.all(Array.from({ length: order.connections }, () => converse(order.port, next, statuses)));
  return { statuses };
});

/** One request after another, until there are no more. */
async function converse(port: number, next: () => string | undefined, statuses: Record<string, number>): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  for (let request = next(); request !== undefined; request = next()) {
    const status = await exchange(socket, request);
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  socket.destroy();
}

function exchange(socket: Socket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      socket.off('data', onData).off('close', onClose);
      resolve(text.slice(9, 12));
    };
    const onClose = (): void => reject(new Error(`the connection was closed: ${text}`));
    socket.on('data', onData).on('close', onClose).write(request);
  });
}
