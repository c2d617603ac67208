import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Logrotate } from '../services/logrotate.js';
import { Nginx } from '../services/nginx.js';
import { Rsyslog } from '../services/rsyslog.js';
import type { Writer } from './live.js';
import type { Random } from './random.js';

/** Where the log and what became of it are. */
export function logFolder(directory: string): string {
  return join(directory, 'logs');
}

/** How many lines each of several writers has written. */
function countsFile(directory: string): string {
  return join(directory, 'written.json');
}

export function readCounts(directory: string): Readonly<Record<string, number>> {
  return JSON.parse(readFileSync(countsFile(directory), 'utf8')) as Record<string, number>;
}

/** How copies are kept: enough of them that none is thrown away, sometimes compressed, sometimes named by the second. */
function keeping(random: Random): string[] {
  const compressed = random.below(2) === 0 ? ['compress', 'delaycompress'] : ['nocompress'];
  const named = random.below(3) === 0 ? ['dateext', 'dateformat -%Y%m%d-%s'] : [];
  return ['rotate 200', 'notifempty', ...compressed, ...named];
}

/** By how much time(2), which logrotate names its copies by, may be behind the clock: it moves with the kernel's tick. */
const TICK_MS = 50;

/** Two rotations within one would give the same name. */
async function nextSecond(): Promise<void> {
  await setTimeout(1_000 + TICK_MS - (Date.now() % 1_000));
}

async function firstLine(log: string): Promise<void> {
  while (!existsSync(log) || statSync(log).size === 0) await setTimeout(10);
}

const CLIENTS = 3;

/** nginx under load: its log is renamed, and nginx told to begin a new one. Until then it goes on in the old. */
export class NginxWriter implements Writer {
  readonly #directory: string;
  readonly #nginx: Nginx;
  readonly #logrotate: Logrotate;
  readonly #clients: Promise<number>[];
  #isOver = false;

  static async start(directory: string, random: Random): Promise<NginxWriter> {
    mkdirSync(logFolder(directory));
    const accessLog = join(logFolder(directory), 'access.log');
    const nginx = await Nginx.start(directory, {
      accessLog,
      logFormat: '$arg_writer $arg_number $status $request_time',
    });
    const signal = ['create 0600', 'postrotate', `  kill -USR1 ${nginx.pid}`, 'endscript'];
    const writer = new NginxWriter(
      directory,
      nginx,
      new Logrotate(directory, accessLog, [...keeping(random), ...signal]),
    );
    await firstLine(accessLog);
    return writer;
  }

  private constructor(directory: string, nginx: Nginx, logrotate: Logrotate) {
    this.#directory = directory;
    this.#nginx = nginx;
    this.#logrotate = logrotate;
    this.#clients = Array.from({ length: CLIENTS }, (_, writer) => this.#ask(writer));
  }

  async disturb(): Promise<void> {
    await nextSecond();
    await this.#logrotate.rotate();
  }

  async finish(): Promise<void> {
    this.#isOver = true;
    const counts = await Promise.all(this.#clients);
    await this.#nginx.stop();
    writeFileSync(countsFile(this.#directory), JSON.stringify({ ...counts }));
  }

  /** One request after the other; what was answered is written. Gives how many there were. */
  async #ask(writer: number): Promise<number> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let number = 0;
    for (; !this.#isOver; number += 1) {
      const path = `/?writer=${writer}&number=${number}`;
      const request = get({ host: '127.0.0.1', port: this.#nginx.port, path, agent });
      const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
      response.resume();
      await once(response, 'end');
      if (number % 5 === 0) await setTimeout(3);
    }
    agent.destroy();
    return number;
  }
}

const LINES_AT_ONCE = 5;

/** rsyslog with a stream of messages: its log is copied and truncated under its hands. */
export class RsyslogWriter implements Writer {
  readonly #directory: string;
  readonly #log: string;
  readonly #rsyslog: Rsyslog;
  readonly #logrotate: Logrotate;
  readonly #sending: Promise<number>;
  #isOver = false;

  static async start(directory: string, random: Random): Promise<RsyslogWriter> {
    mkdirSync(logFolder(directory));
    const log = join(logFolder(directory), 'messages.log');
    const template = 'template(name="numbered" type="string" string="%msg%\\n")';
    const rsyslog = await Rsyslog.start(
      directory,
      `${template}\n*.* action(type="omfile" file="${log}" template="numbered")`,
    );
    const socket = connect(rsyslog.port, '127.0.0.1');
    await once(socket, 'connect');
    const writer = new RsyslogWriter(directory, log, rsyslog, socket, random);
    await firstLine(log);
    return writer;
  }

  private constructor(directory: string, log: string, rsyslog: Rsyslog, socket: Socket, random: Random) {
    this.#directory = directory;
    this.#log = log;
    this.#rsyslog = rsyslog;
    this.#logrotate = new Logrotate(directory, log, [...keeping(random), 'copytruncate']);
    this.#sending = this.#send(socket);
  }

  async disturb(): Promise<void> {
    await nextSecond();
    await this.#logrotate.rotate();
  }

  /** What was sent after the last rotation can only be in the log: the last line says that all are written. */
  async finish(): Promise<void> {
    this.#isOver = true;
    const count = await this.#sending;
    while (!readFileSync(this.#log, 'latin1').endsWith(`0 ${count - 1}\n`)) await setTimeout(20);
    await this.#rsyslog.stop();
    writeFileSync(countsFile(this.#directory), JSON.stringify({ 0: count }));
  }

  async #send(socket: Socket): Promise<number> {
    let count = 0;
    while (!this.#isOver) count = await this.#sendSome(socket, count);
    // At least one that no rotation can have touched.
    count = await this.#sendSome(socket, count);
    socket.end();
    return count;
  }

  async #sendSome(socket: Socket, from: number): Promise<number> {
    const numbers = Array.from({ length: LINES_AT_ONCE }, (_, index) => from + index);
    socket.write(numbers.map((number) => `<13>1 - host app - - - 0 ${number}\n`).join(''));
    await setTimeout(4);
    return from + LINES_AT_ONCE;
  }
}
