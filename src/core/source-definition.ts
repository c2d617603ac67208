import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Capabilities } from './capabilities.js';
import type { Clock } from './clock.js';
import type { Logger } from './logger.js';

/** A kind of source as one value: what it takes, what it promises, what it emits. */
export interface SourceDefinition<
  Type extends string = string,
  ConfigSchema extends StandardSchemaV1 = StandardSchemaV1,
  CredentialsSchema extends StandardSchemaV1 = StandardSchemaV1,
  Cursor = unknown,
> {
  type: Type;
  config: ConfigSchema;
  credentials?: CredentialsSchema | undefined;
  cursor?: CursorDefinition<Cursor> | undefined;
  capabilities: Capabilities;
  /** Event types this source emits, with what they mean; JSON Schema of `data` where it can be told. */
  events: Readonly<Record<string, { description: string; schema?: unknown }>>;
}

/** The shape of a source's cursor over releases. */
export interface CursorDefinition<Cursor = unknown> {
  /** Grows when a release changes the shape. */
  version: number;
  schema?: StandardSchemaV1<unknown, Cursor>;
  /** Turns a cursor of an earlier version into one of this. */
  migrate?(old: unknown, version: number): Cursor;
}

/** What every source is created from. */
export interface SourceOptions<Config = unknown, Credentials = unknown, Cursor = unknown> {
  /** The host's name for this source and the key of its cursor. */
  id: string;
  config: Config;
  /**
   * A value, `{ ref }` resolved by the host's CredentialProvider, or 'anonymous' where the source allows it.
   * An undefined secret is a ConfigError.
   */
  credentials?: Credentials | { ref: string } | 'anonymous' | undefined;
  cursor?: Cursor | undefined;
  /** What happens where the next step would skip data. Default: 'throw' for at-least-once pull sources, else 'emit'. */
  onGap?: 'throw' | 'emit' | undefined;
  /** An undici Dispatcher (proxy, private CA, client certificate, mock) for sources that speak HTTP. */
  dispatcher?: object | undefined;
  logger?: Logger | undefined;
  clock?: Clock | undefined;
}

/** One thing that is wrong, where, and what to do. */
export interface Problem {
  severity: 'error' | 'warning';
  code: string;
  message: string;
  fix?: string | undefined;
}

/** What `validate()` found. */
export interface ValidationResult {
  ok: boolean;
  problems: readonly Problem[];
}
