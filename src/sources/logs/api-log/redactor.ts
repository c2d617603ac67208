import { decoded, type SecretNames } from './secret-names.js';

export const REDACTED = '[redacted]';

const USER_INFO = /([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#"]+@/gi;
const SCHEME = /\b(bearer|basic|digest|negotiate)(\s{1,4})[\w.~+/=-]{8,}/gi;
/** Between a name and its value: `name=`, `name: `, `"name": "`, `\"name\":\"`. */
const SEPARATOR = /[=:]/g;
/** Before a separator. */
const NAME = /([\w.%[\]-]{1,64})\\?["']?\s{0,4}$/;
const NAME_WINDOW = 72;
/** Their values go on to the end of the line. */
const HEADER = /authorization|cookie/i;
/** A value that is percent-encoded may hold a URL whose value holds a URL. */
const MOST_ENCODINGS = 3;

/** Takes out what is secret, so far as names tell. What stands in a path cannot be told: see the page of the source. */
export class Redactor {
  readonly #names: SecretNames;

  constructor(names: SecretNames) {
    this.#names = names;
  }

  /** `a=1&token=2` -> `a=1&token=[redacted]` */
  query(query: string): string {
    let result = '';
    let from = 0;
    let equals = query.indexOf('=');
    for (let at = 0; at < query.length && equals !== -1; ) {
      const end = pairEnd(query, at);
      if (equals < end && this.#isSecretPair(query, at, equals, end)) {
        result += query.slice(from, equals + 1) + REDACTED;
        from = end;
      }
      at = end + 1;
      if (equals < at) equals = query.indexOf('=', at);
    }
    return from === 0 ? query : result + query.slice(from);
  }

  /** User info, query and fragment of a URL; parameters within its path. */
  url(url: string): string {
    const at = parametersStart(url);
    const address = at === -1 ? url : url.slice(0, at);
    const start = address.includes('@') ? address.replace(USER_INFO, `$1${REDACTED}@`) : address;
    return at === -1 ? start : start + url[at] + this.#parameters(url.slice(at + 1));
  }

  /** Any text: what looks like a name with its value, like an Authorization, like user info. */
  text(text: string): string {
    const plain = text.replace(USER_INFO, `$1${REDACTED}@`).replace(SCHEME, `$1$2${REDACTED}`);
    let result = '';
    let from = 0;
    for (const { index } of plain.matchAll(SEPARATOR)) {
      // Within a value that is taken out already.
      if (index < from) continue;
      const name = this.#secretBefore(plain, index, from);
      if (name === undefined) continue;
      const start = skipSpaces(plain, index + 1);
      const end = valueEnd(plain, start, plain[index] === ':' && HEADER.test(name));
      if (end === start) continue;
      result += plain.slice(from, start) + REDACTED;
      from = end;
    }
    return from === 0 ? plain : result + plain.slice(from);
  }

  /** Values of fields, to any depth; a copy where something is taken out. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((member) => this.value(member));
    // From entries, so that `__proto__` stays a name like any other.
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, this.#names.has(name) ? REDACTED : this.value(member)]),
    );
  }

  #parameters(text: string): string {
    return text
      .split(/([?#;])/)
      .map((part) => this.query(part))
      .join('');
  }

  /** The name in front of a separator, if it is that of a secret. */
  #secretBefore(text: string, separator: number, from: number): string | undefined {
    const windowStart = Math.max(from, separator - NAME_WINDOW);
    const match = NAME.exec(text.slice(windowStart, separator));
    const name = match?.[1];
    if (match === null || name === undefined) return undefined;
    const before = text[windowStart + match.index - 1];
    const isInQuery = before === '?' || before === '&';
    return (isInQuery ? this.#names.hasInQuery(name) : this.#names.has(name)) ? name : undefined;
  }

  #isSecretPair(query: string, start: number, equals: number, end: number): boolean {
    if (this.#names.hasInQuery(query.slice(start, equals))) return true;
    const value = query.slice(equals + 1, end);
    // A value that holds pairs itself.
    return /[=%]/.test(value) && this.#holdsSecret(value);
  }

  #holdsSecret(value: string): boolean {
    let text = value;
    for (let times = 0; times < MOST_ENCODINGS; times += 1) {
      const plain = decoded(text);
      if (/[=@]/.test(plain) && this.text(plain) !== plain) return true;
      if (plain === text) return false;
      text = plain;
    }
    return text.includes('%');
  }
}

/** Of the first `?`, `#` or `;`; -1 where there is none. */
function parametersStart(url: string): number {
  // Most have none, and looking for one character is much cheaper than for any of three.
  return url.includes('?') || url.includes('#') || url.includes(';') ? url.search(/[?#;]/) : -1;
}

/** At the next `&` or the end. */
function pairEnd(query: string, from: number): number {
  const end = query.indexOf('&', from);
  return end === -1 ? query.length : end;
}

/** Values in quotes or brackets end with them, others at what separates them from the next. */
function valueEnd(text: string, start: number, isHeader: boolean): number {
  const first = text[start];
  if (first === '[') return listEnd(text, start + 1);
  if (first === '"' || first === "'") return closing(text, start + 1, first);
  if (text.startsWith('\\"', start)) return closing(text, start + 2, '\\"');
  if (first === '{') return start;
  let at = start;
  while (at < text.length && !(isHeader ? isQuote(text.charCodeAt(at)) : isSeparator(text.charCodeAt(at)))) at += 1;
  return at;
}

/** After the bracket that is not within quotes; all of the text where there is none. */
function listEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === ']') return at + 1;
    if (text[at] === '"') at = closing(text, at + 1, '"') - 1;
  }
  return text.length;
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (at < text.length && at < from + 4 && text.charCodeAt(at) === 0x20) at += 1;
  return at;
}

/** After the end; all of the text where it does not end. Characters that a backslash escapes do not end it. */
function closing(text: string, from: number, end: string): number {
  for (let at = from; at < text.length; at += 1) {
    if (text.startsWith(end, at)) return at + end.length;
    if (text.charCodeAt(at) === 0x5c) at += 1;
  }
  return text.length;
}

/** Space, tab, `&`, `,`, `)`, `}`, `]`, quotes. */
function isSeparator(code: number): boolean {
  return (
    code <= 0x20 || code === 0x26 || code === 0x2c || code === 0x29 || code === 0x7d || code === 0x5d || isQuote(code)
  );
}

function isQuote(code: number): boolean {
  return code === 0x22 || code === 0x27;
}
