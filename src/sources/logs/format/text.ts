import { readLevel } from './level.js';
import type { LineFormat, ParsedLine } from './line-format.js';
import { readTimestamp } from './timestamp.js';
import { createZone, UTC } from './zone.js';

const NO_FIELDS = Object.freeze({});
/** `2024-05-06 07:08:09,123 [ERROR] …` */
const BEGINNING =
  /^\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)\b)?)\]?[ \t:|-]{0,8}[[(<]?([A-Za-z]{1,13})?(?![\w])/;

/** Plain lines: the line is the message. A time and a level at its beginning are read; nothing else is guessed. */
export function text({ zone = 'UTC' }: { zone?: string | undefined } = {}): LineFormat {
  const assumed = zone === 'UTC' ? UTC : createZone(zone);
  return {
    name: 'text',
    parse(line): ParsedLine {
      const match = mayHoldTime(line) ? BEGINNING.exec(line) : null;
      const timestamp = match === null ? undefined : readTimestamp(match[1], assumed);
      return {
        fields: NO_FIELDS,
        message: line,
        time: timestamp?.time,
        level: timestamp === undefined ? undefined : readLevel(match?.[2]),
        assumedZone: timestamp?.isAssumed === true ? zone : undefined,
        parseError: undefined,
      };
    },
  };
}

/** Whether there is more to say of a line than that it is the message. It begins with a digit, or `[`, then. */
export function mayHoldTime(line: string): boolean {
  const code = line.charCodeAt(0);
  return (code >= 0x30 && code <= 0x39) || code === 0x5b;
}
