import type { DecodeError } from '../../core/errors.js';
import type { GapEvent, SourceEvent } from '../../core/event.js';
import type { EventFields } from '../../core/event-source.js';
import type { Decoded } from '../../toolkit/decode/decoder.js';
import type { KnownFile } from './known-file.js';

export interface FileFacts {
  /** Relative to `dir`, with `/` between its parts. */
  path: string;
  /** Bytes. */
  size: number;
  /** When its content was last changed: RFC 3339, to the millisecond. */
  mtime: string;
  /** Differs for each version of the file; its records carry it too. */
  version: string;
  /** SHA-256 of the content, hexadecimal, where it was read. */
  hash?: string;
}

export interface FileContent extends FileFacts {
  /** With `parse: 'text'`. */
  text?: string;
  /** With `parse: 'bytes'`. */
  data_base64?: string;
}

export interface FileRecord {
  path: string;
  version: string;
  /** Counts the records of the file, bad ones too, from 0. */
  index: number;
  /** Line on which it begins, from 1; where the format has lines. */
  line?: number;
  record: unknown;
}

export interface FileProblem {
  path: string;
  code: string;
  message: string;
  version?: string;
  index?: number;
  line?: number;
  /** Byte. */
  offset?: number;
}

/** Everything a `FilesystemSource` emits. */
export type FilesystemEvent =
  | SourceEvent<'file.created', FileContent>
  | SourceEvent<'file.modified', FileContent>
  | SourceEvent<'file.renamed', FileFacts & { previousPath: string }>
  | SourceEvent<'file.deleted', { path: string; version: string }>
  | SourceEvent<'file.record', FileRecord>
  | SourceEvent<'file.error', FileProblem>
  | GapEvent;

/** What `this.event` takes. */
export type FileFields = {
  [Event in Exclude<FilesystemEvent, GapEvent> as Event['type']]: EventFields<Event['type'], Event['data']>;
}[Exclude<FilesystemEvent, GapEvent>['type']];

export function contentFields(
  type: 'file.created' | 'file.modified',
  path: string,
  file: KnownFile,
  content: { text?: string; data_base64?: string } = {},
): FileFields {
  const data: FileContent = factsOf(path, file);
  if (content.text !== undefined) data.text = content.text;
  if (content.data_base64 !== undefined) data.data_base64 = content.data_base64;
  return { type, id: `${path}@${file.version}`, subject: path, time: data.mtime, data };
}

export function renamedFields(path: string, previousPath: string, file: KnownFile): FileFields {
  const data = { ...factsOf(path, file), previousPath };
  return { type: 'file.renamed', id: `${path}@${file.version}:renamed`, subject: path, data };
}

export function deletedFields(path: string, { version }: KnownFile): FileFields {
  return { type: 'file.deleted', id: `${path}@${version}:deleted`, subject: path, data: { path, version } };
}

export function recordFields(path: string, version: string, decoded: Decoded): FileFields {
  const { record, error, index, line } = decoded;
  if (error !== undefined) return recordProblem(path, version, decoded, error);
  const data: FileRecord =
    line === undefined ? { path, version, index, record } : { path, version, index, line, record };
  return { type: 'file.record', id: `${path}@${version}#${index}`, subject: path, data };
}

/** Something about a file as a whole, or about a directory. */
export function problemFields(path: string, version: string, code: string, message: string): FileFields {
  const data = { path, code, message, version };
  return { type: 'file.error', id: `${path}@${version}:${code}`, subject: path, data };
}

function recordProblem(path: string, version: string, { index }: Decoded, error: DecodeError): FileFields {
  const { line, offset } = error.at;
  const data: FileProblem = { path, code: error.code, message: error.message, version, index };
  if (line !== undefined) data.line = line;
  if (offset !== undefined) data.offset = offset;
  return { type: 'file.error', id: `${path}@${version}#${index}:error`, subject: path, data };
}

function factsOf(path: string, { size, mtimeMs, version, hash }: KnownFile): FileFacts {
  const facts: FileFacts = { path, size, mtime: toTime(mtimeMs), version };
  if (hash !== undefined) facts.hash = hash;
  return facts;
}

let lastSecond = Number.NaN;
let lastText = '';

/** Files of one tree share many of their seconds, and making the text of one is dear. */
function toTime(time: number): string {
  const milliseconds = Math.round(time);
  const second = Math.floor(milliseconds / 1_000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = new Date(second * 1_000).toISOString().slice(0, -4);
  }
  const rest = milliseconds - second * 1_000;
  return `${lastText}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`;
}
