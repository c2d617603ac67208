/** A line of a file. */
export interface Line {
  /** Without its line feed and the carriage return before it. */
  readonly text: string;
  /** Byte at which it begins. */
  readonly start: number;
  /** Byte after its line feed: where reading goes on when this line is done with. */
  readonly end: number;
  /** Where there is more to say than the text. */
  readonly notes: LineNotes | undefined;
}

/** What is special about a line. */
export interface LineNotes {
  /** The next one is a further part of the same line. */
  continued?: true;
  /** A further part of the line before it. */
  continuation?: true;
  /** Longer than the limit: the rest was left out. */
  truncated?: true;
  /** Bytes that are no text in the encoding were replaced by U+FFFD. */
  invalidBytes?: true;
  /** So many NUL bytes in front of it were left out: a hole in the file. */
  nulBytes?: number;
}

/** How bytes become lines. */
export interface LineOptions {
  /** Default 'utf-8'. */
  encoding?: 'utf-8' | 'latin1' | undefined;
  /** Longest line, in bytes. Default 1 MiB. */
  maxLineBytes?: number | undefined;
  /**
   * What becomes of a longer one. 'split' (default): parts of that length, all but the last noted as `continued`, all
   * but the first as `continuation`. 'truncate': its beginning, noted as `truncated`.
   */
  tooLong?: 'split' | 'truncate' | undefined;
}

export const DEFAULT_MAX_LINE_BYTES = 1_048_576;
