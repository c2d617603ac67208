import { wallMilliseconds } from './calendar.js';
import type { ParsedLine } from './line-format.js';
import { misfit } from './misfit.js';
import { parseStructuredData } from './structured-data.js';
import type { SyslogFields, Writable } from './syslog-fields.js';

// VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP. Longer names than the RFC allows are taken.
const HEADER = /^([1-9]\d{0,2}) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) /;
const BEGINNING = /^[1-9]\d{0,2} (?:-|\d{4}-\d{2}-\d{2}T[^ ]*) /;
// Six digits in the RFC; nanoseconds are seen in the wild.
const TIMESTAMP = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const BYTE_ORDER_MARK = '\uFEFF';
const NIL = '-';

/** Whether a line, behind its `<PRI>`, begins with a version and a time, as only RFC 5424 has it. */
export function isRfc5424(text: string): boolean {
  return BEGINNING.test(text);
}

/** RFC 3339 as RFC 5424 (6.2.3) narrows it. */
export function isTimestamp(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  if (match === null) return false;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return wallMilliseconds({ year, month, day, hour, minute, second }) !== undefined;
}

/**
 * A message of RFC 5424 without its `<PRI>`. The time is kept to the letter.
 * @see https://www.rfc-editor.org/rfc/rfc5424#section-6
 */
export function parseRfc5424(text: string): ParsedLine {
  const header = HEADER.exec(text);
  if (header === null) return misfit('the header ends before the structured data', 'SYSLOG_HEADER');
  const [head, version, time = NIL, host = NIL, app = NIL, procid = NIL, msgid = NIL] = header;
  if (time !== NIL && !isTimestamp(time)) return misfit('the time is not one of RFC 5424', 'SYSLOG_TIME');
  const data = parseStructuredData(text, head.length);
  if ('error' in data) return misfit(data.error, 'SYSLOG_STRUCTURED_DATA');
  const fields: Writable<SyslogFields> = { version: Number(version) };
  if (host !== NIL) fields.host = host;
  if (app !== NIL) fields.app = app;
  if (procid !== NIL) fields.procid = procid;
  if (msgid !== NIL) fields.msgid = msgid;
  if (data.elements !== undefined) fields.structuredData = data.elements;
  const message = messageFrom(text, data.end);
  return time === NIL ? { fields: { ...fields }, message } : { fields: { ...fields }, message, time };
}

/** What follows the space behind the structured data. The mark only says that the text is UTF-8. */
function messageFrom(text: string, at: number): string {
  const start = at + 1;
  return text.slice(text.startsWith(BYTE_ORDER_MARK, start) ? start + 1 : start);
}
