import { type FieldPath, type Fields, fieldPath, readField } from './fields.js';
import { readLevel } from './level.js';
import type { ParsedLine } from './line-format.js';
import { readTimestamp } from './timestamp.js';
import { createZone, UTC, type Zone } from './zone.js';

export interface MeaningOptions {
  /** The field that holds the time; dots lead into nested fields. Default: the names that are commonly used. */
  time?: string | undefined;
  level?: string | undefined;
  message?: string | undefined;
  /** Zone of times that name none: 'UTC' (default), '+02:00', 'Europe/Berlin'. */
  zone?: string | undefined;
}

/**
 * As pino, bunyan, winston, zap, logrus, slog, log4j, Serilog (https://clef-json.org), the Elastic Common Schema, GELF,
 * OpenTelemetry, python-json-logger, structlog, Envoy and nginx name them. The first that is there and can be read counts.
 */
const TIME = [
  'time',
  'timestamp',
  '@timestamp',
  'ts',
  '@t',
  'Timestamp',
  'asctime',
  'datetime',
  'date',
  't',
  'start_time',
  'time_iso8601',
  'time_local',
];
const LEVEL = [
  'level',
  'severity',
  'levelname',
  'log.level',
  '@l',
  'Level',
  'lvl',
  'severity_text',
  'severityText',
  'loglevel',
];
const MESSAGE = ['msg', 'message', '@m', '@mt', 'RenderedMessage', 'MessageTemplate', 'short_message', 'event', 'body'];

/** Finds time, level and message among the fields of a line. */
export class Meaning {
  readonly #time: readonly FieldPath[];
  readonly #level: readonly FieldPath[];
  readonly #message: readonly FieldPath[];
  readonly #zone: Zone;

  constructor({ time, level, message, zone }: MeaningOptions) {
    this.#time = paths(time, TIME);
    this.#level = paths(level, LEVEL);
    this.#message = paths(message, MESSAGE);
    this.#zone = zone === undefined ? UTC : createZone(zone);
  }

  read(fields: Fields): ParsedLine {
    const zone = this.#zone;
    const timestamp = firstOf(fields, this.#time, readTimestamp, zone);
    return {
      fields,
      message: firstOf(fields, this.#message, readText, undefined),
      time: timestamp?.time,
      level: firstOf(fields, this.#level, readLevel, undefined) ?? impliedLevel(fields),
      assumedZone: timestamp?.isAssumed === true ? zone.name : undefined,
      parseError: undefined,
    };
  }
}

function paths(configured: string | undefined, usual: readonly string[]): readonly FieldPath[] {
  return (configured === undefined ? usual : [configured]).map(fieldPath);
}

function firstOf<Value, With>(
  fields: Fields,
  candidates: readonly FieldPath[],
  read: (value: unknown, using: With) => Value | undefined,
  using: With,
): Value | undefined {
  for (const candidate of candidates) {
    const value = readField(fields, candidate);
    const found = value === undefined ? undefined : read(value, using);
    if (found !== undefined) return found;
  }
  return undefined;
}

function readText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Serilog leaves it out where it is the usual one (https://clef-json.org). */
function impliedLevel(fields: Fields): string | undefined {
  return fields['@t'] !== undefined && fields['@l'] === undefined ? 'info' : undefined;
}
