import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { answersOn, Daemon, freePort } from './daemon.js';
import { hasProgram } from './needs.js';

const COMMAND = '/usr/sbin/ngircd';

export function hasNgircd(): boolean {
  return hasProgram(COMMAND, '--version');
}

/** An IRC server of its own, which counts no lines. */
export class Ngircd {
  readonly port: number;
  readonly #configuration: string;
  #daemon: Daemon | undefined;

  private constructor(port: number, configuration: string) {
    this.port = port;
    this.#configuration = configuration;
  }

  /** @param password what a client has to give, where there is one */
  static async start(directory: string, { password }: { password?: string } = {}): Promise<Ngircd> {
    const port = await freePort();
    const configuration = join(directory, `ngircd-${port}.conf`);
    const lines = ['[Global]', 'Name = irc.example.test', 'Info = Headwater', 'Listen = 127.0.0.1', `Ports = ${port}`];
    if (password !== undefined) lines.push(`Password = ${password}`);
    lines.push('[Limits]', 'MaxPenaltyTime = 0', 'MaxConnectionsIP = 0');
    lines.push('[Options]', 'DNS = no', 'Ident = no', 'PAM = no');
    writeFileSync(configuration, `${lines.join('\n')}\n`);
    const server = new Ngircd(port, configuration);
    await server.up();
    return server;
  }

  async up(): Promise<void> {
    this.#daemon = await Daemon.start(COMMAND, ['--nodaemon', '--config', this.#configuration], () =>
      answersOn(this.port),
    );
  }

  /** Gone as when the machine is: nobody is told. */
  async down(): Promise<void> {
    await this.#daemon?.stop('SIGKILL');
  }
}

/** Somebody in a channel, who writes down every line that the server sends. */
export class Listener {
  /** What others said in the channel, in order. */
  readonly heard: { readonly from: string; readonly text: string }[] = [];
  /** Every line, as it came. */
  readonly lines: string[] = [];
  readonly #socket: Socket;
  readonly #channel: string;

  private constructor(socket: Socket, channel: string) {
    this.#socket = socket;
    this.#channel = channel;
    socket.on('error', () => {});
    createInterface({ input: socket }).on('line', (line) => this.#hear(line));
  }

  /** Resolves when it is in the channel. */
  static async join(port: number, channel: string, nick = 'listener', password?: string): Promise<Listener> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    const listener = new Listener(socket, channel);
    if (password !== undefined) listener.send(`PASS ${password}`);
    listener.send(`NICK ${nick}`, `USER ${nick} 0 * :${nick}`);
    await listener.until(() => listener.lines.some((line) => / 001 /.test(line)));
    listener.send(`JOIN ${channel}`);
    await listener.until(() => listener.lines.some((line) => / 366 /.test(line)));
    return listener;
  }

  send(...lines: readonly string[]): void {
    for (const line of lines) this.#socket.write(`${line}\r\n`);
  }

  say(text: string): void {
    this.send(`PRIVMSG ${this.#channel} :${text}`);
  }

  /** The first that was said in the channel that fits. */
  async hears(expected: string | RegExp): Promise<string> {
    const fits = (text: string): boolean => (typeof expected === 'string' ? text === expected : expected.test(text));
    await this.until(() => this.heard.some(({ text }) => fits(text)), `${expected}`);
    return this.heard.find(({ text }) => fits(text))?.text as string;
  }

  async until(isTrue: () => boolean, what = 'what was waited for'): Promise<void> {
    const late = performance.now() + 30_000;
    while (!isTrue()) {
      if (performance.now() > late) throw new Error(`${what} was not heard, but: ${this.lines.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(line: string): void {
    this.lines.push(line);
    if (line.startsWith('PING ')) this.send(`PONG ${line.slice(5)}`);
    const said = /^:([^!]+)!\S+ PRIVMSG (\S+) :(.*)$/.exec(line);
    if (said !== null && said[2] === this.#channel) this.heard.push({ from: said[1] ?? '', text: said[3] ?? '' });
  }
}
