/** What a line holds, by name. */
export type Fields = Record<string, unknown>;

/** As an assignment, but `__proto__` is a name like any other. */
export function setField(fields: Fields, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
  } else fields[name] = value;
}

/** A way into nested fields: 'request.headers.host'. */
export interface FieldPath {
  readonly name: string;
  /** Undefined where the name has no dot. */
  readonly parts: readonly string[] | undefined;
  /** Whether every object has something of that name: 'constructor'. */
  readonly isInherited: boolean;
}

export function fieldPath(name: string): FieldPath {
  return { name, parts: name.includes('.') ? name.split('.') : undefined, isInherited: name in Object.prototype };
}

/** The field of exactly that name, dots and all; otherwise what is nested there. Own properties only. */
export function readField(fields: Fields, { name, parts, isInherited }: FieldPath): unknown {
  // Asking what is own costs more than reading it, and hardly any name needs it.
  const own = isInherited && !Object.hasOwn(fields, name) ? undefined : fields[name];
  if (own !== undefined || parts === undefined) return own;
  let value: unknown = fields;
  for (const part of parts) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Fields)[part];
  }
  return value;
}
