import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { plainAddress } from '../../../toolkit/allow-list.js';
import type { ListenerConfig, SyslogConfig } from './config.js';
import type { Listener, Receiver } from './receiver.js';

/** Listens for datagrams: one message each, RFC 5426. */
export async function listenToDatagrams(
  { host, port }: Extract<ListenerConfig, { transport: 'udp' }>,
  { maxMessageBytes, receiveBufferBytes }: SyslogConfig,
  receiver: Receiver,
): Promise<Listener> {
  const options = receiveBufferBytes === undefined ? {} : { recvBufferSize: receiveBufferBytes };
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', ...options });
  socket.on('message', (bytes, from) => {
    const sender = { transport: 'udp', remote: remoteOf(from) } as const;
    if (!receiver.allows(sender.remote.address)) return;
    receiver.receive(bytes.subarray(0, maxMessageBytes), sender, bytes.length > maxMessageBytes);
  });
  try {
    socket.bind({ address: host, port, exclusive: true });
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  // What the system tells of single datagrams afterwards (ICMP) does not end the listening.
  socket.on('error', () => receiver.drop('socket-error'));
  const { address, port: actualPort } = socket.address();
  return { address: { transport: 'udp', host: address, port: actualPort }, close: () => close(socket) };
}

function remoteOf({ address, port }: RemoteInfo): { address: string; port: number } {
  return { address: plainAddress(address), port };
}

async function close(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}
