import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { plainAddress } from '../../../toolkit/allow-list.js';
import { removeStaleSocket } from '../../../toolkit/receive/stale-socket.js';
import type { ListenerConfig, SyslogConfig } from './config.js';
import type { Connections } from './connections.js';
import type { SyslogSender } from './events.js';
import type { Listener, Receiver, SyslogAddress } from './receiver.js';

/** Tells of senders that are gone without a word. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 60_000 };

type StreamConfig = Exclude<ListenerConfig, { transport: 'udp' }>;

/** Listens for connections: TCP, TLS (RFC 5425), and stream sockets of the file system. */
export async function listenToConnections(
  where: StreamConfig,
  config: SyslogConfig,
  receiver: Receiver,
  connections: Connections,
): Promise<Listener> {
  const take = (socket: Socket): void => connections.take(socket, senderOf(socket, where.transport));
  const server = await createServerFor(where, take);
  const own = new Set<Socket>();
  // Before any handshake: for TLS these are the sockets below.
  server.on('connection', (socket: Socket) => {
    own.add(socket);
    socket.once('close', () => own.delete(socket));
  });
  server.maxConnections = config.maxConnections;
  server.on('drop', () => receiver.drop('connections'));
  server.on('tlsClientError', () => receiver.drop('tls-handshake'));
  if (where.transport === 'unix') await removeStaleSocket(where.path);
  server.listen(optionsFor(where));
  await once(server, 'listening');
  server.on('error', () => receiver.drop('socket-error'));
  return { address: addressOf(server, where), close: () => close(server, own) };
}

function optionsFor(where: StreamConfig): ListenOptions {
  return where.transport === 'unix' ? { path: where.path } : { host: where.host, port: where.port, exclusive: true };
}

async function createServerFor(where: StreamConfig, take: (socket: Socket) => void): Promise<Server> {
  if (where.transport !== 'tls') return createServer(KEEP_ALIVE, take);
  const { certFile, keyFile, clientCaFile } = where;
  const [cert, key, ca] = await Promise.all([
    readFile(certFile),
    readFile(keyFile),
    clientCaFile === undefined ? undefined : readFile(clientCaFile),
  ]);
  const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  return createTlsServer({ cert, key, ...clients, ...KEEP_ALIVE }, take);
}

function senderOf(socket: Socket, transport: StreamConfig['transport']): SyslogSender {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return { transport };
  return { transport, remote: { address: plainAddress(remoteAddress), port: remotePort } };
}

function addressOf(server: Server, where: StreamConfig): SyslogAddress {
  if (where.transport === 'unix') return { transport: 'unix', path: where.path };
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no address');
  return { transport: where.transport, host: address.address, port: address.port };
}

async function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
}
