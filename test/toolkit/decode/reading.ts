import type { Decoded, DecodePosition, Format } from '../../../src/toolkit/decode/decoder.js';

/** Decodes bytes given in chunks of a size. */
export async function decode(
  format: Format,
  bytes: Uint8Array | string,
  options: { chunk?: number | undefined; position?: DecodePosition | undefined } = {},
): Promise<Decoded[]> {
  const { items } = await decodeWith(format, bytes, options);
  return items;
}

export async function decodeWith(
  format: Format,
  bytes: Uint8Array | string,
  { chunk = 65_536, position }: { chunk?: number | undefined; position?: DecodePosition | undefined } = {},
): Promise<{ items: Decoded[]; positions: DecodePosition[] }> {
  const all = Buffer.from(bytes as string);
  const decoder = await format.open({ position, file: 'test' });
  const items: Decoded[] = [];
  const positions: DecodePosition[] = [];
  const take = (some: Decoded[]): void => {
    for (const item of some) {
      items.push(item);
      positions.push(JSON.parse(JSON.stringify(decoder.positionAfter(item))) as DecodePosition);
    }
  };
  const from = format.resumesFrom === 'offset' ? (position?.offset ?? 0) : 0;
  const scratch = Buffer.alloc(chunk);
  for (let at = from; at < all.length && !decoder.isDone; at += chunk) {
    // The decoder must not rely on the chunk after the call.
    const length = all.copy(scratch, 0, at, at + chunk);
    take(decoder.push(scratch.subarray(0, length)));
    scratch.fill(0x78);
  }
  take(decoder.finish());
  return { items, positions };
}

/** What is compared: errors by code. */
export function plain(items: readonly Decoded[]): unknown[] {
  return items.map(({ record, error, index, line, offset, end }) => ({
    record,
    error: error?.code,
    index,
    line,
    offset,
    end,
  }));
}

export function records(items: readonly Decoded[]): unknown[] {
  return items.map(({ record, error }) => (error === undefined ? record : error.code));
}
