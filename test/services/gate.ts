import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What a gate says in the place of the server: bytes, or nothing to close the connection. */
export type Refusal = (sent: Buffer) => Buffer | undefined;

/** Between a client and a real server: counts, cuts, swallows, and answers in its place. */
export class Gate {
  /** Pieces of what clients sent: about one for each request. */
  requests = 0;
  /** Bytes that went to clients. */
  bytes = 0;
  #cutAt: number | undefined;
  #refuseAt: number | undefined;
  #isHanging = false;
  #isShut = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #refuse: Refusal;

  private constructor(server: Server, port: number, refuse: Refusal) {
    this.#server = server;
    this.#refuse = refuse;
    server.on('connection', (client) => this.#join(client, port));
  }

  static async to(port: number, refuse: Refusal = () => undefined): Promise<Gate> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Gate(server, port, refuse);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Clients that are connected. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Cuts the connection at the request after so many more, once. */
  cut(after = 0): void {
    this.#cutAt = this.requests + after;
  }

  /** Refuses the request after so many more, and all that follow it. */
  refuse(after = 0): void {
    this.#refuseAt = this.requests + after;
  }

  /** From now on nothing is passed on, in either direction. */
  hang(): void {
    this.#isHanging = true;
  }

  /** Cuts everything and lets nobody in, until it is opened. */
  shut(): void {
    this.#isShut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  open(): void {
    this.#isShut = false;
  }

  /** Says something to all clients in the place of the server. */
  inject(bytes: Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, port: number): void {
    if (this.#isShut) return void client.destroy();
    const server = connect(port, '127.0.0.1');
    this.#sockets.add(client);
    client
      .on('error', () => {})
      .on('close', () => {
        this.#sockets.delete(client);
        server.destroy();
      });
    server.on('error', () => {}).on('close', () => client.destroy());
    client.on('data', (bytes) => this.#pass(bytes, client, server));
    server.on('data', (bytes) => {
      if (this.#isHanging) return;
      this.bytes += bytes.length;
      if (client.write(bytes)) return;
      server.pause();
      client.once('drain', () => server.resume());
    });
  }

  #pass(bytes: Buffer, client: Socket, server: Socket): void {
    const request = this.requests;
    this.requests += 1;
    if (this.#isHanging) return;
    if (this.#cutAt === request) {
      this.#cutAt = undefined;
      client.destroy();
    } else if (this.#refuseAt !== undefined && request >= this.#refuseAt) {
      const answer = this.#refuse(bytes);
      if (answer === undefined) client.destroy();
      else client.write(answer);
    } else server.write(bytes);
  }
}
