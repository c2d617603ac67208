import { setField } from './fields.js';
import type { StructuredData } from './syslog-fields.js';

type Parameters = Record<string, string | string[]>;

interface Read {
  /** Undefined where there are none (`-`). */
  readonly elements: StructuredData | undefined;
  /** Where the data ends: at a space, or at the end of the text. */
  readonly end: number;
}

const NAME_END = /[ =\]"]/g;

/**
 * STRUCTURED-DATA of RFC 5424: `[id name="value" …][id …]`, or `-`. Names are data, whatever they are. An element that
 * comes twice is one with the parameters of both.
 * @see https://www.rfc-editor.org/rfc/rfc5424#section-6.3
 */
export function parseStructuredData(text: string, at: number): Read | { readonly error: string } {
  if (text[at] === '-' && isEnd(text, at + 1)) return { elements: undefined, end: at + 1 };
  if (text[at] !== '[') return { error: 'the structured data is neither "-" nor in brackets' };
  const elements: Record<string, Parameters> = {};
  let position = at;
  while (text[position] === '[') {
    const end = readElement(text, position + 1, elements);
    if (end === undefined) return { error: 'the structured data is not finished, or a name or quote is missing in it' };
    position = end;
  }
  if (!isEnd(text, position)) return { error: 'the structured data is not followed by a space' };
  return { elements, end: position };
}

/** Gives the position behind the closing bracket. */
function readElement(text: string, at: number, elements: Record<string, Parameters>): number | undefined {
  const idEnd = nameEnd(text, at);
  if (idEnd === undefined) return undefined;
  const id = text.slice(at, idEnd);
  const parameters = ownValue(elements, id) ?? {};
  setField(elements, id, parameters);
  let position = idEnd;
  while (text[position] === ' ') {
    const equals = nameEnd(text, position + 1);
    if (equals === undefined || !text.startsWith('="', equals)) return undefined;
    const value = readValue(text, equals + 2);
    if (value === undefined) return undefined;
    add(parameters, text.slice(position + 1, equals), value.text);
    position = value.end;
  }
  return text[position] === ']' ? position + 1 : undefined;
}

/** Gives the position behind a name that is not empty. */
function nameEnd(text: string, at: number): number | undefined {
  NAME_END.lastIndex = at;
  const end = NAME_END.exec(text)?.index;
  return end === at ? undefined : end;
}

/** Up to the closing quote; `\"`, `\\` and `\]` stand for what follows, any other backslash for itself. */
function readValue(text: string, at: number): { text: string; end: number } | undefined {
  let value = '';
  let from = at;
  for (let position = at; position < text.length; position += 1) {
    const character = text[position];
    if (character === '"') return { text: value + text.slice(from, position), end: position + 1 };
    if (character !== '\\') continue;
    const next = text[position + 1];
    if (next !== '"' && next !== '\\' && next !== ']') continue;
    value += text.slice(from, position);
    from = position + 1;
    position += 1;
  }
  return undefined;
}

function add(parameters: Parameters, name: string, value: string): void {
  const known = ownValue(parameters, name);
  if (known === undefined) setField(parameters, name, value);
  else if (typeof known === 'string') setField(parameters, name, [known, value]);
  else known.push(value);
}

function ownValue<Value>(record: Record<string, Value>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function isEnd(text: string, at: number): boolean {
  return at === text.length || text[at] === ' ';
}
