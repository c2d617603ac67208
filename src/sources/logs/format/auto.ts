import type { LineFormat } from './line-format.js';

interface Formats {
  readonly json: LineFormat;
  readonly syslog: LineFormat;
  readonly text: LineFormat;
}

/** A line that begins with `{` is JSON, one that begins with `<` and a digit syslog; what does not fit that is text. */
export function auto({ json, syslog, text }: Formats): LineFormat {
  return {
    name: 'auto',
    parse(line, now) {
      const likely = likelyFormat(line);
      if (likely === undefined) return text.parse(line, now);
      const parsed = (likely === 'json' ? json : syslog).parse(line, now);
      return parsed.parseError === undefined ? parsed : text.parse(line, now);
    },
  };
}

function likelyFormat(line: string): 'json' | 'syslog' | undefined {
  const first = line.charCodeAt(0);
  if (first === 0x7b) return 'json';
  const second = line.charCodeAt(1);
  return first === 0x3c && second >= 0x30 && second <= 0x39 ? 'syslog' : undefined;
}
