import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';

const PATIENCE_MS = 10_000;

/** A program of the machine that runs until it is stopped; a child of this process, so that no other is meant. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly #command: string;
  #output = '';

  /** Resolves when it is ready. */
  static async start(command: string, given: readonly string[], isReady: () => Promise<boolean>): Promise<Daemon> {
    const daemon = new Daemon(command, given);
    await daemon.#until(isReady);
    return daemon;
  }

  private constructor(command: string, given: readonly string[]) {
    this.#command = command;
    this.#child = spawn(command, given, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (bytes: Buffer) => {
        this.#output += bytes.toString();
      });
    this.#child.on('error', (error) => {
      this.#output += error.message;
    });
    // However this process ends, the other one does too.
    const end = (): void => void this.#child.kill('SIGTERM');
    process.once('exit', end);
    this.#child.once('exit', () => process.off('exit', end));
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.#command} does not run: ${this.#output}`);
    return pid;
  }

  /** Resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#hasEnded) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    const patience = new AbortController();
    const late = setTimeout(PATIENCE_MS, undefined, { signal: patience.signal }).then(
      () => this.#child.kill('SIGKILL'),
      () => {},
    );
    await gone;
    patience.abort();
    await late;
  }

  get #hasEnded(): boolean {
    const { exitCode, signalCode, pid } = this.#child;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  async #until(isReady: () => Promise<boolean>): Promise<void> {
    const late = performance.now() + PATIENCE_MS;
    while (!(await isReady())) {
      const why = this.#hasEnded ? 'ended' : performance.now() > late ? 'is not ready' : undefined;
      if (why !== undefined) {
        await this.stop();
        throw new Error(`${this.#command} ${why}: ${this.#output}`);
      }
      await setTimeout(10);
    }
  }
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether somebody listens on a port of this machine. */
export function answersOn(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
