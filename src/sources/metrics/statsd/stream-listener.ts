import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { plainAddress } from '../../../toolkit/allow-list.js';
import type { Listener } from '../../../toolkit/listening.js';
import { removeStaleSocket } from '../../../toolkit/receive/stale-socket.js';
import type { StatsdConfig, StatsdListener } from './config.js';

/** Where it listens. */
export type StatsdAddress =
  | { readonly transport: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly transport: 'unix'; readonly path: string };

/** What is done with what comes. */
export interface StatsdReceiver {
  /** Whole lines, without the last line feed. `mayWait`: their sender can be held back, see `room`. */
  receive(text: string, mayWait: boolean): void;
  /** Resolves when there is room for more. */
  room(): Promise<void>;
  drop(reason: string): void;
  allows(address: string): boolean;
}

type StreamConfig = Exclude<StatsdListener, { transport: 'udp' }>;

/** Listens for connections, each with lines as they come, however they are cut into packets. */
export async function listenToLines(
  where: StreamConfig,
  { maxPacketBytes, maxConnections }: Pick<StatsdConfig, 'maxPacketBytes' | 'maxConnections'>,
  receiver: StatsdReceiver,
): Promise<Listener<StatsdAddress>> {
  const sockets = new Set<Socket>();
  const server = createServer({ keepAlive: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    const { remoteAddress } = socket;
    if (remoteAddress !== undefined && !receiver.allows(plainAddress(remoteAddress))) return void socket.destroy();
    void read(socket, maxPacketBytes, receiver);
  });
  server.maxConnections = maxConnections;
  server.on('drop', () => receiver.drop('connections'));
  if (where.transport === 'unix') await removeStaleSocket(where.path);
  server.listen(
    where.transport === 'unix' ? { path: where.path } : { host: where.host, port: where.port, exclusive: true },
  );
  await once(server, 'listening');
  server.on('error', () => receiver.drop('socket-error'));
  const address = server.address();
  const own: StatsdAddress =
    where.transport === 'unix' || address === null || typeof address === 'string'
      ? { transport: 'unix', path: where.transport === 'unix' ? where.path : String(address) }
      : { transport: 'tcp', host: address.address, port: address.port };
  return {
    address: own,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Never rejects: a connection that is cut, by one end or the other, is over. */
async function read(socket: Socket, maxBytes: number, receiver: StatsdReceiver): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      rest += decoder.decode(chunk, { stream: true });
      const end = rest.lastIndexOf('\n');
      if (end >= 0) {
        for (const line of rest.slice(0, end).split('\n')) {
          receiver.receive(line, true);
          await receiver.room();
        }
        rest = rest.slice(end + 1);
      }
      if (rest.length > maxBytes) {
        receiver.drop('line-too-long');
        return void socket.destroy();
      }
    }
    if (rest !== '') receiver.receive(rest, true);
  } catch {
    socket.destroy();
  }
}
