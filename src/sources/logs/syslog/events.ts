import { isUtf8 } from 'node:buffer';
import type { GapEvent, SourceEvent } from '../../../core/event.js';
import type { EventFields } from '../../../core/event-source.js';
import type { LineFormat, LineParseError } from '../format/line-format.js';
import type { SyslogFields, Writable } from '../format/syslog-fields.js';

export type SyslogTransport = 'udp' | 'tcp' | 'tls' | 'unix';

/** Who sent, and how. */
export interface SyslogSender {
  readonly transport: SyslogTransport;
  /** Absent for sockets of the file system. */
  readonly remote?: { readonly address: string; readonly port: number };
}

export interface SyslogMessage extends SyslogFields, SyslogSender {
  /** What is said in words; of a message that does not parse, everything. */
  readonly message: string;
  /** The name of the severity: emergency, alert, critical, error, warn, notice, info, debug. */
  readonly level?: string;
  /** The zone that the time was taken to be in, where the message names none. */
  readonly assumedZone?: string;
  /** When it was received: RFC 3339. */
  readonly receivedAt: string;
  /** The message as it came: with `raw: true`, and where it does not parse. */
  readonly raw?: string;
  /** Why it does not parse. */
  readonly parseError?: LineParseError;
  /** It was longer than allowed, or the connection ended within it: this is the beginning. */
  readonly truncated?: true;
  /** Some bytes are no UTF-8; each is U+FFFD here. */
  readonly invalidBytes?: true;
}

/** A connection that was closed because it cannot be understood any further. */
export interface SyslogProblem extends SyslogSender {
  readonly code: string;
  readonly message: string;
  readonly receivedAt: string;
}

/** Everything a `SyslogSource` emits. */
export type SyslogEvent =
  | SourceEvent<'syslog.message', SyslogMessage>
  | SourceEvent<'syslog.error', SyslogProblem>
  | GapEvent;

/** A message as it was received. */
export interface Receipt {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly sender: SyslogSender;
  readonly bytes: Buffer;
  readonly isCut: boolean;
}

export interface MessageOptions {
  readonly format: LineFormat;
  readonly keepsRaw: boolean;
}

export function messageFields(
  { id, at, sender, bytes, isCut }: Receipt,
  { format, keepsRaw }: MessageOptions,
): EventFields<'syslog.message', SyslogMessage> {
  const text = bytes.toString('utf8');
  const { fields, message = text, level, time, assumedZone, parseError } = format.parse(text, at);
  const known: SyslogFields = fields;
  const data: Writable<SyslogMessage> = { ...known, message, ...sender, receivedAt: new Date(at).toISOString() };
  if (level !== undefined) data.level = level;
  if (assumedZone !== undefined) data.assumedZone = assumedZone;
  if (keepsRaw || parseError !== undefined) data.raw = text;
  if (parseError !== undefined) data.parseError = parseError;
  if (isCut) data.truncated = true;
  if (!isUtf8(bytes)) data.invalidBytes = true;
  return { type: 'syslog.message', id, data, time, subject: known.host };
}

const TERMINATORS: readonly number[] = [0x0a, 0x0d, 0x00];

/** Some senders end a message as they would a line, also where its length is told otherwise; rsyslog does. */
export function withoutTerminator(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && TERMINATORS.includes(bytes[end - 1] as number)) end -= 1;
  return bytes.subarray(0, end);
}

export function problemFields(
  { id, at, sender }: Omit<Receipt, 'bytes' | 'isCut'>,
  { code, message }: { code: string; message: string },
): EventFields<'syslog.error', SyslogProblem> {
  return { type: 'syslog.error', id, data: { code, message, ...sender, receivedAt: new Date(at).toISOString() } };
}
