import type { Socket } from 'node:net';
import { type Address, type Client, connectReplication } from '../client.js';
import type { Row } from '../engine/engine.js';
import { formatLsn, type Lsn } from './lsn.js';
import { decodeMessage, type Message } from './pgoutput.js';

/** Everything before it was sent. */
export interface Reached {
  readonly kind: 'reached';
  readonly end: Lsn;
}

export type Received = Message | Reached;

/** The part of `pg` that carries a stream, which its types leave out. */
interface Wire {
  readonly stream: Socket;
  on(event: 'copyData', listener: (message: { chunk: Buffer }) => void): void;
  once(event: 'replicationStart', listener: () => void): void;
  sendCopyFromChunk(chunk: Buffer): void;
}

/** Bytes that wait for the consumer before no more is taken from the server. */
const MOST_BYTES = 4 << 20;
const STATUS_BYTES = 34;
const DATA = 119;
const KEEPALIVE = 107;
const HEADER_BYTES = 25;
const EPOCH_MS = 946_684_800_000;
const CLOSE_MS = 1_000;

export interface StreamOptions {
  readonly slot: string;
  readonly publication: string;
  readonly from: Lsn;
  /** How often the server hears of us, whatever the consumer does. */
  readonly statusMs: number;
  /** What it hears. */
  readonly confirmed: () => Lsn;
}

/**
 * A connection in replication mode: commands, then a stream.
 *
 * @see https://www.postgresql.org/docs/current/protocol-replication.html
 */
export class ReplicationConnection {
  readonly #client: Client;
  readonly #wire: Wire;
  #received: Received[] = [];
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #confirmed: (() => Lsn) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosing = false;

  static async open(address: Address): Promise<ReplicationConnection> {
    const client = await connectReplication(address);
    const connection = new ReplicationConnection(client);
    try {
      await client.connect();
      await client.query(SETTINGS);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  private constructor(client: Client) {
    this.#client = client;
    this.#wire = (client as unknown as { connection: Wire }).connection;
    client.on('error', (error) => this.#fail(error));
    client.on('end', () => this.#fail(new Error('Connection terminated')));
  }

  async command(sql: string): Promise<readonly Row[]> {
    const { rows } = await this.#client.query<Row>(sql);
    return rows;
  }

  /** Resolves when the server sends; nothing but the stream goes over the connection from then on. */
  async start(options: StreamOptions): Promise<void> {
    const { slot, publication, from, statusMs, confirmed } = options;
    const started = new Promise<void>((resolve) => this.#wire.once('replicationStart', resolve));
    this.#wire.on('copyData', ({ chunk }) => this.#receive(chunk));
    const ended = this.#client
      .query(
        `START_REPLICATION SLOT ${identifier(slot)} LOGICAL ${formatLsn(from)} ` +
          `(proto_version '1', publication_names ${literal(identifier(publication))})`,
      )
      .then(() => {
        throw new Error('Connection terminated: the server ended the stream');
      });
    ended.catch((error: unknown) => this.#fail(error));
    await Promise.race([started, ended]);
    this.#confirmed = confirmed;
    this.#timer = setInterval(() => this.ping(), statusMs);
    this.ping();
  }

  /** What was received since, in order; waits until there is something. @throws what ended the connection */
  async take(signal: AbortSignal): Promise<readonly Received[]> {
    while (this.#received.length === 0) {
      signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#somethingHappens(signal);
    }
    const received = this.#received;
    this.#received = [];
    this.#bytes = 0;
    this.#wire.stream.resume();
    return received;
  }

  /** Whether nothing waits to be taken. */
  get isEmpty(): boolean {
    return this.#received.length === 0;
  }

  /** Says what is confirmed, and asks how far the server is. */
  ping(): void {
    this.#sendStatus(true);
  }

  /** Lets go of the slot: says what is confirmed, and waits a moment until the server has ended. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    clearInterval(this.#timer);
    const { stream } = this.#wire;
    if (this.#confirmed !== undefined && this.#failure === undefined) {
      const closed = new Promise<void>((resolve) => stream.once('close', resolve));
      this.#sendStatus(false);
      stream.end();
      stream.resume();
      await within(closed, CLOSE_MS);
    }
    stream.destroy();
    await within(
      this.#client.end().catch(() => {}),
      CLOSE_MS,
    );
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosing) return;
    try {
      this.#decode(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** At once: the bytes belong to the driver, which uses them again. */
  #decode(chunk: Buffer): void {
    const [kind] = chunk;
    if (kind === DATA) {
      const message = decodeMessage(chunk, HEADER_BYTES);
      if (message === undefined) return;
      this.#received.push(message);
      this.#bytes += chunk.length;
      if (this.#bytes > MOST_BYTES) this.#wire.stream.pause();
    } else if (kind === KEEPALIVE) {
      this.#received.push({ kind: 'reached', end: chunk.readBigUInt64BE(1) });
      if (chunk[17] === 1) this.#sendStatus(false);
    } else {
      throw new RangeError(`no message of a replication stream begins with ${kind}`);
    }
    this.#wake?.();
  }

  #sendStatus(asksForReply: boolean): void {
    if (this.#confirmed === undefined || this.#failure !== undefined) return;
    const status = Buffer.alloc(STATUS_BYTES);
    status.write('r', 0, 'latin1');
    const lsn = this.#confirmed();
    // Written, flushed, applied: what is not confirmed is none of them.
    for (const at of [1, 9, 17]) status.writeBigUInt64BE(lsn, at);
    status.writeBigInt64BE(BigInt(Date.now() - EPOCH_MS) * 1_000n, 25);
    status[33] = asksForReply ? 1 : 0;
    this.#wire.sendCopyFromChunk(status);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    clearInterval(this.#timer);
    this.#wake?.();
  }

  async #somethingHappens(signal: AbortSignal): Promise<void> {
    let onAbort = (): void => {};
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      onAbort = resolve;
      signal.addEventListener('abort', onAbort, { once: true });
    });
    signal.removeEventListener('abort', onAbort);
    this.#wake = undefined;
  }
}

/** Values are sent as the rest of the source reads them. @see https://www.postgresql.org/docs/current/runtime-config-client.html */
const SETTINGS = [
  'TimeZone = UTC',
  "DateStyle = 'ISO, YMD'",
  'IntervalStyle = postgres',
  'extra_float_digits = 1',
  "lc_monetary = 'C'",
  'bytea_output = hex',
  'statement_timeout = 0',
]
  .map((setting) => `SET ${setting}`)
  .join('; ');

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function within(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
