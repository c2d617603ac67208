import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answersOn, Daemon, freePort } from './daemon.js';

const COMMAND = '/usr/sbin/rsyslogd';

/** An rsyslogd of its own, which takes messages on a port, both over TCP and UDP, and does with them what `actions` say. */
export class Rsyslog {
  readonly port: number;
  readonly #daemon: Daemon;

  /** `directory`: for its files; `actions`: RainerScript. */
  static async start(directory: string, actions: string): Promise<Rsyslog> {
    const port = await freePort();
    const work = join(directory, 'rsyslog');
    mkdirSync(work, { recursive: true });
    const file = join(work, 'rsyslog.conf');
    writeFileSync(file, configuration(work, port, actions));
    const given = ['-n', '-f', file, '-i', join(work, 'rsyslog.pid')];
    return new Rsyslog(port, await Daemon.start(COMMAND, given, () => answersOn(port)));
  }

  private constructor(port: number, daemon: Daemon) {
    this.port = port;
    this.#daemon = daemon;
  }

  /** What is on its way is written first. */
  stop(): Promise<void> {
    return this.#daemon.stop();
  }
}

function configuration(work: string, port: number, actions: string): string {
  return `
global(workDirectory="${work}" maxMessageSize="64k")
module(load="imtcp")
module(load="imudp")
input(type="imtcp" address="127.0.0.1" port="${port}")
input(type="imudp" address="127.0.0.1" port="${port}")
${actions}
`;
}
