import { offsetText, type Zone } from './zone.js';

export interface Timestamp {
  /** RFC 3339, with the digits that the line has. */
  readonly time: string;
  /** Whether the line names no zone. */
  readonly isAssumed: boolean;
}

/** ISO 8601 as logs write it: also a space for `T`, a comma before the fraction (Python), slashes (Go, nginx). */
const ISO =
  /^(\d{4})([-/])(\d\d)\2(\d\d)[Tt _](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)? ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/;
/** 2024-05-06T07:08:09.123Z. */
const RFC_3339_UTC =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,12})?Z$/;
/** Of NCSA access logs: 10/Oct/2000:13:55:36 -0700. */
const ACCESS = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})$/;
/** RFC 5322, which HTTP dates are as well: Mon, 02 Jan 2006 15:04:05 GMT. */
const INTERNET =
  /^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (Z|UTC|GMT|[+-]\d\d:?\d\d)$/;
const EPOCH = /^(\d{1,20})(?:\.(\d{1,12}))?$/;
const LONGEST = 64;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * When a field says that something happened; undefined where it does not say. Numbers are seconds, milliseconds,
 * microseconds or nanoseconds since 1970, told apart by their size: each unit is good for the years 1973 to 5138.
 */
export function readTimestamp(value: unknown, zone: Zone): Timestamp | undefined {
  if (typeof value === 'number') return fromNumber(value);
  if (typeof value !== 'string' || value.length > LONGEST) return undefined;
  if (isRfc3339(value)) return { time: value, isAssumed: false };
  return fromIso(value, zone) ?? fromEpoch(value) ?? fromAccessLog(value) ?? fromInternet(value);
}

/** Which needs no change, and which most have. */
function isRfc3339(text: string): boolean {
  if (!RFC_3339_UTC.test(text)) return false;
  const day = twoDigitsAt(text, 8);
  return day <= 28 || day <= daysIn(twoDigitsAt(text, 0) * 100 + twoDigitsAt(text, 2), twoDigitsAt(text, 5));
}

function fromIso(text: string, zone: Zone): Timestamp | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, year = '', , month = '', day = '', hour = '', minute = '', second = '00', fraction, named] = match;
  return compose({ year, month, day, hour, minute, second, fraction, named }, zone);
}

function fromAccessLog(text: string): Timestamp | undefined {
  const match = ACCESS.exec(text);
  if (match === null) return undefined;
  const [, day = '', name = '', year = '', hour = '', minute = '', second = '', named] = match;
  return compose({ year, month: monthNumber(name), day, hour, minute, second, named });
}

function fromInternet(text: string): Timestamp | undefined {
  const match = INTERNET.exec(text);
  if (match === null) return undefined;
  const [, day = '', name = '', year = '', hour = '', minute = '', second = '', named] = match;
  return compose({ year, month: monthNumber(name), day: day.padStart(2, '0'), hour, minute, second, named });
}

/**
 * The same at a place in a line, which has to be in brackets there: `[10/Oct/2000:13:55:36 -0700]`. Undefined where there
 * is none.
 */
export function readAccessTime(line: string, open: number): string | undefined {
  if (line[open + 12] !== ':' || line[open + 15] !== ':' || line[open + 18] !== ':' || line[open + 21] !== ' ')
    return undefined;
  const day = accessDay(line.slice(open + 1, open + 12));
  const zone = accessZone(line.slice(open + 22, open + 27));
  if (day === undefined || zone === undefined || line[open + 27] !== ']') return undefined;
  const isClock =
    twoDigitsAt(line, open + 13) <= 23 && twoDigitsAt(line, open + 16) <= 59 && twoDigitsAt(line, open + 19) <= 60;
  return isClock ? `${day}T${line.slice(open + 13, open + 21)}${zone}` : undefined;
}

let lastAccessDay = '';
let lastDay: string | undefined;

/** '10/Oct/2000' -> '2000-10-10' */
function accessDay(text: string): string | undefined {
  if (text !== lastAccessDay) {
    lastAccessDay = text;
    lastDay = fromAccessLog(`${text}:00:00:00 +0000`)?.time.slice(0, 10);
  }
  return lastDay;
}

let lastAccessZone = '';
let lastZone: string | undefined;

function accessZone(text: string): string | undefined {
  if (text !== lastAccessZone) {
    lastAccessZone = text;
    lastZone = /^[+-]\d{4}$/.test(text) ? namedOffset(text) : undefined;
  }
  return lastZone;
}

interface Parts {
  readonly year: string;
  readonly month: string;
  readonly day: string;
  readonly hour: string;
  readonly minute: string;
  readonly second: string;
  readonly fraction?: string | undefined;
  /** The zone that the text names. */
  readonly named?: string | undefined;
}

function compose(parts: Parts, zone?: Zone): Timestamp | undefined {
  const { year, month, day, hour, minute, second, fraction, named } = parts;
  const numbers = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (!isTime(...numbers)) return undefined;
  const offset = named === undefined ? assumedOffset(numbers, zone) : namedOffset(named);
  if (offset === undefined) return undefined;
  const digits = fraction === undefined ? '' : `.${fraction}`;
  return {
    time: `${year}-${month}-${day}T${hour}:${minute}:${second}${digits}${offset}`,
    isAssumed: named === undefined,
  };
}

function assumedOffset(
  [year, month, day, hour, minute, second]: [number, number, number, number, number, number],
  zone: Zone | undefined,
): string | undefined {
  return zone && offsetText(zone.offsetAt(Date.UTC(year, month - 1, day, hour, minute, second)));
}

/** '-0700' -> '-07:00' */
function namedOffset(named: string): string | undefined {
  const sign = named[0];
  if (sign !== '+' && sign !== '-') return 'Z';
  const hours = named.slice(1, 3);
  const minutes = named.length > 3 ? named.slice(-2) : '00';
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return hours === '00' && minutes === '00' && sign === '+' ? 'Z' : `${sign}${hours}:${minutes}`;
}

/** How many digits of the whole part are below the second. Eleven digits are seconds until the year 5138. */
function digitsBelowSecond(wholeDigits: number): number {
  if (wholeDigits <= 11) return 0;
  if (wholeDigits <= 14) return 3;
  return wholeDigits <= 17 ? 6 : 9;
}

/** The usual one without a detour: milliseconds, of thirteen digits. */
function fromNumber(value: number): Timestamp | undefined {
  if (!(value >= 1e12 && value < 1e13) || !Number.isInteger(value)) return fromEpoch(String(value));
  const second = Math.floor(value / 1_000);
  const rest = value - second * 1_000;
  const digits = rest < 10 ? '00' : rest < 100 ? '0' : '';
  return { time: `${secondText(second)}.${digits}${rest}Z`, isAssumed: false };
}

let lastSecond = Number.NaN;
let lastText = '';

/** Lines of one log share many of their seconds. */
function secondText(second: number): string {
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = new Date(second * 1_000).toISOString().slice(0, -5);
  }
  return lastText;
}

function fromEpoch(text: string): Timestamp | undefined {
  const match = EPOCH.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  const split = whole.length - digitsBelowSecond(whole.length);
  // A small number counts something else.
  if (split < 9) return undefined;
  const second = secondText(Number(whole.slice(0, split)));
  const digits = whole.slice(split) + fraction;
  return { time: digits === '' ? `${second}Z` : `${second}.${digits}Z`, isAssumed: false };
}

function isTime(year: number, month: number, day: number, hour: number, minute: number, second: number): boolean {
  // A minute with a leap second has a 60th.
  if (!(hour <= 23 && minute <= 59 && second <= 60 && month >= 1 && month <= 12 && day >= 1)) return false;
  return day <= 28 || day <= daysIn(year, month);
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}

function monthNumber(name: string): string {
  return String(MONTHS.indexOf(name) + 1).padStart(2, '0');
}

/** NaN where they are not digits, which then compares to nothing. */
function twoDigitsAt(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - 48) * 10 + ones - 48 : Number.NaN;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
