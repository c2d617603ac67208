import type { Socket } from 'node:net';
import type { SyslogConfig } from './config.js';
import type { SyslogSender } from './events.js';
import { FrameDecoder, FrameError } from './frame-decoder.js';
import type { Receiver } from './receiver.js';

/** The connections of all listeners, each read as fast as its messages are taken. */
export class Connections {
  readonly #config: SyslogConfig;
  readonly #receiver: Receiver;
  #count = 0;

  constructor(config: SyslogConfig, receiver: Receiver) {
    this.#config = config;
    this.#receiver = receiver;
  }

  take(socket: Socket, sender: SyslogSender): void {
    // What goes wrong with a connection ends it; that is told by its end.
    socket.on('error', () => {});
    if (sender.remote !== undefined && !this.#receiver.allows(sender.remote.address)) return void socket.destroy();
    if (this.#count >= this.#config.maxConnections) {
      this.#receiver.drop('connections');
      return void socket.destroy();
    }
    this.#count += 1;
    const connection = new Connection(socket, sender, this.#config, this.#receiver);
    // One that was cut counts for as long as a message of its own waits for room.
    void connection.run().finally(() => {
      this.#count -= 1;
    });
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #sender: SyslogSender;
  readonly #receiver: Receiver;
  readonly #frames: FrameDecoder;
  /** Whether it is this end that does not read: then the sender is not idle. */
  #isHeldBack = false;

  constructor(socket: Socket, sender: SyslogSender, config: SyslogConfig, receiver: Receiver) {
    this.#socket = socket;
    this.#sender = sender;
    this.#receiver = receiver;
    this.#frames = new FrameDecoder(config.maxMessageBytes);
    if (config.idleTimeoutMs !== undefined) {
      socket.setTimeout(config.idleTimeoutMs, () => {
        if (!this.#isHeldBack) socket.destroy();
      });
    }
  }

  /** Never rejects. While a message waits for room nothing is read, and the sender is held back by the system. */
  async run(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      if (error instanceof FrameError) await this.#receiver.fail('SYSLOG_FRAME', error.message, this.#sender);
    } finally {
      this.#socket.destroy();
    }
  }

  async #read(): Promise<void> {
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        this.#frames.write(chunk);
        for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) await this.#hand(frame);
      }
    } catch (error) {
      if (error instanceof FrameError) throw error;
      // The connection was cut, by one end or the other: what came until then counts.
    }
    const rest = this.#frames.end();
    if (rest !== undefined) await this.#hand(rest);
  }

  async #hand({ bytes, isCut }: { bytes: Buffer; isCut: boolean }): Promise<void> {
    this.#isHeldBack = true;
    await this.#receiver.receiveHeldBack(bytes, this.#sender, isCut);
    this.#isHeldBack = false;
  }
}
