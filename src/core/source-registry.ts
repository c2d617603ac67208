import type { Capabilities } from './capabilities.js';
import { shapeOf } from './config.js';
import { ConfigError, UnknownSourceError } from './errors.js';
import { nearest } from './nearest.js';
import type { ClassOf, SourceClass, SourceEntry, SourceMap } from './source-class.js';

/** What a type of source takes, promises and emits; configuration and credentials as JSON Schema. */
export interface SourceDescription {
  type: string;
  config: object;
  credentials: object;
  capabilities: Capabilities;
  events: object;
}

/**
 * Which types there are: an object the host makes, no globals.
 *
 * ```ts
 * const registry = new SourceRegistry(builtinSources).register('hacker-news', HackerNews);
 * ```
 */
export class SourceRegistry<Sources extends SourceMap = {}> {
  readonly #entries = new Map<string, SourceEntry>();
  readonly #classes = new Map<string, Promise<SourceClass>>();

  constructor(sources?: Sources) {
    for (const [type, entry] of Object.entries(sources ?? {})) this.#entries.set(type, entry);
  }

  /**
   * Returns the same registry, widened: use what it returns.
   * @throws ConfigError when the type is taken.
   */
  register<Type extends string, Entry extends SourceEntry>(
    type: Type,
    entry: Entry,
  ): SourceRegistry<Sources & Readonly<Record<Type, Entry>>> {
    if (this.#entries.has(type)) {
      const message = `a source of type "${type}" is registered already`;
      throw new ConfigError([
        { severity: 'error', code: 'SOURCE_TYPE_TAKEN', message, fix: 'choose another type name' },
      ]);
    }
    this.#entries.set(type, entry);
    return this as unknown as SourceRegistry<Sources & Readonly<Record<Type, Entry>>>;
  }

  /**
   * Loads the class.
   * @throws UnknownSourceError naming the nearest type.
   * @throws MissingPeerError when an optional package of the source is not installed.
   */
  async load<Type extends keyof Sources & string>(type: Type): Promise<ClassOf<Sources[Type]>> {
    let loading = this.#classes.get(type);
    if (loading === undefined) {
      loading = this.#loadEntry(type);
      this.#classes.set(type, loading);
      // What failed to load may be there the next time.
      loading.catch(() => this.#classes.delete(type));
    }
    return (await loading) as ClassOf<Sources[Type]>;
  }

  has(type: string): boolean {
    return this.#entries.has(type);
  }

  list(): string[] {
    return [...this.#entries.keys()].sort();
  }

  async describe(type: string): Promise<SourceDescription> {
    const { definition } = (await this.load(type as keyof Sources & string)) as SourceClass;
    return {
      type,
      config: shapeOf(definition.config) ?? {},
      credentials: definition.credentials === undefined ? {} : (shapeOf(definition.credentials) ?? {}),
      capabilities: definition.capabilities,
      events: definition.events,
    };
  }

  async #loadEntry(type: string): Promise<SourceClass> {
    const entry = this.#entries.get(type);
    if (entry === undefined) throw this.#unknown(type);
    return isClass(entry) ? entry : entry();
  }

  #unknown(type: string): UnknownSourceError {
    const meant = nearest(type, this.#entries.keys());
    const fix = meant === undefined ? `known types: ${this.list().join(', ') || 'none'}` : `did you mean "${meant}"?`;
    return new UnknownSourceError([
      { severity: 'error', code: 'UNKNOWN_SOURCE', message: `there is no source of type "${type}"`, fix },
    ]);
  }
}

function isClass(entry: SourceEntry): entry is SourceClass {
  return 'create' in entry && typeof entry.create === 'function';
}
