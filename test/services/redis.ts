import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { createClient } from 'redis';
import { answersOn, Daemon, freePort } from './daemon.js';

export const REDIS_URL = 'redis://127.0.0.1:6379';

/** A connected client, closed by whoever opened it. */
export async function openRedis(url = REDIS_URL) {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** A prefix that nobody else uses, and a way to remove everything below it. */
export function ownPrefix(): { prefix: string; clear(): Promise<void> } {
  const prefix = `headwater-test-${randomBytes(6).toString('hex')}:`;
  const clear = async (): Promise<void> => {
    const client = await openRedis();
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1_000 })) {
      if (keys.length > 0) await client.unlink(keys);
    }
    client.destroy();
  };
  return { prefix, clear };
}

export async function isRedisThere(): Promise<boolean> {
  const client = createClient({ url: REDIS_URL, socket: { reconnectStrategy: false, connectTimeout: 2_000 } });
  client.on('error', () => {});
  try {
    await client.connect();
    client.destroy();
    return true;
  } catch {
    return false;
  }
}

/** A Redis of its own, which may be stopped and started again, and keeps what it has in a directory. */
export class OwnRedis {
  readonly port: number;
  readonly #given: readonly string[];
  #daemon: Daemon | undefined;

  private constructor(port: number, given: readonly string[]) {
    this.port = port;
    this.#given = given;
  }

  static async start(directory: string, ...given: readonly string[]): Promise<OwnRedis> {
    const port = await freePort();
    const files = ['--dir', directory, '--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
    const own = new OwnRedis(port, ['--port', `${port}`, '--bind', '127.0.0.1', ...files, ...given]);
    await own.start();
    return own;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#daemon = await Daemon.start('redis-server', this.#given, () => answersOn(this.port));
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#daemon?.stop(signal);
  }
}

let shared: Promise<OwnRedis> | undefined;
let users = 0;
let databases = 0;

/** A database of its own within a server that lives as long as somebody uses it. */
export class SharedRedis {
  readonly database: number;
  readonly port: number;
  readonly client: Awaited<ReturnType<typeof openRedis>>;

  private constructor(database: number, port: number, client: Awaited<ReturnType<typeof openRedis>>) {
    this.database = database;
    this.port = port;
    this.client = client;
  }

  static async open(): Promise<SharedRedis> {
    users += 1;
    databases += 1;
    const database = databases % 10_000;
    shared ??= OwnRedis.start(tmpdir(), '--appendonly', 'no', '--databases', '10000');
    const { port, url } = await shared;
    return new SharedRedis(database, port, await openRedis(`${url}/${database}`));
  }

  async close(): Promise<void> {
    await this.client.flushDb();
    this.client.destroy();
    users -= 1;
    if (users > 0) return;
    const server = shared;
    shared = undefined;
    await (await server)?.stop();
  }
}
