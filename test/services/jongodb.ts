import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { answersOn, Daemon, freePort } from './daemon.js';

/**
 * A server that speaks the protocol of MongoDB: find, sort, getMore, transactions; no change streams, and no projection. For
 * Linux on x64 only, so it is no dependency of the project, and is fetched when it is first needed.
 */
const PACKAGE = '@jongodb/memory-server-bin-linux-x64-gnu';
const VERSION = '0.1.6';
const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
const place = join(cache, `jongodb-${VERSION}`);
const program = join(place, 'node_modules', PACKAGE, 'bin', 'jongodb');

/** Whether it is there, or could be fetched. */
export async function hasJongodb(): Promise<boolean> {
  if (existsSync(program)) return true;
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'jongodb-'));
  try {
    const given = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', work];
    await promisify(execFile)('npm', [...given, `${PACKAGE}@${VERSION}`]);
    // Renamed into place, so that nobody finds half of it; whoever comes second throws theirs away.
    if (!existsSync(program)) renameSync(work, place);
  } catch {
    return existsSync(program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return existsSync(program);
}

/** A server of its own, with nothing in it. */
export class Jongodb {
  readonly port: number;
  #daemon: Daemon | undefined;

  static async start(): Promise<Jongodb> {
    const jongodb = new Jongodb(await freePort());
    await jongodb.start();
    return jongodb;
  }

  private constructor(port: number) {
    this.port = port;
  }

  get url(): string {
    return `mongodb://127.0.0.1:${this.port}/?replicaSet=rs0`;
  }

  /** What it had is gone: it keeps everything in memory. */
  async start(): Promise<void> {
    const member = ['--topology-profile=singleNodeReplicaSet', '--replica-set-name=rs0'];
    const given = [`--port=${this.port}`, '--host=127.0.0.1', '--database=test', ...member];
    this.#daemon = await Daemon.start(program, given, () => answersOn(this.port));
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop('SIGKILL');
  }
}
