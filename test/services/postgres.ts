import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { Daemon, freePort } from './daemon.js';

const execute = promisify(execFile);
const USER = 'postgres';

export interface ServerOptions {
  /** Settings as in postgresql.conf, besides those that a test server has. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of pg_hba.conf that go before the one that trusts everybody of this machine. */
  readonly authentication?: readonly string[];
}

/** Whether a server of one's own can be started. */
export function hasPostgres(): boolean {
  return programs() !== undefined;
}

function programs(): string | undefined {
  const { status, stdout } = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  const directory = stdout?.trim() ?? '';
  return status === 0 && existsSync(join(directory, 'initdb')) ? directory : undefined;
}

/** A PostgreSQL of one's own with logical decoding, which may be killed and started again. */
export class PostgresServer {
  readonly port: number;
  readonly #directory: string;
  readonly #programs: string;
  readonly #settings: Readonly<Record<string, string>>;
  #daemon: Daemon | undefined;

  static async start({ settings = {}, authentication = [] }: ServerOptions = {}): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), 'headwater-postgres-'));
    const found = programs();
    if (found === undefined) throw new Error('PostgreSQL is missing');
    const server = new PostgresServer(directory, found, await freePort(), settings);
    // The server refuses to run as root.
    if (process.getuid?.() === 0) {
      chmodSync(directory, 0o700);
      execFileSync('chown', [USER, directory]);
    }
    const data = ['-D', join(directory, 'data'), '-A', 'trust', '-U', USER, '-E', 'UTF8', '--locale=C', '--no-sync'];
    const [command, given] = asUser(join(found, 'initdb'), data);
    await execute(command, given);
    const rules = join(directory, 'data', 'pg_hba.conf');
    writeFileSync(rules, [...authentication, readFileSync(rules, 'utf8')].join('\n'));
    await server.begin();
    return server;
  }

  private constructor(directory: string, found: string, port: number, settings: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.#programs = found;
    this.port = port;
    this.#settings = settings;
  }

  get url(): string {
    return `postgres://127.0.0.1:${this.port}/postgres`;
  }

  /** Starts it, as it was left. */
  async begin(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = {
      wal_level: 'logical',
      fsync: 'off',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '60',
      shared_buffers: '32MB',
      ...this.#settings,
      ...settings,
    };
    const set = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const [command, given] = asUser(join(this.#programs, 'postgres'), [
      '-D',
      join(this.#directory, 'data'),
      '-p',
      String(this.port),
      ...set,
    ]);
    this.#daemon = await Daemon.start(command, given, () => this.#answers());
  }

  /** SIGINT ends it at once and in order; SIGQUIT as a crash does. */
  async end(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    await this.#daemon?.stop(signal);
    this.#daemon = undefined;
  }

  client(options: pg.ClientConfig = {}): pg.Client {
    const client = new pg.Client({ host: '127.0.0.1', port: this.port, user: USER, database: 'postgres', ...options });
    client.on('error', () => {});
    return client;
  }

  /** Runs statements one after the other, each committed; gives the rows of the last. */
  async run(...statements: readonly string[]): Promise<Record<string, unknown>[]> {
    const client = this.client();
    await client.connect();
    try {
      let rows: Record<string, unknown>[] = [];
      for (const statement of statements) rows = (await client.query<Record<string, unknown>>(statement)).rows;
      return rows;
    } finally {
      await client.end();
    }
  }

  async dispose(): Promise<void> {
    await this.end('SIGQUIT');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    const client = this.client();
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false;
    }
  }
}

/** The program in place of the one that changes the user, so that a signal to it reaches the server. */
function asUser(command: string, given: readonly string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [command, [...given]];
  return ['setpriv', [`--reuid=${USER}`, `--regid=${USER}`, '--init-groups', command, ...given]];
}
