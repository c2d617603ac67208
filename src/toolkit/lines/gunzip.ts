import { read as readCallback } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';

const read = promisify(readCallback);

const CHUNK_BYTES = 65_536;
/** RFC 1952, section 2.3.1. */
const MAGIC = [0x1f, 0x8b];

export function isGzip(head: Uint8Array): boolean {
  return head[0] === MAGIC[0] && head[1] === MAGIC[1];
}

/**
 * The content of a gzip file that is open, all of its members, a piece at a time. The descriptor stays open.
 *
 * @throws an error with code Z_BUF_ERROR where the file is cut off, as one is that is still being written
 */
export async function* gunzip(descriptor: number): AsyncGenerator<Buffer, void, undefined> {
  const file = Readable.from(readPieces(descriptor));
  const content = createGunzip();
  file.on('error', (error) => content.destroy(error));
  file.pipe(content);
  try {
    for await (const bytes of content) yield bytes as Buffer;
  } finally {
    file.destroy();
    content.destroy();
  }
}

async function* readPieces(descriptor: number): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const { bytesRead } = await read(descriptor, buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
