import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { FatalError, RetryableError } from '../../core/errors.js';
import { errorCode } from '../durable-file.js';

const LOCK = /^lock-[0-9a-f]{16}$/;
const ATTEMPTS = 5;

/** Longer paths of sockets are cut off by the system, without a word. */
const LONGEST_SOCKET_PATH = 100;

/**
 * A directory that one process has to itself.
 *
 * Who holds it listens on a socket in it, so the lock ends with the process, however that ends. Each makes its own
 * socket known under its own name first and looks for others then: of two, at least one sees the other and gives way.
 * A name is known only when its socket is listened on, so one that refuses belongs to a process that is gone for good.
 * For processes of one machine: a network file system shows the names to others, not the sockets.
 */
export class DirectoryLock {
  readonly #path: string;
  readonly #server: Server;

  private constructor(path: string, server: Server) {
    this.#path = path;
    this.#server = server;
  }

  /** @throws RetryableError 'SPOOL_LOCKED' while another process has it. */
  static async take(directory: string): Promise<DirectoryLock> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const lock = await DirectoryLock.#try(directory);
      if (lock !== undefined) return lock;
      // Two that gave way to each other do not meet again.
      await wait(attempt * (5 + Math.random() * 20));
    }
    throw new RetryableError(
      `the spool in ${directory} is in use by another process or source: stop it, or give each a directory of its own`,
      { code: 'SPOOL_LOCKED' },
    );
  }

  static async #try(directory: string): Promise<DirectoryLock | undefined> {
    const path = join(directory, `lock-${randomBytes(8).toString('hex')}`);
    const lock = new DirectoryLock(path, await listen(`${path}.tmp`));
    try {
      renameSync(`${path}.tmp`, path);
      if (!(await hasOthers(directory, path))) return lock;
    } catch (error) {
      lock.release();
      // Whoever has the lock removes what it takes for the leavings of a crash.
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    lock.release();
    return undefined;
  }

  release(): void {
    rmSync(this.#path, { force: true });
    this.#server.close();
  }
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await withSocketPath(path, (socketPath) => {
    return new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // Exclusive: else the primary of a cluster listens, for all of its workers.
      server.listen({ path: socketPath, exclusive: true }, resolve);
    });
  });
  return server.unref();
}

async function hasOthers(directory: string, own: string): Promise<boolean> {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (path === own || !LOCK.test(name)) continue;
    if ((await withSocketPath(path, answerOf)) === 'alive') return true;
    rmSync(path, { force: true });
  }
  return false;
}

function answerOf(path: string): Promise<'alive' | 'gone'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve('alive');
    });
    // Whatever else may have gone wrong, somebody may be there.
    socket.on('error', (error) =>
      resolve(['ECONNREFUSED', 'ENOENT'].includes(errorCode(error) ?? '') ? 'gone' : 'alive'),
    );
  });
}

/** Calls with a name for a path that is short enough for a socket. */
async function withSocketPath<Result>(path: string, call: (path: string) => Promise<Result>): Promise<Result> {
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return call(path);
  if (process.platform !== 'linux') {
    throw new FatalError(`the path ${path} is too long for a socket: use a shorter one for the spool`, {
      code: 'SPOOL_PATH_TOO_LONG',
    });
  }
  const directory = openSync(join(path, '..'), 'r');
  try {
    return await call(`/proc/self/fd/${directory}/${path.slice(path.lastIndexOf('/') + 1)}`);
  } finally {
    closeSync(directory);
  }
}
