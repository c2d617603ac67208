import { inspect } from 'node:util';

/** A value that prints as `[secret]` everywhere: string conversion, JSON, console, errors, logs. */
export class Secret<Value = string> {
  readonly #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  /** The value itself, for the one line that sends it. */
  reveal(): Value {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** Up to the last `@` before the path, since passwords hold one themselves now and then. */
const USER_INFO = /([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#]+@/gi;
const AUTHORIZATION = /\b(bearer|basic|token)\s+[\w.~+/=-]{8,}/gi;
const NAMED_SECRET =
  /((?:password|passwd|secret|api[-_]?key|access[-_]?token|private[-_]?token|client[-_]?secret|token)["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi;

/** Text without the credentials that tend to end up in messages: user info in URLs, authorization values, `token=…`. */
export function redactText(text: string): string {
  return text
    .replace(USER_INFO, '$1[secret]@')
    .replace(AUTHORIZATION, '$1 [secret]')
    .replace(NAMED_SECRET, '$1[secret]');
}

const DEEPEST_CAUSE = 8;

/**
 * A copy of an error that keeps name, message, code, stack and causes, and nothing else: vendor errors carry request
 * headers and bodies.
 */
export function sanitizeCause(cause: unknown, depth = 0): unknown {
  if (cause === undefined || cause === null) return cause;
  if (!(cause instanceof Error)) return redactText(String(cause));
  const copy = new Error(redactText(cause.message));
  copy.name = cause.name;
  if (cause.stack !== undefined) copy.stack = redactText(cause.stack);
  const code = (cause as { code?: unknown }).code;
  if (typeof code === 'string' || typeof code === 'number') Object.assign(copy, { code });
  if (cause.cause !== undefined && depth < DEEPEST_CAUSE) copy.cause = sanitizeCause(cause.cause, depth + 1);
  return copy;
}
