import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { plainAddress } from '../allow-list.js';
import type { Listener } from '../listening.js';

/** Where datagrams come from. */
export interface RemoteAddress {
  readonly address: string;
  readonly port: number;
}

/** Where datagrams are listened for. */
export interface UdpAddress {
  readonly transport: 'udp';
  readonly host: string;
  readonly port: number;
}

/** What is done with datagrams. */
export interface DatagramReceiver {
  /** The bytes may change afterwards. `isCut`: it was longer than `maxBytes`. */
  receive(bytes: Buffer, remote: RemoteAddress, isCut: boolean): void;
  /** Whether somebody may send; whoever may not was counted. */
  allows(address: string): boolean;
  drop(reason: string): void;
}

export interface DatagramLimits {
  readonly maxBytes: number;
  /** Of the system's buffer. Default: the system's. */
  readonly receiveBufferBytes?: number | undefined;
}

/** Listens for datagrams of UDP. */
export async function listenToDatagrams(
  { host, port }: { readonly host: string; readonly port: number },
  { maxBytes, receiveBufferBytes }: DatagramLimits,
  receiver: DatagramReceiver,
): Promise<Listener<UdpAddress>> {
  const options = receiveBufferBytes === undefined ? {} : { recvBufferSize: receiveBufferBytes };
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', ...options });
  socket.on('message', (bytes, from) => {
    const remote = remoteOf(from);
    if (!receiver.allows(remote.address)) return;
    receiver.receive(bytes.subarray(0, maxBytes), remote, bytes.length > maxBytes);
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

function remoteOf({ address, port }: RemoteInfo): RemoteAddress {
  return { address: plainAddress(address), port };
}

async function close(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}
