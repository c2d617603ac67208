import type { GapEvent } from './event.js';
import { sanitizeCause } from './secret.js';
import type { Problem } from './source-definition.js';

export interface ErrorFields {
  /** Stable, upper case; the class's own by default. */
  code?: string | undefined;
  sourceId?: string | undefined;
  /** Kept as a copy without anything but name, message, code, stack and causes. */
  cause?: unknown;
}

const KINDS = Symbol.for('headwater.error.kinds');

/**
 * The root of every error of ours. The class says what the caller does next: fix the configuration, try again, put
 * aside and go on, or stop. An abort is not an error of ours: `signal.reason` is rethrown as it is.
 */
export class HeadwaterError extends Error {
  static readonly kind: string = 'HeadwaterError';
  static readonly defaultCode: string = 'HEADWATER';
  readonly code: string;
  readonly sourceId?: string | undefined;

  constructor(message: string, options: ErrorFields = {}) {
    super(message);
    const own = new.target as typeof HeadwaterError;
    this.name = own.kind;
    this.code = options.code ?? own.defaultCode;
    if (options.sourceId !== undefined) this.sourceId = options.sourceId;
    if (options.cause !== undefined) {
      const cause = HeadwaterError.isInstance(options.cause) ? options.cause : sanitizeCause(options.cause);
      Object.defineProperty(this, 'cause', { value: cause, writable: true, configurable: true });
    }
    Object.defineProperty(this, KINDS, { value: kindsOf(own) });
  }

  /** `instanceof` that also holds across two copies of this package. */
  // `any`: only that accepts every subclass, whatever its constructor takes.
  static isInstance<Class extends abstract new (...args: any) => unknown>(
    this: Class,
    value: unknown,
  ): value is InstanceType<Class> {
    if (value instanceof this) return true;
    // A host's own class has no kind of its own: there `instanceof` is all there is.
    if (typeof value !== 'object' || value === null || !Object.hasOwn(this, 'kind')) return false;
    const kinds = (value as { [KINDS]?: readonly string[] })[KINDS];
    return kinds?.includes((this as unknown as typeof HeadwaterError).kind) ?? false;
  }
}

function kindsOf(own: typeof HeadwaterError): readonly string[] {
  const kinds: string[] = [];
  for (let at = own; typeof at === 'function' && typeof at.kind === 'string'; at = Object.getPrototypeOf(at)) {
    kinds.push(at.kind);
  }
  return kinds;
}

/** Fix the configuration. All problems at once. */
export class ConfigError extends HeadwaterError {
  static override readonly kind: string = 'ConfigError';
  static override readonly defaultCode: string = 'CONFIG';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options: ErrorFields = {}) {
    super(describeProblems(problems, options.sourceId), options);
    this.problems = problems;
  }
}

function describeProblems(problems: readonly Problem[], sourceId: string | undefined): string {
  const subject = sourceId === undefined ? '' : `source "${sourceId}": `;
  return subject + problems.map(({ message, fix }) => (fix === undefined ? message : `${message} (${fix})`)).join('; ');
}

/** Install the optional packages it names. */
export class MissingPeerError extends ConfigError {
  static override readonly kind: string = 'MissingPeerError';
  static override readonly defaultCode: string = 'MISSING_PEER';
  readonly packages: readonly string[];

  constructor(packages: readonly string[], options: ErrorFields = {}) {
    super(
      [
        {
          severity: 'error',
          code: 'MISSING_PEER',
          message: `${packages.join(' and ')} not installed`,
          fix: `run: npm install ${packages.join(' ')}`,
        },
      ],
      options,
    );
    this.packages = packages;
  }
}

/** There is no such type of source. */
export class UnknownSourceError extends ConfigError {
  static override readonly kind: string = 'UnknownSourceError';
  static override readonly defaultCode: string = 'UNKNOWN_SOURCE';
}

/** Trying again may help. */
export class RetryableError extends HeadwaterError {
  static override readonly kind: string = 'RetryableError';
  static override readonly defaultCode: string = 'RETRYABLE';
  /** The least wait that upstream asked for, in milliseconds. */
  readonly retryAfterMs?: number | undefined;

  constructor(message: string, options: ErrorFields & { retryAfterMs?: number | undefined } = {}) {
    super(message, options);
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

export class RateLimitedError extends RetryableError {
  static override readonly kind: string = 'RateLimitedError';
  static override readonly defaultCode: string = 'RATE_LIMITED';
}

export class ConnectionError extends RetryableError {
  static override readonly kind: string = 'ConnectionError';
  static override readonly defaultCode: string = 'CONNECTION';
}

/** Put this one thing aside and go on. */
export class SkippableError extends HeadwaterError {
  static override readonly kind: string = 'SkippableError';
  static override readonly defaultCode: string = 'SKIPPABLE';
}

/** Something read could not be understood. */
export class DecodeError extends SkippableError {
  static override readonly kind: string = 'DecodeError';
  static override readonly defaultCode: string = 'DECODE';
  readonly at: { file?: string; line?: number; offset?: number };

  constructor(message: string, options: ErrorFields & { at: DecodeError['at'] }) {
    super(message, options);
    this.at = options.at;
  }
}

/** Stop: trying again as it is cannot help. */
export class FatalError extends HeadwaterError {
  static override readonly kind: string = 'FatalError';
  static override readonly defaultCode: string = 'FATAL';
}

export class AuthenticationError extends FatalError {
  static override readonly kind: string = 'AuthenticationError';
  static override readonly defaultCode: string = 'AUTHENTICATION';
}

export class PermissionError extends FatalError {
  static override readonly kind: string = 'PermissionError';
  static override readonly defaultCode: string = 'PERMISSION';
}

export class NotFoundError extends FatalError {
  static override readonly kind: string = 'NotFoundError';
  static override readonly defaultCode: string = 'NOT_FOUND';
}

/** A saved position that cannot be used: corrupt, of another origin, of a later version. */
export class CursorError extends FatalError {
  static override readonly kind: string = 'CursorError';
  static override readonly defaultCode: string = 'CURSOR';
}

/** Somebody else saved this cursor in between. */
export class CursorConflictError extends CursorError {
  static override readonly kind: string = 'CursorConflictError';
  static override readonly defaultCode: string = 'CURSOR_CONFLICT';
  readonly expected: number;
  readonly found: number;

  constructor(message: string, options: ErrorFields & { expected: number; found: number }) {
    super(message, options);
    this.expected = options.expected;
    this.found = options.found;
  }
}

/** Events can no longer be had, and the source was not told to go on without them. */
export class GapError extends FatalError {
  static override readonly kind: string = 'GapError';
  static override readonly defaultCode: string = 'GAP';
  readonly gap: GapEvent;

  constructor(gap: GapEvent, options: ErrorFields = {}) {
    super(
      `events of source "${gap.sourceid}" can no longer be had (${gap.data.reason}): ${gap.data.detail}. ` +
        `The cursor was not moved. To go on without them, create the source with onGap: 'emit'; ` +
        'to read everything again, start without a cursor',
      options,
    );
    this.gap = gap;
  }
}

/** The host's storage refused for good. */
export class SinkError extends FatalError {
  static override readonly kind: string = 'SinkError';
  static override readonly defaultCode: string = 'SINK';
}
