import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FilesystemSource } from 'headwater/sources/filesystem';
import type { SourceHarness, SourceWorld } from 'headwater/testing';

/** So that no file is waited for because it may still be written. */
const LONG_AGO = new Date('2026-01-02T03:04:05.678Z');
const FLOOD_ROWS = 100_000;

/** A directory with plain files and files of records. */
class Directory implements SourceWorld {
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'headwater-contract-files-')));
  readonly config = { dir: this.dir };
  /** Four files and six records, one of them bad. */
  readonly events = 10;
  #files = 0;
  floodBytes = 1;

  constructor() {
    this.write('plain.txt', 'plain');
    this.write('orders/a.csv', 'number,text\n1,one\n2,two\n3,three,too many\n');
    this.write('orders/b.jsonl', '{"number":4}\n{"number":5}\n');
    this.write('settings.yaml', 'a: 1\n');
  }

  more(): void {
    this.#files += 1;
    this.write(`new/${this.#files}.txt`, 'new');
  }

  flood(): void {
    const content = `number\n${Array.from({ length: FLOOD_ROWS }, (_, index) => `${index}\n`).join('')}`;
    this.floodBytes = content.length;
    this.write('flood.csv', content);
  }

  /** Descriptors of this process on what is below the directory. */
  get connections(): number {
    return readdirSync('/proc/self/fd').filter((descriptor) => this.#leadsHere(descriptor)).length;
  }

  async close(): Promise<void> {
    rmSync(this.dir, { recursive: true, force: true });
  }

  write(path: string, content: string): void {
    const full = join(this.dir, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
    utimesSync(full, LONG_AGO, LONG_AGO);
  }

  #leadsHere(descriptor: string): boolean {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(this.dir);
    } catch {
      return false;
    }
  }
}

const NO_SECRETS = 'a local directory is read: there are no credentials';
const NO_REQUESTS = 'what cannot be read is a file.error and the run goes on: test/sources/filesystem/records.test.ts';
const ANSWERS = 'the file system answers, or the process stands still';

export const harness: SourceHarness<Directory> = {
  source: FilesystemSource,
  open: async () => new Directory(),
  more: async (directory) => directory.more(),
  connections: (directory) => directory.connections,
  flood: async (directory) => directory.flood(),
  taken: ({ floodBytes }, source) => source.getStats().bytes / floodBytes,
  patienceMs: 20_000,
  skip: [
    { case: 'credentials that are not there are refused, each of them', reason: NO_SECRETS },
    { case: 'no secret is in an event, a cursor, a log line or what a source prints as', reason: NO_SECRETS },
    {
      case: 'no secret is in an error, its causes, or what is logged and told when upstream fails',
      reason: NO_SECRETS,
    },
    { case: 'no secret is in the error that refuses a configuration or credentials', reason: NO_SECRETS },
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
