import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Clock, ReadOptions } from 'headwater';
import { type LogConfigInput, type LogCursor, type LogEvent, LogSource } from 'headwater/sources/logs/log';
import { onTestFinished, vi } from 'vitest';

/** A directory of log files, and what is saved of it. */
export class LogDirectory {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'headwater-log-')));
  cursor: LogCursor | undefined;
  #isCounting = false;

  constructor() {
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.root, name);
  }

  write(name: string, content: string | Uint8Array): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
  }

  append(name: string, content: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    appendFileSync(this.path(name), content);
    this.#tick(name);
  }

  inodeOf(name: string): number {
    return statSync(this.path(name)).ino;
  }

  rename(from: string, to: string): void {
    renameSync(this.path(from), this.path(to));
  }

  /** As logrotate does it with `copytruncate`. */
  copyTruncate(from: string, to: string | undefined): void {
    if (to !== undefined) copyFileSync(this.path(from), this.path(to));
    if (to !== undefined) this.#tick(to);
    truncateSync(this.path(from));
    this.#tick(from);
  }

  /** The clock of a file system stands still for some milliseconds, in which tests do what takes others hours. */
  #tick(name: string): void {
    if (this.#isCounting) this.waitForTime(name);
  }

  /** Until a change of any file is later than the last one of this. */
  waitForTime(name: string): void {
    const clock = this.path('clock');
    const { mtimeMs } = statSync(this.path(name));
    for (writeFileSync(clock, ''); statSync(clock).mtimeMs <= mtimeMs; writeFileSync(clock, '')) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }

  /** From now on every change of a file has a time of its own. */
  countTimes(): this {
    this.#isCounting = true;
    return this;
  }

  /** As gzip does it: the new file has the times of the old one. */
  compress(name: string, to = `${name}.gz`): void {
    const { atime, mtime } = statSync(this.path(name));
    writeFileSync(this.path(to), gzipSync(readFileSync(this.path(name))));
    utimesSync(this.path(to), atime, mtime);
    rmSync(this.path(name));
  }

  remove(name: string, { isMissing = false } = {}): void {
    rmSync(this.path(name), { recursive: true, force: isMissing });
  }

  /** Writes a file, or what it holds, until it has an inode that another one had. */
  takeInode(name: string, inode: number, content: string | Buffer = readFileSync(this.path(name))): void {
    rmSync(this.path(name), { force: true });
    const others: string[] = [];
    for (let tries = 0; tries < 200; tries += 1) {
      writeFileSync(this.path(name), content);
      if (this.inodeOf(name) === inode) break;
      others.push(this.path(`other-${tries}`));
      renameSync(this.path(name), others.at(-1) as string);
    }
    for (const other of others) rmSync(other);
    // Where it cannot be had, it is at least another file.
    if (!existsSync(this.path(name))) writeFileSync(this.path(name), content);
  }

  /** So that it is taken for a file that nobody writes to any more. */
  age(name: string, seconds: number): void {
    const time = Date.now() / 1_000 - seconds;
    utimesSync(this.path(name), time, time);
  }

  source(config: Partial<LogConfigInput> = {}, onGap: 'emit' | 'throw' = 'emit', clock?: Clock): Promise<LogSource> {
    return LogSource.create({
      id: 'logs',
      config: { files: '*.log', dir: this.root, ...config },
      // As another process would have it.
      cursor: this.cursor === undefined ? undefined : JSON.parse(JSON.stringify(this.cursor)),
      onGap,
      clock,
    });
  }

  /** What a run brings; its end saves where it stands. */
  async run(config: Partial<LogConfigInput> = {}, options: ReadOptions = {}): Promise<LogEvent[]> {
    const source = await this.source(config);
    const events: LogEvent[] = [];
    for await (const event of source.generateEvents(options)) events.push(event);
    this.cursor = source.getCursor();
    return events;
  }

  /** The same in short: the text of lines, `gap file-truncated`. */
  async brief(config: Partial<LogConfigInput> = {}, options: ReadOptions = {}): Promise<string[]> {
    return (await this.run(config, options)).map(brief);
  }
}

export function brief(event: LogEvent): string {
  if (event.type === 'headwater.gap') return `gap ${event.data.reason}`;
  if (event.type === 'log.error') return `error ${event.data.file} ${event.data.code}`;
  return event.data.line;
}

/** Follows, and gives what came so far. */
export async function follow(directory: LogDirectory, config: Partial<LogConfigInput> = {}) {
  const source = await directory.source(config);
  const events: LogEvent[] = [];
  const running = (async () => {
    for await (const event of source.generateEvents({ follow: true })) events.push(event);
  })();
  const stop = async (): Promise<void> => {
    await source.close();
    await running;
    directory.cursor = source.getCursor();
  };
  onTestFinished(stop);
  await vi.waitFor(() => {
    if (source.getStatus().state !== 'caught-up') throw new Error(source.getStatus().state);
  });
  const until = async (...expected: string[]): Promise<void> => {
    await vi.waitFor(
      () => {
        const seen = events.map(brief);
        if (JSON.stringify(seen) !== JSON.stringify(expected)) throw new Error(`${seen} instead of ${expected}`);
      },
      { timeout: 10_000, interval: 10 },
    );
  };
  return { source, events, until, stop };
}
