import type { GapReason } from '../../core/event.js';
import type { Decoded, Decoder, Format } from '../../toolkit/decode/decoder.js';
import type { FoundFile } from '../../toolkit/walker.js';
import { type Ground, OpenFile, startHash } from './content.js';
import type { FilesystemCursor, ReadingPosition } from './cursor.js';
import { type FileFields, recordFields } from './events.js';
import { type KnownFile, toKnown } from './known-file.js';
import type { Settling } from './settling.js';
import type { Tree } from './tree.js';

/** What is handed out together. Changes of what is remembered were made before, and belong to it. */
export interface Step {
  readonly fields: readonly FileFields[];
  readonly cursor: FilesystemCursor;
  readonly cursorAt?: ((count: number) => FilesystemCursor) | undefined;
  readonly gap?: { readonly reason: GapReason; readonly detail: string; readonly from: unknown } | undefined;
}

export interface RecordReading extends Ground {
  readonly file: FoundFile;
  readonly format: Format;
  /** Where to begin, and what the cursor says meanwhile. */
  readonly reading: ReadingPosition;
  readonly known: KnownFile;
  readonly tree: Tree;
  readonly settling: Settling;
  readonly cursor: FilesystemCursor;
  readonly now: () => number;
}

/**
 * The records of one version of a file, a chunk at a time. When it was written to meanwhile this version is given up:
 * the next look finds another one.
 */
export async function* readRecords(options: RecordReading): AsyncGenerator<Step> {
  const { file, format, reading, known, tree, settling, cursor, now } = options;
  const { path } = file;
  const { position } = reading;
  const decoder = await format.open({ position, file: path });
  const isFromStart = format.resumesFrom === 'start' || position === undefined;
  const open = new OpenFile(options, file, isFromStart ? 0 : position.offset);
  const hash = isFromStart ? startHash() : undefined;
  try {
    for (let bytes = await open.next(); bytes.length > 0; bytes = await open.next()) {
      hash?.update(bytes);
      const items = decoder.push(bytes);
      if (items.length > 0) yield toStep(items, decoder, reading, cursor);
    }
    const items = decoder.finish();
    if (items.length > 0) yield toStep(items, decoder, reading, cursor);
    if (open.isUnchanged()) {
      const { isRacy } = toKnown(open.stats, now(), undefined);
      tree.set(path, { ...known, hash: hash?.digest('hex'), isRacy, isUnfinished: false });
    } else settling.lookAgain(path, now());
  } finally {
    open.close();
  }
  yield { fields: [], cursor };
}

function toStep(items: readonly Decoded[], decoder: Decoder, reading: ReadingPosition, cursor: FilesystemCursor): Step {
  const { path, version } = reading;
  // Asked for at once: the decoder goes on before the events are acknowledged.
  const last = decoder.positionAfter(items.at(-1) as Decoded);
  const cursorAt = (count: number): FilesystemCursor => {
    const item = items[count - 1];
    if (item === undefined) return { ...cursor, reading };
    const position = count === items.length ? last : decoder.positionAfter(item);
    return { ...cursor, reading: { path, version, position } };
  };
  return {
    fields: items.map((decoded) => recordFields(path, version, decoded)),
    cursor: cursorAt(items.length),
    cursorAt,
  };
}
