import { type FieldPath, type Fields, fieldPath, readField } from '../format/fields.js';
import { DIALECTS, type Dialect, type Role } from './dialects.js';
import { readDuration, type Unit } from './duration.js';
import type { HttpRequest } from './http-request.js';
import { setTarget } from './target.js';

/** Which fields hold what; dots lead into nested fields. What is not named is guessed. */
export type Mapping = Partial<Record<Role, string | undefined>> & {
  /** Milliseconds, unless a unit is given or the field itself has one ('7ms'). */
  duration?: string | { field: string; unit: Unit } | undefined;
};

const TEXTS = ['method', 'clientAddress', 'userAgent', 'referer', 'requestId', 'host', 'protocol', 'user'] as const;
const NUMBER = /^\d{1,15}$/;
const REQUEST_LINE = /^(\S+) (\S+) (HTTP\/\S+)$/;
/** '10.0.0.1:5555', '[::1]:5555' */
const WITH_PORT = /^(?:\[([^\]]*)\]|([\d.]+)):\d+$/;
/** What servers write where they have nothing to say. */
const NIL = new Set(['', '-']);

/** Finds a request among named fields: of JSON, logfmt, or the groups of a pattern. */
export class FieldReader {
  readonly #dialects: readonly CompiledDialect[];
  readonly #configured: CompiledDialect | undefined;

  constructor(mapping: Mapping | undefined) {
    this.#dialects = DIALECTS.map((dialect) => new CompiledDialect(dialect, mapping));
    this.#configured = mapping && new CompiledDialect(undefined, mapping);
  }

  /** Undefined where the line tells of no request that was answered. */
  read(fields: Fields): HttpRequest | undefined {
    for (const dialect of this.#dialects) if (dialect.fits(fields)) return dialect.read(fields);
    const told = this.#configured?.read(fields);
    return told?.status === undefined && told?.path === undefined ? undefined : told;
  }
}

/** A dialect with what was configured in place of what would be guessed. */
class CompiledDialect {
  readonly #name: string | undefined;
  readonly #needs: readonly (readonly FieldPath[])[];
  readonly #roles: ReadonlyMap<Role, readonly FieldPath[]>;
  readonly #durations: readonly { path: FieldPath; unit: Unit }[];

  constructor(dialect: Dialect | undefined, { duration, ...mapping }: Mapping = {}) {
    this.#name = dialect?.name;
    this.#needs = dialect?.needs.map((names) => names.map(fieldPath)) ?? [];
    const roles = new Map(Object.entries(dialect?.roles ?? {}) as [Role, readonly string[]][]);
    for (const [role, name] of Object.entries(mapping)) if (name !== undefined) roles.set(role as Role, [name]);
    this.#roles = new Map([...roles].map(([role, names]) => [role, names.map(fieldPath)]));
    this.#durations = durationsOf(dialect, duration);
  }

  fits(fields: Fields): boolean {
    return this.#needs.every((names) => names.some((name) => readField(fields, name) !== undefined));
  }

  read(fields: Fields): HttpRequest {
    const told: HttpRequest = {};
    for (const role of TEXTS) {
      const text = this.#text(fields, role);
      if (text !== undefined) told[role] = role === 'clientAddress' ? text.replace(WITH_PORT, '$1$2') : text;
    }
    this.#readTarget(fields, told);
    const status = this.#number(fields, 'status');
    if (status !== undefined) told.status = status;
    const bytes = this.#number(fields, 'bytes');
    if (bytes !== undefined) told.bytes = bytes;
    const duration = this.#duration(fields);
    if (duration !== undefined) told.durationMs = duration;
    if (this.#name !== undefined) told.guessed = this.#name;
    return told;
  }

  #readTarget(fields: Fields, told: HttpRequest): void {
    const target = this.#text(fields, 'target') ?? this.#text(fields, 'path');
    if (target !== undefined) setTarget(told, target);
    else this.#readRequestLine(fields, told);
    const query = this.#text(fields, 'query');
    if (query !== undefined) told.query = query.startsWith('?') ? query.slice(1) : query;
  }

  #readRequestLine(fields: Fields, told: HttpRequest): void {
    const request = this.#text(fields, 'request');
    if (request === undefined) return;
    const [, method, target, protocol] = REQUEST_LINE.exec(request) ?? [];
    if (method === undefined || target === undefined || protocol === undefined) told.request = request;
    else {
      told.method ??= method;
      told.protocol ??= protocol;
      setTarget(told, target);
    }
  }

  #text(fields: Fields, role: Role): string | undefined {
    for (const path of this.#roles.get(role) ?? []) {
      const value = readField(fields, path);
      // Headers that may come several times are lists.
      const first = Array.isArray(value) ? value[0] : value;
      if (typeof first === 'number') return String(first);
      if (typeof first === 'string' && !NIL.has(first)) return first;
    }
    return undefined;
  }

  #number(fields: Fields, role: Role): number | undefined {
    const text = this.#text(fields, role);
    return text !== undefined && NUMBER.test(text) ? Number(text) : undefined;
  }

  #duration(fields: Fields): number | undefined {
    for (const { path, unit } of this.#durations) {
      const duration = readDuration(readField(fields, path), unit);
      if (duration !== undefined) return duration;
    }
    return undefined;
  }
}

function durationsOf(dialect: Dialect | undefined, configured: Mapping['duration']) {
  if (configured === undefined) {
    return (dialect?.durations ?? []).map(([name, unit]) => ({ path: fieldPath(name), unit }));
  }
  const { field, unit } = typeof configured === 'string' ? { field: configured, unit: 'ms' as const } : configured;
  return [{ path: fieldPath(field), unit }];
}
