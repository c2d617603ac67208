import { closeSync, constants, openSync, read } from 'node:fs';
import { NO_FOLLOW } from './durable-file.js';

const CHUNK_BYTES = 256 * 1024;
const LINE_FEED = 10;

export interface WholeLinesOptions {
  /** Read no further than this many bytes. Default: to the end. */
  length?: number | undefined;
  /** Sees every byte that was read, in order. */
  onBytes?: ((bytes: Buffer) => void) | undefined;
  /** Refuse a symbolic link. Default false. */
  noFollow?: boolean | undefined;
}

/** The lines of a file, without their line feeds, many at a time. What follows the last line feed is left out. */
export async function* readWholeLines(path: string, options: WholeLinesOptions = {}): AsyncGenerator<string[]> {
  const descriptor = openSync(path, constants.O_RDONLY | (options.noFollow ? NO_FOLLOW : 0));
  try {
    let rest: Buffer[] = [];
    for await (const bytes of readChunks(descriptor, options.length ?? Number.POSITIVE_INFINITY)) {
      options.onBytes?.(bytes);
      const end = bytes.lastIndexOf(LINE_FEED);
      if (end === -1) {
        rest.push(bytes);
        continue;
      }
      yield Buffer.concat([...rest, bytes.subarray(0, end)])
        .toString('utf8')
        .split('\n');
      rest = [bytes.subarray(end + 1)];
    }
  } finally {
    closeSync(descriptor);
  }
}

async function* readChunks(descriptor: number, length: number): AsyncGenerator<Buffer> {
  let left = length;
  while (left > 0) {
    const bytes = await readSome(descriptor, Math.min(left, CHUNK_BYTES));
    if (bytes.length === 0) return;
    left -= bytes.length;
    yield bytes;
  }
}

function readSome(descriptor: number, size: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafe(size);
    read(descriptor, buffer, 0, size, null, (error, count) =>
      error === null ? resolve(buffer.subarray(0, count)) : reject(error),
    );
  });
}
