import { type Fields, setField } from './fields.js';
import type { LineFormat } from './line-format.js';
import { Meaning, type MeaningOptions } from './meaning.js';
import { misfit } from './misfit.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const EQUALS = 0x3d;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', '"': '"', '\\': '\\' };

/**
 * `key=value key="quoted value" key`: values are text, digits and all; a key alone is `true`. In quotes the escapes of
 * JSON hold. A line without any `=` is no logfmt.
 *
 * @see https://brandur.org/logfmt
 */
export function logfmt(options: MeaningOptions = {}): LineFormat {
  const meaning = new Meaning(options);
  return {
    name: 'logfmt',
    parse(line) {
      const fields: Fields = {};
      const problem = readPairs(line, fields);
      return problem === undefined ? meaning.read(fields) : misfit(problem);
    },
  };
}

/** What is wrong with the line, if anything is. */
function readPairs(line: string, fields: Fields): string | undefined {
  let hasPairs = false;
  for (let at = skipSpaces(line, 0); at < line.length; at = skipSpaces(line, at)) {
    const keyEnd = wordEnd(line, at);
    if (keyEnd === at) return 'a pair has no key';
    const key = line.slice(at, keyEnd);
    if (line.charCodeAt(keyEnd) !== EQUALS) {
      if (line.charCodeAt(keyEnd) === QUOTE) return 'a quote where a key should be';
      setField(fields, key, true);
      at = keyEnd;
      continue;
    }
    hasPairs = true;
    const from = keyEnd + 1;
    if (line.charCodeAt(from) === QUOTE) {
      at = quotedEnd(line, from + 1);
      if (at === -1) return 'a quoted value does not end';
      setField(fields, key, unescaped(line.slice(from + 1, at - 1)));
      if (at < line.length && !isSpace(line.charCodeAt(at))) return 'something follows a quoted value';
    } else {
      at = bareEnd(line, from);
      setField(fields, key, line.slice(from, at));
    }
  }
  return hasPairs ? undefined : 'there is no pair of key and value';
}

function skipSpaces(line: string, from: number): number {
  let at = from;
  while (at < line.length && isSpace(line.charCodeAt(at))) at += 1;
  return at;
}

/** Keys end at a space, `=` or a quote. */
function wordEnd(line: string, from: number): number {
  let at = from;
  for (; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if (isSpace(code) || code === EQUALS || code === QUOTE) break;
  }
  return at;
}

function bareEnd(line: string, from: number): number {
  let at = from;
  while (at < line.length && !isSpace(line.charCodeAt(at))) at += 1;
  return at;
}

/** After the closing quote; -1 where there is none. */
function quotedEnd(line: string, from: number): number {
  for (let at = from; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  return -1;
}

function unescaped(value: string): string {
  if (!value.includes('\\')) return value;
  // An escape that is none of JSON stays as it is.
  return value.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (sequence: string, code?: string, character = '') =>
    code === undefined ? (ESCAPED[character] ?? sequence) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
