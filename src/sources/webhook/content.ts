import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { HttpError, refusal } from './incoming.js';

const DECODERS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  br: promisify(brotliDecompress),
};

/** The same name stands for two formats in the field. */
const deflate = { wrapped: promisify(inflate), bare: promisify(inflateRaw) };

/**
 * A body without its content encoding.
 * @throws HttpError: 413 where there is more within than may be, 415 for an encoding that is not known, 400 for damage
 */
export async function decodeContent(body: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return checkSize(body, maxBytes);
  const options = { maxOutputLength: maxBytes };
  try {
    if (name === 'deflate') {
      const decoder = isWrapped(body) ? deflate.wrapped : deflate.bare;
      return await decoder(body, options);
    }
    if (Object.hasOwn(DECODERS, name)) return await DECODERS[name as keyof typeof DECODERS](body, options);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new HttpError(refusal(400, `the body is not what content-encoding: ${name} says`));
  }
  throw new HttpError(refusal(415, 'content-encoding is not known', { 'accept-encoding': 'gzip, deflate, br' }));
}

function checkSize(body: Buffer, maxBytes: number): Buffer {
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  return body;
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(refusal(413, `the body has more than ${maxBytes} bytes within`));
}

/** RFC 1950: the compression method 8, and a check over both bytes. */
function isWrapped(body: Buffer): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
