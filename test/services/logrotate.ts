import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const COMMAND = '/usr/sbin/logrotate';
const run = promisify(execFile);

/** The logrotate of the machine, for one log, with a state of its own. */
export class Logrotate {
  readonly #configuration: string;
  readonly #state: string;

  /** `directory`: for its files; `directives`: what stands between the braces. */
  constructor(directory: string, log: string, directives: readonly string[]) {
    const work = join(directory, 'logrotate');
    mkdirSync(work, { recursive: true });
    this.#configuration = join(work, 'logrotate.conf');
    this.#state = join(work, 'state');
    writeFileSync(this.#configuration, `"${log}" {\n${directives.map((one) => `  ${one}\n`).join('')}}\n`);
    // It refuses what others may write.
    chmodSync(this.#configuration, 0o600);
  }

  /** Rotates now, whatever time it is. */
  async rotate(): Promise<void> {
    await run(COMMAND, ['--force', '--state', this.#state, this.#configuration]);
  }
}
