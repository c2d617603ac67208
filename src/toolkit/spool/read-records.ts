import { lengthOfRecord, nextIntact, type StoredRecord, wholeRecords } from './record.js';

const WINDOW_BYTES = 256 * 1024;

/** Bytes of a file of records. */
export interface RecordFile {
  readonly magic: number;
  /** As many as there are, up to `length`. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** Some whole records, or a stretch that holds none that can be read. */
export type Found =
  | { readonly records: readonly StoredRecord[]; readonly from: number; readonly to: number }
  | { readonly records: undefined; readonly from: number; readonly to: number };

/** What lies between two offsets, in order, some at a time. Damage is skipped up to the next record that is intact. */
export async function* readRecords(file: RecordFile, from: number, to: number): AsyncGenerator<Found, void, undefined> {
  for (let at = from; at < to; ) {
    const found = (await someRecords(file, at, to)) ?? (await damage(file, at, to));
    yield found;
    at = found.to;
  }
}

async function someRecords(file: RecordFile, at: number, to: number): Promise<Found | undefined> {
  const window = await file.read(at, Math.min(WINDOW_BYTES, to - at));
  const length = lengthOfRecord(window, 0, file.magic) ?? 0;
  const isLong = length > window.length && length <= to - at;
  const { records, end } = wholeRecords(isLong ? await file.read(at, length) : window, file.magic);
  return end > 0 ? { records, from: at, to: at + end } : undefined;
}

/** Rare, so all the rest is read at once. */
async function damage(file: RecordFile, at: number, to: number): Promise<Found> {
  const bytes = await file.read(at + 1, to - at - 1);
  const next = nextIntact(bytes, file.magic);
  return { records: undefined, from: at, to: next === bytes.length ? to : at + 1 + next };
}
