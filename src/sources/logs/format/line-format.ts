/** What a line says. */
export interface ParsedLine {
  /** What the line holds, by name: safe to write as JSON, own properties only. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The human text of the line, where the format has one. */
  readonly message?: string | undefined;
  /** RFC 3339, with the precision of the line: microseconds stay microseconds. */
  readonly time?: string | undefined;
  /** As it is commonly named: trace, debug, info, notice, warn, error, critical, alert, emergency. */
  readonly level?: string | undefined;
  /** The zone that was taken where the line names none. */
  readonly assumedZone?: string | undefined;
  /** Set when the line does not fit the format; then `fields` is empty. Never thrown. */
  readonly parseError?: LineParseError | undefined;
}

/** Why a line does not fit its format: in words, and without the text of the line. */
export interface LineParseError {
  readonly code: string;
  readonly message: string;
}

/** Turns a line of text into what it says. */
export interface LineFormat {
  readonly name: string;
  /**
   * Never throws, whatever the line holds.
   *
   * @param now - milliseconds since the epoch, for what a line leaves out, such as the year.
   */
  parse(line: string, now: number): ParsedLine;
}
