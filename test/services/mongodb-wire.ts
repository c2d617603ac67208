import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { BSON } from 'mongodb';

export type Command = Record<string, unknown>;
/** What a command is answered with; undefined: the connection is cut. */
export type Answer = (command: Command) => Promise<Command | undefined> | Command | undefined;

const HEADER = 16;
const OP_REPLY = 1;
const OP_QUERY = 2_004;
const OP_MSG = 2_013;
/** Flags and the kind of a section: no document begins before that. */
const MSG_BODY = HEADER + 5;
const MSG_FLAGS = 4;

/**
 * The protocol of MongoDB, as a server: commands come in, answers go out.
 * @see https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
 */
export class WireServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(answer: Answer): Promise<WireServer> {
    const server = createServer();
    const wire = new WireServer(server);
    server.on('connection', (socket) => wire.#serve(socket, answer));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket, answer: Answer): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    let bytes = Buffer.alloc(0);
    socket.on('data', (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      for (;;) {
        const length = bytes.length < 4 ? Number.POSITIVE_INFINITY : bytes.readInt32LE(0);
        if (bytes.length < length) return;
        const message = bytes.subarray(0, length);
        bytes = bytes.subarray(length);
        void reply(socket, message, answer);
      }
    });
  }
}

async function reply(socket: Socket, message: Buffer, answer: Answer): Promise<void> {
  const isQuery = message.readInt32LE(12) === OP_QUERY;
  const command = isQuery ? queryOf(message) : messageOf(message);
  const answered = await answer(command);
  if (answered === undefined) return void socket.destroy();
  if (socket.destroyed) return;
  const document = Buffer.from(BSON.serialize(answered));
  const to = message.readInt32LE(4);
  socket.write(isQuery ? queryReply(document, to) : messageReply(document, to));
}

/** Only the first greeting comes so. */
function queryOf(message: Buffer): Command {
  const name = message.indexOf(0, HEADER + 4);
  return BSON.deserialize(message.subarray(name + 1 + 8)) as Command;
}

/** The document of the command, and the sequences beside it under their names. */
function messageOf(message: Buffer): Command {
  let at = HEADER + MSG_FLAGS;
  let command: Command = {};
  while (at < message.length) {
    const kind = message[at];
    at += 1;
    const size = message.readInt32LE(at);
    if (kind === 0)
      command = { ...command, ...BSON.deserialize(message.subarray(at, at + size), { promoteLongs: false }) };
    at += size;
  }
  return command;
}

function messageReply(document: Buffer, to: number): Buffer {
  const head = Buffer.alloc(MSG_BODY);
  writeHeader(head, MSG_BODY + document.length, to, OP_MSG);
  return Buffer.concat([head, document]);
}

function queryReply(document: Buffer, to: number): Buffer {
  const head = Buffer.alloc(HEADER + 20);
  writeHeader(head, head.length + document.length, to, OP_REPLY);
  head.writeInt32LE(8, HEADER);
  head.writeInt32LE(1, HEADER + 16);
  return Buffer.concat([head, document]);
}

function writeHeader(head: Buffer, length: number, to: number, code: number): void {
  head.writeInt32LE(length, 0);
  head.writeInt32LE(1, 4);
  head.writeInt32LE(to, 8);
  head.writeInt32LE(code, 12);
}
