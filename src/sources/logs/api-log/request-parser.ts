import type { Line } from '../../../toolkit/lines/line.js';
import type { AccessFields } from '../format/access-log.js';
import type { Fields } from '../format/fields.js';
import type { LineFormat, LineParseError, ParsedLine } from '../format/line-format.js';
import { FieldReader, type Mapping } from './field-reader.js';
import { fromAccessLog } from './from-access-log.js';
import type { HttpRequest } from './http-request.js';
import { REDACTED, type Redactor } from './redactor.js';

export interface RequestParserOptions {
  format: LineFormat;
  mapping?: Mapping | undefined;
  /** Undefined: nothing is taken out. */
  redactor: Redactor | undefined;
  withFields: boolean;
}

/** A line as a request. `fields` as they were, for `conceal`. */
export interface ReadLine {
  readonly request: HttpRequest;
  /** RFC 3339. */
  readonly time: string | undefined;
  readonly fields: ParsedLine['fields'];
}

const ACCESS_LOGS = new Set(['common', 'combined', 'nginx']);
const NO_REQUEST: LineParseError = {
  code: 'NO_REQUEST',
  message: 'the line has no fields of a request that was answered; tell by "mapping" which they are',
};

const PART: LineParseError = { code: 'LINE_SYNTAX', message: 'a further part of a line that did not come as a whole' };
const NO_FIELDS = Object.freeze({});

/** What a line tells of a request, and what may be told of it. */
export class RequestParser {
  readonly #format: LineFormat;
  readonly #read: (fields: ParsedLine['fields']) => HttpRequest | undefined;
  readonly #redactor: Redactor | undefined;
  readonly #withFields: boolean;

  constructor({ format, mapping, redactor, withFields }: RequestParserOptions) {
    this.#format = format;
    this.#redactor = redactor;
    this.#withFields = withFields;
    const reader = new FieldReader(mapping);
    this.#read = ACCESS_LOGS.has(format.name)
      ? (fields) => fromAccessLog(fields as AccessFields)
      : (fields) => reader.read(fields as Fields);
  }

  /** As the line has it, secrets and all: filters see it so. */
  parse({ text, notes }: Line, now: number): ReadLine {
    if (notes?.continuation === true) return this.#part(text);
    const { fields, time, assumedZone, parseError } = this.#format.parse(text, now);
    const request = parseError === undefined ? this.#read(fields) : undefined;
    if (request === undefined) return { request: { line: text, parseError: parseError ?? NO_REQUEST }, time, fields };
    if (assumedZone !== undefined) request.assumedZone = assumedZone;
    return { request, time, fields };
  }

  /** What is secret in it may be named in the part before, so that nothing of it can be told. */
  #part(text: string): ReadLine {
    const line = this.#redactor === undefined ? text : REDACTED;
    return { request: { line, parseError: PART }, time: undefined, fields: NO_FIELDS };
  }

  /** Takes out what is secret. Changes the request that `parse` gave. */
  conceal({ request, fields }: ReadLine): HttpRequest {
    const redactor = this.#redactor;
    if (redactor !== undefined) redactRequest(request, redactor);
    if (this.#withFields && request.parseError === undefined) {
      request.fields = redactor === undefined ? fields : (redactor.value(fields) as Fields);
    }
    return request;
  }
}

function redactRequest(request: HttpRequest, redactor: Redactor): void {
  const { path, query, referer, userAgent, request: sent, line } = request;
  if (query !== undefined) request.query = redactor.query(query);
  if (path?.includes(';') || path?.includes('@')) request.path = redactor.url(path);
  if (referer !== undefined) request.referer = redactor.url(referer);
  // The names of browsers have neither, and there are many of them.
  if (userAgent?.includes('=') || userAgent?.includes('@')) request.userAgent = redactor.text(userAgent);
  if (sent !== undefined) request.request = redactor.text(sent);
  if (line !== undefined) request.line = redactor.text(line);
}
