import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SinkError } from '../core/errors.js';
import { withFaultPoints } from '../core/fault-point.js';
import { adviceFor, errorCode, syncDirectory, syncFile, writeFully } from './durable-file.js';

/** A torn end that was cut off. */
export interface Repair {
  readonly path: string;
  /** Where the file ends now. */
  readonly offset: number;
  /** What was cut off. */
  readonly bytes: Buffer;
}

export interface AppendFileOptions {
  /** Hears of the torn last line that a crash left, after it was cut off. */
  onRepair?: ((repair: Repair) => void) | undefined;
}

const LINE_FEED = 10;
const SCAN_BYTES = 64 * 1024;

/**
 * Appends lines to a file so that what was appended is on the disk, whole, once.
 *
 * Every `append` is one write and one fsync. If it fails, the file is cut back to where it ended before, so that trying
 * again neither repeats nor tears a line. The end that a crash tore is cut off when the file is opened. One writer at a
 * time; a file that was moved away (rotated) is opened anew.
 */
export class AppendFile {
  readonly path: string;
  readonly #onRepair: AppendFileOptions['onRepair'];
  #descriptor: number | undefined;
  #uncut: number | undefined;
  #closed = false;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(path: string, options: AppendFileOptions = {}) {
    this.path = path;
    this.#onRepair = options.onRepair;
  }

  /**
   * Appends text that ends with a line feed. Calls that overlap are made one after the other.
   * @throws SinkError when the file system refuses; the file is then as it was.
   */
  async append(text: string): Promise<void> {
    if (this.#closed) throw new SinkError(`${this.path} is closed: nothing was written`, { code: 'SINK_CLOSED' });
    return this.#exclusively(async () => {
      try {
        await this.#append(Buffer.from(text));
      } catch (error) {
        throw refusal(this.path, error);
      }
    });
  }

  /** Waits for what is being written, then closes the file. May be called again. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#exclusively(async () => this.#release());
  }

  async #append(bytes: Buffer): Promise<void> {
    const { descriptor, stats } = await this.#open();
    try {
      await withFaultPoints('append-file.write', () => writeFully(descriptor, bytes));
      await withFaultPoints('append-file.fsync', () => sync(descriptor, stats));
    } catch (error) {
      if (stats.isFile()) this.#cutBack(descriptor, stats.size);
      throw error;
    }
  }

  async #open(): Promise<{ descriptor: number; stats: Stats }> {
    if (this.#descriptor !== undefined && !isAt(this.path, this.#descriptor)) this.#release();
    const descriptor = this.#descriptor ?? (await this.#openAndRepair());
    if (this.#uncut !== undefined) this.#cutBack(descriptor, this.#uncut, true);
    return { descriptor, stats: fstatSync(descriptor) };
  }

  async #openAndRepair(): Promise<number> {
    const descriptor = openAppending(this.path);
    try {
      const stats = fstatSync(descriptor);
      if (stats.isFile() && stats.size > 0) await this.#repair(descriptor, stats.size);
      if (stats.isFile() && stats.size === 0) await syncDirectory(dirname(this.path));
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    this.#descriptor = descriptor;
    return descriptor;
  }

  async #repair(descriptor: number, size: number): Promise<void> {
    const offset = endOfLastLine(descriptor, size);
    if (offset === size) return;
    const bytes = readExactly(descriptor, offset, size - offset);
    ftruncateSync(descriptor, offset);
    await syncFile(descriptor);
    this.#onRepair?.({ path: this.path, offset, bytes });
  }

  /** A cut that fails is made before the next append: until then nothing may follow what was torn. */
  #cutBack(descriptor: number, size: number, mustSucceed = false): void {
    this.#uncut = size;
    try {
      ftruncateSync(descriptor, size);
      this.#uncut = undefined;
    } catch (error) {
      if (mustSucceed) throw error;
    }
  }

  #release(): void {
    if (this.#descriptor === undefined) return;
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    this.#uncut = undefined;
    closeSync(descriptor);
  }

  #exclusively<Result>(action: () => Promise<Result>): Promise<Result> {
    const turn = this.#busy.then(action);
    this.#busy = turn.catch(() => {});
    return turn;
  }
}

/** A pipe or a device cannot be read back, and needs no repair. */
function openAppending(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  const access = stats === undefined || stats.isFile() ? constants.O_RDWR : constants.O_WRONLY;
  return openSync(path, access | constants.O_CREAT | constants.O_APPEND, 0o600);
}

/** What is written to a file that was moved away or deleted would be lost without a word. */
function isAt(path: string, descriptor: number): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  const open = fstatSync(descriptor);
  return named !== undefined && named.ino === open.ino && named.dev === open.dev;
}

async function sync(descriptor: number, stats: Stats): Promise<void> {
  if (stats.isFile()) await syncFile(descriptor);
}

function endOfLastLine(descriptor: number, size: number): number {
  for (let end = size; end > 0; end -= SCAN_BYTES) {
    const start = Math.max(0, end - SCAN_BYTES);
    const at = readExactly(descriptor, start, end - start).lastIndexOf(LINE_FEED);
    if (at !== -1) return start + at + 1;
  }
  return 0;
}

function readExactly(descriptor: number, offset: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let count = 0;
  while (count < length) {
    const step = readSync(descriptor, buffer, count, length - count, offset + count);
    if (step === 0) break;
    count += step;
  }
  return buffer.subarray(0, count);
}

function refusal(path: string, cause: unknown): unknown {
  const code = errorCode(cause);
  if (code === undefined || cause instanceof SinkError) return cause;
  return new SinkError(`could not append to ${path} (${code}): ${adviceFor(code)}. Nothing of it was kept`, {
    code: code === 'ENOSPC' || code === 'EDQUOT' ? 'SINK_DISK_FULL' : 'SINK_IO',
    cause,
  });
}
