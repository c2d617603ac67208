import { type WallTime, wallMilliseconds } from './calendar.js';
import type { ParsedLine } from './line-format.js';
import { misfit } from './misfit.js';
import { isTimestamp } from './syslog-5424.js';
import type { SyslogFields, Writable } from './syslog-fields.js';
import { createZone, offsetText, type Zone } from './zone.js';

export interface Surroundings {
  readonly zone: Zone;
  /** Milliseconds since the epoch: the year of a line that names none is told by when it was received. */
  readonly now: number;
  /** Whether `<PRI>` stood before: then this is a message whatever follows. */
  readonly hasPriority: boolean;
}

const DAY_MS = 86_400_000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const ISO = /^\d{4}-\d{2}-\d{2}T[^ ]+(?: |$)/;
// [YEAR ]Mmm d[ YEAR] hh:mm:ss[.fraction][ YEAR][ ZONE], then a space, a colon or the end.
const BSD =
  /^(?:(\d{4}) )?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(?: ((?:19|20)\d{2})(?=[ :]|$))?( ?Z| UTC| GMT| ?[+-](?:[01]\d|2[0-3]):?[0-5]\d)?(?::? |:?$)/;
/** Names, addresses (also of IPv6), and chains of relays such as `source@relay/host`. */
const HOST = /^[\w.:@/-]+$/;
/** A program with its process id, with what may follow at once: `sshd[77]:`, `CRON[5]`, `sshd[77]:text`. */
const WITH_ID = /^([^\s[\]]+)\[([^\s[\]]*)\](?::|$)/;

/** When a line was written. `rest`: where it goes on. */
interface Stamp {
  readonly time: string;
  readonly rest: number;
  readonly assumedZone?: string;
}

/**
 * What RFC 3164 describes, as it is found in the wild: with the year before or behind the day or behind the time, with
 * fractions, with a zone, with the time of RFC 3339 (what rsyslog writes into files and forwards); without a host
 * (`logger` to its own machine); without a tag. A first word with a colon at its end or an id in brackets is the tag,
 * any other is the host. With `<PRI>` and no time at all the rest is the message.
 *
 * Without a year, the latest is taken that places the time no later than a day after `now`: up to twelve months back.
 * 29 February is refused where that leads to no leap year.
 * @see https://www.rfc-editor.org/rfc/rfc3164#section-4.1
 */
export function parseRfc3164(text: string, around: Surroundings): ParsedLine {
  const stamp = readStamp(text, around);
  if (stamp === 'impossible') {
    return misfit('the time is on no calendar or clock', 'SYSLOG_TIME');
  }
  if (stamp === undefined) {
    return around.hasPriority
      ? withoutTime(text)
      : misfit('the line begins neither with <PRI> nor with a time', 'SYSLOG_HEADER');
  }
  const { fields, message } = readContent(text.slice(stamp.rest));
  const parsed = { fields: { ...fields }, message, time: stamp.time };
  return stamp.assumedZone === undefined ? parsed : { ...parsed, assumedZone: stamp.assumedZone };
}

function withoutTime(text: string): ParsedLine {
  const fields: Writable<SyslogFields> = {};
  const tag = readTag(text);
  // Without a time, a word with a colon is as likely a part of the text.
  if (tag?.procid === undefined) return { fields: {}, message: text };
  fields.app = tag.app;
  fields.procid = tag.procid;
  return { fields: { ...fields }, message: tag.message };
}

function readStamp(text: string, around: Surroundings): Stamp | 'impossible' | undefined {
  const iso = ISO.exec(text)?.[0];
  if (iso !== undefined) {
    const time = iso.trimEnd();
    return isTimestamp(time) ? { time, rest: iso.length } : 'impossible';
  }
  const match = BSD.exec(text);
  const month = MONTHS.indexOf(match?.[2] ?? '') + 1;
  return match === null || month === 0 ? undefined : readBsdStamp(match, month, around);
}

function readBsdStamp(match: RegExpExecArray, month: number, { zone, now }: Surroundings): Stamp | 'impossible' {
  const [head, before, , day, between, hour, minute, second, digits, behind, zoneText] = match;
  const rest = { month, day: Number(day), hour: Number(hour), minute: Number(minute), second: Number(second) };
  const named = zoneText === undefined ? undefined : createZone(zoneText.trim());
  const year = before ?? between ?? behind;
  const moment =
    year === undefined ? inLikelyYear(rest, named ?? zone, now) : inYear(Number(year), rest, named ?? zone);
  if (moment === undefined) return 'impossible';
  const fraction = digits === undefined ? '' : `.${digits}`;
  const text = new Date(moment.wall).toISOString().slice(0, -5);
  const stamp = { time: `${text}${fraction}${offsetText(moment.offset)}`, rest: head.length };
  return named === undefined ? { ...stamp, assumedZone: zone.name } : stamp;
}

interface Moment {
  /** What the clocks of the zone show, as if it were UTC. */
  readonly wall: number;
  /** Minutes. */
  readonly offset: number;
  readonly instant: number;
}

/** The latest that is not in the future, of the year before, this one and the next. */
function inLikelyYear(rest: Omit<WallTime, 'year'>, zone: Zone, now: number): Moment | undefined {
  const thisYear = new Date(now).getUTCFullYear();
  for (const year of [thisYear + 1, thisYear, thisYear - 1]) {
    const moment = inYear(year, rest, zone);
    if (moment === undefined || moment.instant > now + DAY_MS) continue;
    return moment.instant > now - 366 * DAY_MS ? moment : undefined;
  }
  return undefined;
}

function inYear(year: number, rest: Omit<WallTime, 'year'>, zone: Zone): Moment | undefined {
  const wall = wallMilliseconds({ ...rest, year });
  if (wall === undefined) return undefined;
  const offset = zone.offsetAt(wall);
  return { wall, offset, instant: wall - offset * 60_000 };
}

/** What follows the time: host, tag, message. */
function readContent(text: string): { fields: SyslogFields; message: string } {
  const first = wordOf(text);
  const isHost = HOST.test(first) && !first.endsWith(':') && first.length < text.length;
  const fields: Writable<SyslogFields> = {};
  if (isHost) fields.host = first;
  const content = isHost ? text.slice(first.length + 1) : text;
  const tag = readTag(content);
  if (tag === undefined) return { fields, message: content };
  fields.app = tag.app;
  if (tag.procid !== undefined) fields.procid = tag.procid;
  return { fields, message: tag.message };
}

/** `name:`, `name[id]:`, `name[id]`; the name is whatever is no space or bracket. */
function readTag(text: string): { app: string; procid: string | undefined; message: string } | undefined {
  const word = wordOf(text);
  const [head, app, procid] = WITH_ID.exec(word) ?? [];
  if (head !== undefined && app !== undefined) return { app, procid, message: behind(text, head.length) };
  if (word.length < 2 || !word.endsWith(':')) return undefined;
  return { app: word.slice(0, -1), procid: undefined, message: behind(text, word.length) };
}

function wordOf(text: string): string {
  const space = text.search(/\s/);
  return space < 0 ? text : text.slice(0, space);
}

function behind(text: string, at: number): string {
  return text.slice(text[at] === ' ' ? at + 1 : at);
}
