import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answersOn, Daemon, freePort } from './daemon.js';

const COMMAND = '/usr/sbin/nginx';

export interface NginxOptions {
  /** Where it writes its access log. */
  readonly accessLog: string;
  /** As `log_format` takes it, without quotes. */
  readonly logFormat: string;
}

/** An nginx of its own with two workers, which answers 204 to everything. */
export class Nginx {
  readonly port: number;
  readonly pid: number;
  readonly #daemon: Daemon;

  /** `directory`: for its files. */
  static async start(directory: string, options: NginxOptions): Promise<Nginx> {
    const port = await freePort();
    const work = join(directory, 'nginx');
    mkdirSync(work, { recursive: true });
    const file = join(work, 'nginx.conf');
    writeFileSync(file, configuration(work, port, options));
    const given = ['-p', work, '-e', join(work, 'error.log'), '-c', file];
    return new Nginx(port, await Daemon.start(COMMAND, given, () => answersOn(port)));
  }

  private constructor(port: number, daemon: Daemon) {
    this.port = port;
    this.pid = daemon.pid;
    this.#daemon = daemon;
  }

  /** Requests that were taken are answered, and written down, first. */
  stop(): Promise<void> {
    return this.#daemon.stop('SIGQUIT');
  }
}

/** The user is that of the master, or the workers could not open a log again in a directory of ours. */
function configuration(work: string, port: number, { accessLog, logFormat }: NginxOptions): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
user root;
daemon off;
worker_processes 2;
pid ${work}/nginx.pid;
events { worker_connections 256; }
http {
  ${temporary.map((kind) => `${kind}_temp_path ${work}/${kind};`).join(' ')}
  log_format own '${logFormat}';
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${port};
    access_log ${accessLog} own;
    location / { return 204; }
  }
}
`;
}
