import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceHarness, SourceWorld } from 'headwater/testing';

export interface LogDirectoryOptions {
  /** By name, and read in this order. */
  readonly files: Readonly<Record<string, string>>;
  /** How many events they are. */
  readonly events: number;
  /** Besides `dir` and `files`. */
  readonly config: object;
  /** A line that is one event. */
  line(index: number): string;
}

/** So that files are read in the same order in any process, and nobody waits for what may still be written. */
const FIRST_WRITTEN = Date.parse('2026-01-02T03:04:05Z');
const FLOOD_LINES = 200_000;

/** A directory with log files, for one case of the contract. */
export class LogDirectory implements SourceWorld {
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'headwater-contract-log-')));
  readonly config: object;
  readonly events: number;
  readonly #line: LogDirectoryOptions['line'];
  floodBytes = 1;

  constructor({ files, events, config, line }: LogDirectoryOptions) {
    this.config = { dir: this.dir, files: '*.log', ...config };
    this.events = events;
    this.#line = line;
    for (const [index, [name, content]] of Object.entries(files).entries()) this.#write(name, content, index);
  }

  more(): void {
    appendFileSync(join(this.dir, 'a.log'), `${this.#line(0)}\n`);
  }

  flood(): void {
    const content = Array.from({ length: FLOOD_LINES }, (_, index) => `${this.#line(index)}\n`).join('');
    this.floodBytes = content.length;
    this.#write('flood.log', content, 0);
  }

  /** Descriptors of this process on what is below the directory. */
  get connections(): number {
    return readdirSync('/proc/self/fd').filter((descriptor) => this.#leadsHere(descriptor)).length;
  }

  async close(): Promise<void> {
    rmSync(this.dir, { recursive: true, force: true });
  }

  #write(name: string, content: string, seconds: number): void {
    const path = join(this.dir, name);
    writeFileSync(path, content);
    const date = new Date(FIRST_WRITTEN + seconds * 1_000);
    utimesSync(path, date, date);
  }

  #leadsHere(descriptor: string): boolean {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(this.dir);
    } catch {
      return false;
    }
  }
}

const NO_CREDENTIALS = 'local files are read: there are no credentials';
const NO_REQUESTS =
  'a file that cannot be read is a log.error and the run goes on: test/sources/logs/log/bad-input.test.ts';
const ANSWERS = 'the file system answers, or the process stands still';

/** What holds of every source that reads log files. */
export const logHarness: Omit<SourceHarness<LogDirectory>, 'source' | 'open'> = {
  more: async (directory) => directory.more(),
  connections: (directory) => directory.connections,
  flood: async (directory) => directory.flood(),
  taken: ({ floodBytes }, source) => source.getStats().bytes / floodBytes,
  patienceMs: 20_000,
  skip: [
    { case: 'credentials that are not there are refused, each of them', reason: NO_CREDENTIALS },
    {
      case: 'no secret is in an error, its causes, or what is logged and told when upstream fails',
      reason: NO_CREDENTIALS,
    },
    { case: 'an abort ends a request that is never answered', reason: ANSWERS },
    { case: 'an abort ends validate()', reason: ANSWERS },
    { case: 'an abort ends a back-off', reason: NO_REQUESTS },
    { case: 'a failure that passes costs no event, at whatever request', reason: NO_REQUESTS },
    {
      case: 'a failure that does not pass ends the run with a FatalError, and is not tried again and again',
      reason: NO_REQUESTS,
    },
    { case: 'validate() refuses what cannot be read, and says why', reason: NO_REQUESTS },
  ],
};

/** Further cases that do not hold where the lines themselves hold no secret. */
export const withoutSecrets = [
  { case: 'no secret is in an event, a cursor, a log line or what a source prints as', reason: NO_CREDENTIALS },
  { case: 'no secret is in the error that refuses a configuration or credentials', reason: NO_CREDENTIALS },
];
