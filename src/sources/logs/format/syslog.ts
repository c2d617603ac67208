import { readLevel } from './level.js';
import type { LineFormat, ParsedLine } from './line-format.js';
import { misfit } from './misfit.js';
import { parseRfc3164 } from './syslog-3164.js';
import { isRfc5424, parseRfc5424 } from './syslog-5424.js';
import type { SyslogFields } from './syslog-fields.js';
import { createZone } from './zone.js';

export interface SyslogFormatOptions {
  /** Of lines that name none: an IANA name, `UTC`, or an offset such as `+02:00`. Default `UTC`. */
  zone?: string | undefined;
}

const PRIORITY = /^<(\d{1,3})>/;
const MOST_PRIORITY = 191;

/**
 * Syslog messages, told apart line by line: RFC 5424, and what RFC 3164 describes, with and without `<PRI>` as files
 * have none. `fields` are `facility`, `severity`, `version`, `host`, `app`, `procid`, `msgid`, `structuredData`; what a
 * line does not say is left out.
 *
 * ```ts
 * const format = createSyslogFormat({ zone: 'Europe/Berlin' });
 * format.parse('<34>Oct 11 22:14:15 mymachine su[77]: failed', Date.now());
 * ```
 * @throws RangeError where there is no such zone.
 * @see https://www.rfc-editor.org/rfc/rfc5424
 * @see https://www.rfc-editor.org/rfc/rfc3164
 */
export function createSyslogFormat({ zone: zoneName = 'UTC' }: SyslogFormatOptions = {}): LineFormat {
  const zone = createZone(zoneName);
  return {
    name: 'syslog',
    parse(line, now) {
      const [head = '', digits] = PRIORITY.exec(line) ?? [];
      const priority = digits === undefined ? undefined : Number(digits);
      if (priority !== undefined && priority > MOST_PRIORITY) {
        return misfit(`the priority is above ${MOST_PRIORITY}`, 'SYSLOG_PRIORITY');
      }
      const text = line.slice(head.length);
      const hasPriority = priority !== undefined;
      const parsed = isRfc5424(text) ? parseRfc5424(text) : parseRfc3164(text, { zone, now, hasPriority });
      return priority === undefined ? parsed : withPriority(parsed, priority);
    },
  };
}

/** Facility × 8 + severity. */
function withPriority(parsed: ParsedLine, priority: number): ParsedLine {
  if (parsed.parseError !== undefined) return parsed;
  const severity = priority & 7;
  const fields: SyslogFields = { facility: priority >> 3, severity, ...parsed.fields };
  return { ...parsed, fields: { ...fields }, level: readLevel(severity) };
}
