import type { GapEvent, SourceEvent } from '../../../core/event.js';
import type { EventFields } from '../../../core/event-source.js';
import type { Line } from '../../../toolkit/lines/line.js';
import type { LogErrorEvent } from '../files/log-file-source.js';
import type { LineParseError, ParsedLine } from '../format/line-format.js';

/** A line of a file, or several that belong together. */
export interface LogLine {
  /** The name under which it was written, relative to `dir` where it is below it; rotation changes nothing. */
  file: string;
  /** Byte of the file at which it begins. */
  offset: number;
  /** The text, without its line end. */
  line: string;
  /** What the line holds, by name, as the format reads it. */
  fields?: Readonly<Record<string, unknown>>;
  /** The human text of it. */
  message?: string;
  /** As it is commonly named: trace, debug, info, notice, warn, error, critical, alert, emergency. */
  level?: string;
  /** The zone that was taken for its time, where the line names none. */
  assumedZone?: string;
  /** The line does not fit the format. */
  parseError?: LineParseError;
  /** The next event of the file has a further part of the same line. */
  continued?: true;
  /** A further part of the line before it. */
  continuation?: true;
  /** Longer than `maxLineBytes`: the rest was left out. */
  truncated?: true;
  /** Bytes that are no text in the encoding were replaced by U+FFFD. */
  invalidBytes?: true;
  /** So many NUL bytes in front of it were left out: a hole in the file. */
  nulBytes?: number;
}

export type LogLineEvent = SourceEvent<'log.line', LogLine>;

/** Everything a `LogSource` emits. */
export type LogEvent = LogLineEvent | LogErrorEvent | GapEvent;

export type LogLineFields = EventFields<'log.line', LogLine>;

/** Of a line that is text: what it holds is the line itself. */
export function textFields(line: Line, file: string, id: string, parsed: ParsedLine | undefined): LogLineFields {
  const data: LogLine = { file, offset: line.start, line: line.text };
  if (line.notes !== undefined) Object.assign(data, line.notes);
  if (parsed === undefined) return { type: 'log.line', id, data };
  if (parsed.level !== undefined) data.level = parsed.level;
  if (parsed.assumedZone !== undefined) data.assumedZone = parsed.assumedZone;
  return { type: 'log.line', id, data, time: parsed.time };
}

/** Of a line that was read by a format. */
export function parsedFields(line: Line, file: string, id: string, parsed: ParsedLine): LogLineFields {
  const { fields, message, level, time, assumedZone, parseError } = parsed;
  const { start: offset, text } = line;
  let data: LogLine;
  // Written out, because an object that is added to takes several times as long.
  if (parseError === undefined && message !== undefined && level !== undefined) {
    data = { file, offset, line: text, fields, message, level };
  } else {
    data = { file, offset, line: text };
    if (parseError === undefined) data.fields = fields;
    else data.parseError = parseError;
    if (message !== undefined) data.message = message;
    if (level !== undefined) data.level = level;
  }
  if (assumedZone !== undefined) data.assumedZone = assumedZone;
  if (line.notes !== undefined) Object.assign(data, line.notes);
  return { type: 'log.line', id, data, time };
}
