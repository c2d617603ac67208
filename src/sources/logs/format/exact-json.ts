type Look = 'fine' | 'inexact' | 'deep';

/**
 * `JSON.parse`, but integers beyond 2^53 and numbers beyond what a double holds become strings of their own digits:
 * 9007199254740993 would be 9007199254740992, and 1e999 would be Infinity, which JSON does not have. 'deep' where it is
 * nested more than `maxDepth` deep; undefined where it is not JSON.
 */
export function parseExactJson(text: string, maxDepth: number): { value: unknown } | 'deep' | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const look = lookAt(value, maxDepth);
    if (look === 'deep') return 'deep';
    return { value: look === 'fine' ? value : JSON.parse(quoteInexact(text)) };
  } catch {
    return undefined;
  }
}

function lookAt(value: unknown, maxDepth: number): Look {
  if (typeof value === 'number') return isInexact(value) ? 'inexact' : 'fine';
  if (typeof value !== 'object' || value === null) return 'fine';
  return maxDepth === 0 ? 'deep' : lookInto(value, maxDepth - 1);
}

/**
 * A twentieth of what parsing costs, as long as there is no call for what is no object; looking for long numbers in the
 * text would be a third.
 */
function lookInto(value: object, depthLeft: number): Look {
  let found: Look = 'fine';
  // What JSON.parse makes inherits nothing that `in` would find.
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key];
    if (typeof member === 'string') continue;
    if (typeof member === 'number') {
      if (isInexact(member)) found = 'inexact';
    } else if (typeof member === 'object' && member !== null) {
      if (depthLeft === 0) return 'deep';
      const look = lookInto(member, depthLeft - 1);
      if (look === 'deep') return look;
      if (look === 'inexact') found = look;
    }
  }
  return found;
}

/** `text` is valid JSON. */
function quoteInexact(text: string): string {
  let quoted = '';
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = stringEnd(text, at + 1);
    else if (code === 0x2d || isDigit(code)) {
      const end = numberEnd(text, at + 1);
      const token = text.slice(at, end);
      if (isInexact(Number(token))) {
        quoted += `${text.slice(from, at)}"${token}"`;
        from = end;
      }
      at = end;
    } else at += 1;
  }
  return quoted + text.slice(from);
}

function isInexact(value: number): boolean {
  return !(value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER);
}

/** After the closing quote. */
function stringEnd(text: string, from: number): number {
  for (let at = from; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at + 1;
  }
}

function numberEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && isOfNumber(text.charCodeAt(at))) at += 1;
  return at;
}

/** Digits, `.`, `e`, `E`, `+`, `-`. */
function isOfNumber(code: number): boolean {
  return isDigit(code) || code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === 0x2d;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
