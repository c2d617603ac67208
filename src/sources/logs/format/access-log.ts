import type { LineFormat, ParsedLine } from './line-format.js';
import { misfit } from './misfit.js';
import { readAccessTime } from './timestamp.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const DASH = 0x2d;
/** `[10/Oct/2000:13:55:36 -0700]` */
const DATE_LENGTH = 28;
const NIL = '-';

/** What a line of an access log says. What it does not say (`-`) is absent. */
export type AccessFields = {
  clientAddress?: string;
  identity?: string;
  user?: string;
  method?: string;
  /** As the client wrote it: a path with its query, or a whole URL. */
  target?: string;
  /** 'HTTP/1.1' */
  protocol?: string;
  /** The first line of the request, where it is not method, target and protocol. */
  request?: string;
  status?: number;
  bytes?: number;
  referer?: string;
  userAgent?: string;
  /** What follows what the format has. */
  rest?: string;
};

export type AccessLogName = 'common' | 'combined' | 'nginx';

/**
 * The Common Log Format of NCSA and Apache, and Combined, which adds referer and user agent; `nginx` is its default
 * format of the same name. What follows is kept as `rest`.
 *
 * Apache writes `\"` and `\\` where nginx writes `\x22` and `\x5C`; both write other bytes as `\xhh`. Both are read
 * everywhere. A field whose bytes are no UTF-8 stays as it was logged, escapes and all.
 *
 * @see https://httpd.apache.org/docs/2.4/mod/mod_log_config.html
 * @see https://nginx.org/en/docs/http/ngx_http_log_module.html
 */
export function accessLog(name: AccessLogName): LineFormat {
  const hasAgent = name !== 'common';
  return { name, parse: (line) => readLine(line, hasAgent) };
}

function readLine(line: string, hasAgent: boolean): ParsedLine {
  const open = findDate(line);
  if (open === -1) return misfit('it has no [date] where an access log has one');
  const time = readAccessTime(line, open);
  if (time === undefined) return misfit('its date cannot be read');
  const fields: AccessFields = {};
  if (!readClient(line.slice(0, open - 1), fields))
    return misfit('it has no client, identity and user before the date');
  const requestStart = open + DATE_LENGTH + 2;
  if (line.charCodeAt(requestStart - 2) !== SPACE || line.charCodeAt(requestStart - 1) !== QUOTE) {
    return misfit('no request in quotes follows the date');
  }
  const requestEnd = closingQuote(line, requestStart, isNumberNext);
  if (requestEnd === -1) return misfit('its request does not end');
  readRequest(unescaped(line.slice(requestStart, requestEnd)), fields);
  const problem = readAnswer(line, requestEnd + 1, hasAgent, fields);
  if (problem !== undefined) return misfit(problem);
  return { fields, message: undefined, time, level: undefined, assumedZone: undefined, parseError: undefined };
}

/** A user may contain anything, `[` too. */
function findDate(line: string): number {
  for (let at = line.indexOf(' ['); at !== -1; at = line.indexOf(' [', at + 1)) {
    if (line[at + 4] === '/' && line[at + DATE_LENGTH] === ']') return at + 1;
  }
  return -1;
}

function readClient(text: string, fields: AccessFields): boolean {
  const afterClient = text.indexOf(' ');
  const afterIdentity = text.indexOf(' ', afterClient + 1);
  if (afterClient < 1 || afterIdentity === -1) return false;
  fields.clientAddress = text.slice(0, afterClient);
  const identity = text.slice(afterClient + 1, afterIdentity);
  const user = text.slice(afterIdentity + 1);
  if (identity !== NIL) fields.identity = identity;
  if (user !== NIL) fields.user = unescaped(user);
  return true;
}

/** `GET /path HTTP/1.1`. What is not that (an empty line, the beginning of a TLS handshake) is kept as `request`. */
function readRequest(request: string, fields: AccessFields): void {
  const afterMethod = request.indexOf(' ');
  const beforeProtocol = request.lastIndexOf(' ');
  const isThree = afterMethod > 0 && request.indexOf(' ', afterMethod + 1) === beforeProtocol;
  if (isThree && beforeProtocol > afterMethod + 1 && request.startsWith('HTTP/', beforeProtocol + 1)) {
    fields.method = request.slice(0, afterMethod);
    fields.target = request.slice(afterMethod + 1, beforeProtocol);
    fields.protocol = request.slice(beforeProtocol + 1);
  } else if (request !== NIL) fields.request = request;
}

/** `200 2326 "referer" "user agent" …`: what is wrong with it, if anything is. */
function readAnswer(line: string, from: number, hasAgent: boolean, fields: AccessFields): string | undefined {
  const bytesStart = line.indexOf(' ', from + 1) + 1;
  if (line.charCodeAt(from) !== SPACE || bytesStart === 0) return 'no status and size follow the request';
  const afterBytes = line.indexOf(' ', bytesStart);
  const bytesEnd = afterBytes === -1 ? line.length : afterBytes;
  const status = wholeNumber(line, from + 1, bytesStart - 1);
  // `-` is what %b writes for no bytes at all.
  const bytes = line.slice(bytesStart, bytesEnd) === NIL ? 0 : wholeNumber(line, bytesStart, bytesEnd);
  if (bytes === undefined) return 'its size is no number';
  if (status !== undefined) fields.status = status;
  else if (line.slice(from + 1, bytesStart - 1) !== NIL) return 'its status is no number';
  fields.bytes = bytes;
  return hasAgent ? readAgent(line, bytesEnd, fields) : readRest(line, bytesEnd, fields);
}

function readAgent(line: string, from: number, fields: AccessFields): string | undefined {
  if (!line.startsWith(' "', from)) return 'no referer follows in quotes';
  const refererEnd = closingQuote(line, from + 2, isQuoteNext);
  if (refererEnd === -1 || !line.startsWith(' "', refererEnd + 1)) return 'no user agent follows in quotes';
  const agentEnd = closingQuote(line, refererEnd + 3, isEndNext);
  if (agentEnd === -1) return 'its user agent does not end';
  const referer = line.slice(from + 2, refererEnd);
  const userAgent = line.slice(refererEnd + 3, agentEnd);
  if (referer !== NIL) fields.referer = unescaped(referer);
  if (userAgent !== NIL) fields.userAgent = unescaped(userAgent);
  return readRest(line, agentEnd + 1, fields);
}

function readRest(line: string, from: number, fields: AccessFields): undefined {
  if (from + 1 < line.length) fields.rest = line.slice(from + 1);
}

/**
 * The quote that no backslash escapes and after which the next field follows: servers that do not escape log the quotes
 * that a client sends as they are. -1 where there is none.
 */
function closingQuote(line: string, from: number, isNext: (line: string, at: number) => boolean): number {
  for (let at = line.indexOf('"', from); at !== -1; at = line.indexOf('"', at + 1)) {
    if (isNext(line, at + 1) && !isEscaped(line, at, from)) return at;
  }
  return -1;
}

function isNumberNext(line: string, at: number): boolean {
  const code = line.charCodeAt(at + 1);
  return line.charCodeAt(at) === SPACE && ((code >= 0x30 && code <= 0x39) || code === DASH);
}

function isQuoteNext(line: string, at: number): boolean {
  return line.charCodeAt(at) === SPACE && line.charCodeAt(at + 1) === QUOTE;
}

function isEndNext(line: string, at: number): boolean {
  return at === line.length || line.charCodeAt(at) === SPACE;
}

/** After an odd number of backslashes. */
function isEscaped(line: string, at: number, from: number): boolean {
  let first = at;
  while (first > from && line.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

const ESCAPES = /(?:\\x[0-9a-fA-F]{2})+|\\[\\"nrtbfv]/g;
const CHARACTERS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' };
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return text.replace(ESCAPES, (sequence) => {
      const kind = sequence[1] ?? '';
      return kind === 'x'
        ? utf8.decode(Buffer.from(sequence.replaceAll('\\x', ''), 'hex'))
        : (CHARACTERS[kind] ?? kind);
    });
  } catch {
    return text;
  }
}

/** Undefined where it is none, or has more than fifteen digits. */
function wholeNumber(line: string, from: number, to: number): number | undefined {
  if (to <= from || to - from > 15) return undefined;
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = line.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
