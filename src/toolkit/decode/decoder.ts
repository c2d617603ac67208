import type { DecodeError } from '../../core/errors.js';

/** One record of a stream of bytes, or the place where one could not be read. */
export interface Decoded {
  /** JSON-safe; undefined where `error` says why there is none. */
  readonly record: unknown;
  readonly error: DecodeError | undefined;
  /** Counts the records and errors of the stream, from 0. */
  readonly index: number;
  /** Line on which it begins, from 1; undefined where the format has no lines. */
  readonly line: number | undefined;
  /** Byte at which it begins. */
  readonly offset: number;
  /** Byte after it and its separator: where the next begins. */
  readonly end: number;
}

/** Where decoding goes on in the same bytes, in another process: plain JSON. */
export interface DecodePosition {
  readonly offset: number;
  readonly index: number;
  readonly line: number;
  /** What the format has to remember beside: the header and the delimiter of a CSV file. */
  readonly context?: unknown;
}

/** Turns the bytes of one stream into records, a chunk at a time. Holds at most one unfinished record. */
export interface Decoder {
  /** What the next bytes complete. The chunk may be overwritten afterwards: nothing of it is kept without a copy. */
  push(chunk: Uint8Array): Decoded[];
  /** The bytes have ended: what was still open. */
  finish(): Decoded[];
  /** Where another decoder of this format goes on after this record. */
  positionAfter(decoded: Decoded): DecodePosition;
  /** Set once nothing more can be read (the stream is of another format, a limit was passed): the last item says why. */
  readonly isDone: boolean;
}

/** A way to read bytes, with its options. */
export interface Format {
  readonly name: 'json' | 'jsonl' | 'csv' | 'yaml' | 'xml';
  /**
   * 'offset': a decoder opened with a position is given the bytes from `position.offset`.
   * 'start': it is given the bytes from the beginning, and leaves out the records before `position.index` itself.
   */
  readonly resumesFrom: 'offset' | 'start';
  /** @throws MissingPeerError where the format is read by an optional package that is not there. */
  open(options?: { position?: DecodePosition | undefined; file?: string | undefined }): Promise<Decoder>;
}
