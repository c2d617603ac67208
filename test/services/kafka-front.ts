import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { MockKafka } from './kafka.js';

const API_VERSIONS = 18;
const SASL_HANDSHAKE = 17;
const SASL_AUTHENTICATE = 36;
const UNSUPPORTED_MECHANISM = 33;
const AUTHENTICATION_FAILED = 58;
const ITERATIONS = 4_096;

export interface FrontOptions {
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
  readonly sasl?: { readonly mechanism: 'PLAIN' | 'SCRAM-SHA-512'; readonly user: string; readonly password: string };
}

/**
 * TLS and SASL in front of a cluster that has neither: one broker, which is known to clients by the port of the front.
 * @see https://kafka.apache.org/protocol.html#sasl_handshake
 */
export class KafkaFront {
  /** Connections that were let in. */
  admitted = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #cluster: MockKafka;
  readonly #options: FrontOptions;

  private constructor(cluster: MockKafka, options: FrontOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
    this.#server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket) => this.#join(socket));
  }

  static async before(cluster: MockKafka, options: FrontOptions): Promise<KafkaFront> {
    const front = new KafkaFront(cluster, options);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get brokers(): readonly string[] {
    return [`127.0.0.1:${this.#port}`];
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #join(client: Socket): void {
    const port = Number(this.#cluster.brokers[0]?.split(':')[1]);
    const broker = connect(port, '127.0.0.1');
    this.#sockets.add(client);
    client
      .on('error', () => {})
      .on('close', () => {
        this.#sockets.delete(client);
        broker.destroy();
      });
    broker.on('error', () => {}).on('close', () => client.destroy());
    const login = this.#options.sasl && new Login(this.#options.sasl);
    if (login === undefined) this.admitted += 1;
    const versions = new Set<number>();
    client.on(
      'data',
      eachFrame((frame) => {
        const key = frame.readInt16BE(0);
        if (key === API_VERSIONS) versions.add(frame.readInt32BE(4));
        if (login === undefined || login.isOver || key === API_VERSIONS) return void broker.write(framed(frame));
        const answer = login.answer(key, frame);
        if (answer === undefined) return void client.destroy();
        client.write(framed(Buffer.concat([frame.subarray(4, 8), answer])));
        if (login.isOver) this.admitted += 1;
      }),
    );
    const [there, here] = [placeOf(port), placeOf(this.#port)];
    broker.on(
      'data',
      eachFrame((frame) => {
        const isVersions = versions.delete(frame.readInt32BE(0));
        const known = isVersions && login !== undefined ? withSasl(frame) : frame;
        client.write(framed(replaced(known, there, here)));
      }),
    );
  }
}

/** What a client says to sign in, and what it is answered. */
class Login {
  isOver = false;
  readonly #sasl: NonNullable<FrontOptions['sasl']>;
  #steps: ((said: Buffer) => Buffer | undefined)[];

  constructor(sasl: NonNullable<FrontOptions['sasl']>) {
    this.#sasl = sasl;
    this.#steps = sasl.mechanism === 'PLAIN' ? [this.#plain] : this.#scram();
  }

  /** undefined: that is not for somebody who has not signed in. */
  answer(key: number, frame: Buffer): Buffer | undefined {
    // Behind the name of the client.
    const body = frame.subarray(10 + Math.max(0, frame.readInt16BE(8)));
    if (key === SASL_HANDSHAKE) {
      const mechanism = body.subarray(2).toString();
      const code = mechanism === this.#sasl.mechanism ? 0 : UNSUPPORTED_MECHANISM;
      return Buffer.concat([int16(code), int32(1), text(this.#sasl.mechanism)]);
    }
    if (key !== SASL_AUTHENTICATE) return undefined;
    const said = this.#steps.shift()?.(body.subarray(4));
    if (said === undefined)
      return Buffer.concat([int16(AUTHENTICATION_FAILED), text('Authentication failed'), int32(0)]);
    this.isOver = this.#steps.length === 0;
    return Buffer.concat([int16(0), int16(-1), int32(said.length), said]);
  }

  /** @see https://www.rfc-editor.org/rfc/rfc4616 */
  readonly #plain = (said: Buffer): Buffer | undefined => {
    const [, user, password] = said.toString().split('\0');
    return user === this.#sasl.user && password === this.#sasl.password ? Buffer.alloc(0) : undefined;
  };

  /** @see https://www.rfc-editor.org/rfc/rfc5802 */
  #scram(): ((said: Buffer) => Buffer | undefined)[] {
    const { user, password } = this.#sasl;
    const salt = randomBytes(16);
    let first = '';
    let challenge = '';
    return [
      (said) => {
        first = said.toString().replace(/^n,,/, '');
        const { n, r } = attributes(first);
        if (n !== user) return undefined;
        challenge = `r=${r}${randomBytes(8).toString('hex')},s=${salt.toString('base64')},i=${ITERATIONS}`;
        return Buffer.from(challenge);
      },
      (said) => {
        const { p = '', ...rest } = attributes(said.toString());
        const unproven = `c=${rest['c']},r=${rest['r']}`;
        const salted = pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512');
        const clientKey = hmac(salted, 'Client Key');
        const message = `${first},${challenge},${unproven}`;
        const signature = hmac(createHash('sha512').update(clientKey).digest(), message);
        const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
        if (p !== Buffer.from(proof).toString('base64')) return undefined;
        return Buffer.from(`v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`);
      },
    ];
  }
}

function attributes(said: string): Record<string, string> {
  return Object.fromEntries(said.split(',').map((each) => [each.slice(0, 1), each.slice(2)]));
}

function hmac(key: Buffer, message: string): Buffer {
  return createHmac('sha512', key).update(message).digest();
}

/** The answer to ApiVersions, with the two that the cluster does not have: keys, then the least and the highest version. */
function withSasl(frame: Buffer): Buffer {
  const count = frame.readInt32BE(6);
  const end = 10 + 6 * count;
  const added = [SASL_HANDSHAKE, 0, 1, SASL_AUTHENTICATE, 0, 0].map(int16);
  return Buffer.concat([
    frame.subarray(0, 6),
    int32(count + 2),
    frame.subarray(10, end),
    ...added,
    frame.subarray(end),
  ]);
}

/** How an answer says where a broker is. */
function placeOf(port: number): Buffer {
  return Buffer.concat([text('127.0.0.1'), int32(port)]);
}

function replaced(frame: Buffer, from: Buffer, to: Buffer): Buffer {
  for (let at = frame.indexOf(from); at >= 0; at = frame.indexOf(from, at + 1)) to.copy(frame, at);
  return frame;
}

/** Calls for each whole frame, without its length. */
function eachFrame(take: (frame: Buffer) => void): (bytes: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  return (bytes) => {
    held = Buffer.concat([held, bytes]);
    while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
      const end = 4 + held.readInt32BE(0);
      const frame = held.subarray(4, end);
      held = held.subarray(end);
      take(frame);
    }
  };
}

function framed(frame: Buffer): Buffer {
  return Buffer.concat([int32(frame.length), frame]);
}

function text(value: string): Buffer {
  return Buffer.concat([int16(value.length), Buffer.from(value)]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
