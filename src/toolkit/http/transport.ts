import { Socket } from 'node:net';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import { ConfigError } from '../../core/errors.js';
import type { AddressGuard } from './address-guard.js';
import { DEFAULT_DEADLINES, type HttpDeadlines } from './deadlines.js';

export interface TransportOptions {
  dispatcher?: object | undefined;
  deadlines?: Partial<HttpDeadlines> | undefined;
  guard?: AddressGuard | undefined;
}

/** One message as it is sent: nothing is followed, tried again or read here. */
export interface WireRequest {
  url: URL;
  method: string;
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array | undefined;
}

export type WireResponse = Dispatcher.ResponseData;

/** Connections: the host's, or our own, which end with it. */
export class Transport {
  readonly #dispatcher: Dispatcher;
  readonly #own: Agent | undefined;
  readonly #guard: AddressGuard | undefined;
  readonly #connecting = new Set<Socket>();

  constructor({ dispatcher, deadlines, guard }: TransportOptions) {
    this.#guard = guard;
    if (dispatcher === undefined) {
      this.#own = this.#createAgent(deadlines?.connectMs ?? DEFAULT_DEADLINES.connectMs);
      this.#dispatcher = this.#own;
    } else {
      this.#dispatcher = checkedDispatcher(dispatcher);
    }
  }

  /** @throws what undici throws, or what the guard refuses */
  async send(wire: WireRequest, signal: AbortSignal): Promise<WireResponse> {
    this.#guard?.checkHost(wire.url.hostname);
    return request(wire.url, {
      dispatcher: this.#dispatcher,
      method: wire.method as Dispatcher.HttpMethod,
      headers: wire.headers,
      body: wire.body ?? null,
      signal,
      // Deadlines are kept in one place, for dispatchers of all kinds.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async close(): Promise<void> {
    await this.#own?.destroy();
    for (const socket of this.#connecting) socket.destroy();
  }

  #createAgent(connectMs: number): Agent {
    const guard = this.#guard;
    const connect = buildConnector({ timeout: connectMs, ...(guard !== undefined && { lookup: guard.lookup }) });
    return new Agent({
      connect: (options, callback) => {
        const connected: buildConnector.Callback = (...result) => {
          const [error, socket] = result;
          if (error !== null) return callback(error, null);
          this.#connecting.delete(socket);
          if (isRefused(guard, options.hostname, socket, callback)) return;
          callback(null, socket);
        };
        this.#track(connect(options, connected));
      },
    });
  }

  /** undici gives the socket back, which its types keep to themselves; a connection on its way is ended by `close`. */
  #track(socket: unknown): void {
    if (!(socket instanceof Socket)) return;
    this.#connecting.add(socket);
    socket.once('close', () => this.#connecting.delete(socket));
  }
}

/** The last word: the address that a connection was really made to. */
function isRefused(
  guard: AddressGuard | undefined,
  host: string,
  socket: Socket,
  callback: buildConnector.Callback,
): boolean {
  try {
    guard?.checkAddress(host, socket.remoteAddress ?? '');
    return false;
  } catch (error) {
    socket.destroy();
    callback(error as Error, null);
    return true;
  }
}

function checkedDispatcher(dispatcher: object): Dispatcher {
  if (typeof (dispatcher as { dispatch?: unknown }).dispatch === 'function') return dispatcher as Dispatcher;
  const problem = {
    severity: 'error',
    code: 'HTTP_DISPATCHER',
    message: 'dispatcher is no undici Dispatcher: it has no dispatch()',
    fix: 'pass an Agent, ProxyAgent or MockAgent of the package undici 7',
  } as const;
  throw new ConfigError([problem], { code: 'HTTP_DISPATCHER' });
}
