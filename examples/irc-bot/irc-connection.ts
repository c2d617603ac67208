import { connect as connectPlainly, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectSecurely } from 'node:tls';
import { RetryableError } from 'headwater';
import { formatMessage, type IrcMessage, parseMessage } from './irc-message.js';
import type { IrcSettings } from './settings.js';

/** A server that has said nothing for so long is asked, and after as long again it is gone. */
const SILENCE_MS = 60_000;
const JOIN_MS = 30_000;
/** What a server answers (RFC 2812, 5) when it refuses the channel, the nick, the password or the host; or a message. */
const REFUSED = new Set(['403', '405', '432', '437', '464', '465', '471', '473', '474', '475', '476', '477']);
const MESSAGE_REFUSED = new Set(['401', '404', '407', '411', '412', '413', '414', '442']);
const NICK_TAKEN = new Set(['433', '436']);
const WELCOME = '001';

/** Somebody who waits for an answer. */
interface Waiting {
  readonly token: string;
  resolve(): void;
  reject(error: Error): void;
}

export interface Hearing {
  /** Somebody has said a line in the channel that begins with "!". */
  onRequest(line: string): void;
}

/** One connection to a server, from its registration to its end. */
export class IrcConnection {
  /** Resolves with the reason when it is over. */
  readonly ended: Promise<Error>;
  readonly #socket: Socket;
  readonly #settings: IrcSettings;
  readonly #hearing: Hearing;
  #end!: (reason: Error) => void;
  #nick: string;
  #joining: Waiting | undefined;
  #saying: Waiting[] = [];
  #turns = 0;
  #isAsked = false;

  private constructor(socket: Socket, settings: IrcSettings, hearing: Hearing) {
    this.#socket = socket;
    this.#settings = settings;
    this.#hearing = hearing;
    this.#nick = settings.nick;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    void this.ended.then((reason) => this.#letGo(reason));
    socket.setTimeout(SILENCE_MS, () => this.#ask());
    socket.once('error', (error) => this.#end(broken(settings, error.message)));
    socket.once('close', () => this.#end(broken(settings, 'the server closed the connection')));
    createInterface({ input: socket })
      .on('line', (line) => this.#hear(line))
      .on('error', () => {});
  }

  /**
   * Resolves when it has joined the channel.
   * @throws RetryableError 'IRC_AWAY', 'IRC_REFUSED'
   */
  static async open(settings: IrcSettings, hearing: Hearing): Promise<IrcConnection> {
    const { host, tls } = settings;
    const port = settings.port ?? (tls ? 6697 : 6667);
    const socket = tls ? connectSecurely({ host, port, servername: host }) : connectPlainly({ host, port });
    const connection = new IrcConnection(socket, settings, hearing);
    socket.once(tls ? 'secureConnect' : 'connect', () => connection.#register());
    const late = setTimeout(() => connection.#end(broken(settings, 'it was not joined in time')), JOIN_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        connection.#joining = { token: '', resolve, reject };
      });
      return connection;
    } finally {
      clearTimeout(late);
    }
  }

  /**
   * Resolves when the server has taken all of it: it answers what comes behind only after that.
   * @throws RetryableError 'IRC_AWAY' when that is not known, 'IRC_REFUSED'
   */
  async say(lines: readonly string[]): Promise<void> {
    this.#turns += 1;
    const token = `said-${this.#turns}`;
    await new Promise<void>((resolve, reject) => {
      this.#saying.push({ token, resolve, reject });
      for (const line of lines) this.#send('PRIVMSG', this.#settings.channel, line);
      this.#send('PING', token);
    });
  }

  close(): void {
    if (this.#socket.writable) this.#send('QUIT', 'bye');
    this.#socket.end(() => this.#end(broken(this.#settings, 'the bot has left')));
  }

  #register(): void {
    const { password } = this.#settings;
    if (password !== undefined) this.#send('PASS', password);
    this.#send('NICK', this.#nick);
    this.#send('USER', 'headwater', '0', '*', 'a bot that tells what happens');
  }

  #send(command: string, ...parameters: readonly string[]): void {
    this.#socket.write(formatMessage(command, ...parameters));
  }

  #hear(line: string): void {
    this.#isAsked = false;
    const message = parseMessage(line);
    if (message !== undefined) this.#answer(message);
  }

  #answer({ from, command, parameters }: IrcMessage): void {
    const last = parameters.at(-1) ?? '';
    if (command === 'PING') this.#send('PONG', last);
    else if (command === 'PONG') this.#said(last);
    else if (command === WELCOME) this.#send('JOIN', this.#settings.channel);
    else if (command === 'JOIN' && from === this.#nick) this.#joining?.resolve();
    else if (command === 'NICK' && from === this.#nick) this.#nick = last;
    else if (command === 'PRIVMSG') this.#request(parameters[0], last);
    else if (command === 'KICK' && parameters[1] === this.#nick) this.#end(refused(`it was thrown out: ${last}`));
    else if (command === 'ERROR') this.#end(broken(this.#settings, last));
    else if (NICK_TAKEN.has(command)) this.#takeAnotherNick();
    else if (MESSAGE_REFUSED.has(command)) this.#saying.shift()?.reject(refused(last));
    else if (REFUSED.has(command)) this.#end(refused(last));
  }

  #said(token: string): void {
    const at = this.#saying.findIndex((waiting) => waiting.token === token);
    if (at >= 0) this.#saying.splice(at, 1)[0]?.resolve();
  }

  #request(target: string | undefined, line: string): void {
    const isOurs = target?.toLowerCase() === this.#settings.channel.toLowerCase();
    if (isOurs && line.startsWith('!')) this.#hearing.onRequest(line);
  }

  #takeAnotherNick(): void {
    this.#nick = `${this.#settings.nick.slice(0, 7)}${Math.floor(Math.random() * 100)}`;
    this.#send('NICK', this.#nick);
  }

  #ask(): void {
    if (this.#isAsked) return this.#end(broken(this.#settings, 'the server does not answer'));
    this.#isAsked = true;
    this.#send('PING', 'there');
  }

  #letGo(reason: Error): void {
    this.#socket.destroy();
    for (const waiting of [...this.#saying, ...(this.#joining ? [this.#joining] : [])]) waiting.reject(reason);
    this.#saying = [];
  }
}

function broken({ host, channel }: IrcSettings, why: string): RetryableError {
  return new RetryableError(`the bot is not in ${channel} on ${host}: ${why}`, { code: 'IRC_AWAY' });
}

function refused(why: string): RetryableError {
  return new RetryableError(`the IRC server refuses: ${why}`, { code: 'IRC_REFUSED' });
}
