import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export const NGINX = '/usr/sbin/nginx';

const JSON_FORMAT = [
  'time_iso8601',
  'remote_addr',
  'request',
  'status',
  'body_bytes_sent',
  'request_time',
  'http_referer',
  'http_user_agent',
  'request_id',
]
  .map((variable) => `"${variable}":"$${variable}"`)
  .join(',');

/** nginx as Debian has it, which logs each request twice: in its default format, and as JSON. */
export class Nginx {
  readonly #process: ChildProcess;
  readonly port: number;

  static async start(dir: string): Promise<Nginx> {
    const port = await freePort();
    mkdirSync(join(dir, 'temp'));
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp;`);
    writeFileSync(
      join(dir, 'nginx.conf'),
      `daemon off; master_process off; pid nginx.pid; error_log error.txt; events {}
      http {
        ${temporary.join(' ')}
        log_format as_json escape=json '{${JSON_FORMAT}}';
        access_log combined.log combined;
        access_log json.log as_json;
        server {
          listen 127.0.0.1:${port};
          location / { return 200 "hello"; }
          location /missing { return 404; }
          location /broken { return 503; }
        }
      }`,
    );
    const child = spawn(NGINX, ['-p', dir, '-c', 'nginx.conf', '-e', 'error.txt'], { stdio: 'inherit' });
    const nginx = new Nginx(child, port);
    await nginx.#listening();
    return nginx;
  }

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.port = port;
  }

  /** Sends bytes as they are, and waits until the answer is complete and the connection closed. */
  async send(bytes: string | Uint8Array): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    socket.write(bytes);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }

  /** All is written to the logs then. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exited;
  }

  async #listening(): Promise<void> {
    for (;;) {
      if (this.#process.exitCode !== null) throw new Error(`nginx ended with exit status ${this.#process.exitCode}`);
      const socket = connect(this.port, '127.0.0.1');
      const isOpen = await new Promise((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      socket.destroy();
      if (isOpen) return;
      await pause(20);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
