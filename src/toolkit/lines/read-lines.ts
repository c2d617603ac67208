import { closeSync, openSync, read as readCallback, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { gunzip, isGzip } from './gunzip.js';
import type { Line, LineOptions } from './line.js';
import { LineSplitter, PIECE_BYTES } from './line-splitter.js';

const read = promisify(readCallback);

export interface ReadLinesOptions extends LineOptions {
  /** Byte at which to begin: 0, or the `end` of a line that was read before. Default 0. */
  from?: number | undefined;
  /** What becomes of bytes after the last line feed: 'deliver' as a line (default), or 'hold' for a later call. */
  lastLine?: 'deliver' | 'hold' | undefined;
  /** Ends the reading with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/**
 * The lines of a file with the bytes at which they begin and end, many at a time. UTF-8 or latin1; line feeds, with a
 * carriage return before them or without; holds no more than a chunk and the longest line that is allowed. A gzip file
 * is inflated, all of its members; then bytes are those of the content.
 *
 * @throws the error of the operating system, or of zlib where a gzip file is damaged or cut off
 *
 * @example
 * for await (const lines of readLines('app.log', { from: saved })) {
 *   for (const { text, end } of lines) await store(text, end); // `end` is where to go on
 * }
 */
export async function* readLines(
  path: string,
  options: ReadLinesOptions = {},
): AsyncGenerator<Line[], void, undefined> {
  const { from = 0, lastLine = 'deliver', signal } = options;
  const splitter = new LineSplitter(options);
  const descriptor = openSync(path, 'r');
  try {
    const head = Buffer.alloc(2);
    readSync(descriptor, head, 0, 2, 0);
    const fill = isGzip(head) ? fillInflated(descriptor, from, splitter) : fillPlain(descriptor, from, splitter);
    for await (const lines of fill) {
      signal?.throwIfAborted();
      if (lines.length > 0) yield lines;
    }
    const rest = lastLine === 'deliver' ? splitter.flush('end') : undefined;
    if (rest !== undefined) yield [rest];
  } finally {
    closeSync(descriptor);
  }
}

async function* fillPlain(descriptor: number, from: number, splitter: LineSplitter): AsyncGenerator<Line[]> {
  splitter.begin(from);
  for (;;) {
    const { room } = splitter;
    const { bytesRead } = await read(descriptor, room, 0, room.length, splitter.position);
    if (bytesRead === 0) return;
    for (let left = bytesRead; left > 0; left -= PIECE_BYTES) yield splitter.take(Math.min(left, PIECE_BYTES));
  }
}

async function* fillInflated(descriptor: number, from: number, splitter: LineSplitter): AsyncGenerator<Line[]> {
  splitter.begin(from);
  let position = 0;
  for await (const piece of gunzip(descriptor)) {
    let at = Math.min(piece.length, Math.max(0, from - position));
    position += piece.length;
    while (at < piece.length) {
      const copied = piece.copy(splitter.room, 0, at);
      at += copied;
      yield splitter.take(copied);
    }
  }
}
