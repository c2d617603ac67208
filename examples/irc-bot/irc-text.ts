/**
 * What Unicode calls control characters, line and paragraph separators, and what turns the direction of text around.
 * Line ends and NUL would end a command and begin another; 0x01 makes a CTCP request of a text; the others colour it or
 * hide a part of it. Space beside them goes with them.
 */
const HOSTILE = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF\s]+/gu;

/**
 * Text of one message, in bytes. A line of IRC has at most 512 with its end (RFC 2812, 2.3), and the server writes in front
 * of it who says it to whom.
 */
export const MOST_BYTES = 350;

/** Any text as lines that can be said: none has a control character, none is too long, and there are at most so many. */
export function toLines(text: string, most: number): string[] {
  const lines: string[] = [];
  // Through bytes, as half of a surrogate pair has none.
  let rest = Buffer.from(text).toString().replace(HOSTILE, ' ').trim();
  while (rest !== '') {
    const line = firstLine(rest);
    rest = rest.slice(line.length).trimStart();
    if (lines.push(line.trimEnd()) === most && rest !== '') {
      lines[most - 1] = `${firstLine(line, MOST_BYTES - 3).trimEnd()}…`;
      break;
    }
  }
  return lines;
}

/** As many whole characters as there is room for, up to the end of a word where there is one. */
function firstLine(text: string, bytes = MOST_BYTES): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let [end, used] = [0, 0];
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    end += character.length;
  }
  const space = text.lastIndexOf(' ', end);
  return text.slice(0, space > end / 2 ? space : end);
}
