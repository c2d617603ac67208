import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ServerConfig } from './config.js';

/** Where a source listens. */
export interface WebhookAddress {
  readonly protocol: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

export interface ServerHooks {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** A connection was closed without an answer, and why. */
  drop(reason: string): void;
}

/** How often Node looks for requests that take too long. */
const CHECK_MS = 1_000;
const MAX_HEADER_BYTES = 16_384;
/** How long the other end may take to hear the last answers. */
const FLUSH_MS = 500;

/** A server that serves good senders while others say nothing, say it slowly, or say too much. */
export class WebhookServer {
  readonly address: WebhookAddress;
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;

  /** @throws the error of the system when it cannot be listened there. */
  static async listen(config: ServerConfig, bodyTimeoutMs: number, hooks: ServerHooks): Promise<WebhookServer> {
    const server = await createServerFor(config, bodyTimeoutMs);
    server.maxConnections = config.maxConnections;
    const sockets = watchConnections(server, config, hooks);
    server.on('request', (request, response) => {
      hooks.handle(request, response);
    });
    server.on('clientError', refuse);
    server.listen({ host: config.host, port: config.port, exclusive: true, backlog: 1_024 });
    await once(server, 'listening');
    server.on('error', () => hooks.drop('socket-error'));
    const { address, port } = server.address() as AddressInfo;
    const protocol = config.tls === undefined ? 'http' : 'https';
    return new WebhookServer(server, sockets, { protocol, host: address, port });
  }

  private constructor(server: Server, sockets: ReadonlySet<Socket>, address: WebhookAddress) {
    this.#server = server;
    this.#sockets = sockets;
    this.address = address;
  }

  /** Takes no new connections, and lets those end that nothing is asked of. */
  stopListening(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Cuts what is still connected, behind the answers that are on their way; resolves when nothing is open any more. */
  async close(): Promise<void> {
    this.stopListening();
    const open = [...this.#sockets];
    const closed = Promise.all(open.map((socket) => new Promise<void>((resolve) => socket.once('close', resolve))));
    for (const socket of open) socket.destroySoon();
    const late = setTimeout(() => {
      for (const socket of open) socket.destroy();
    }, FLUSH_MS);
    await closed;
    clearTimeout(late);
  }
}

async function createServerFor(config: ServerConfig, bodyTimeoutMs: number): Promise<Server> {
  const options = {
    headersTimeout: config.headersTimeoutMs,
    requestTimeout: config.headersTimeoutMs + bodyTimeoutMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAlive: true,
  };
  if (config.tls === undefined) return createServer(options);
  const { certFile, keyFile, clientCaFile } = config.tls;
  const [cert, key, ca] = await Promise.all([
    readFile(certFile),
    readFile(keyFile),
    clientCaFile === undefined ? undefined : readFile(clientCaFile),
  ]);
  const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  return createTlsServer({ ...options, cert, key, ...clients });
}

/**
 * Every connection that is open. Of those that have not sent the head of a request yet, only so many are kept: the oldest
 * makes room for a new one, so that no crowd of silent ones can keep a sender out.
 */
function watchConnections(server: Server, config: ServerConfig, hooks: ServerHooks): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  // By the other end: with TLS, the socket of a request is another than that of its connection.
  const silent = new Map<string, Socket>();
  server.on('connection', (socket: Socket) => {
    const key = endOf(socket);
    sockets.add(socket);
    silent.set(key, socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (silent.get(key) === socket) silent.delete(key);
    });
    if (silent.size > config.maxSilentConnections) closeOldest(silent, hooks);
  });
  // Where there is TLS, the socket that answers are written to.
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('drop', () => hooks.drop('connections'));
  server.on('tlsClientError', () => hooks.drop('tls-handshake'));
  server.on('request', ({ socket }: IncomingMessage) => {
    if (silent.size > 0) silent.delete(endOf(socket));
  });
  return sockets;
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function closeOldest(silent: Map<string, Socket>, hooks: ServerHooks): void {
  for (const [key, socket] of silent) {
    silent.delete(key);
    socket.destroy();
    return hooks.drop('silent-connection');
  }
}

const STATUS_LINES: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** What cannot be understood as HTTP, or took too long. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const status = STATUS_LINES[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
