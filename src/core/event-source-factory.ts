import { type AutosavePolicy, saveFrontier } from './autosave.js';
import type { Clock } from './clock.js';
import { type CredentialProvider, isCredentialReference } from './credentials.js';
import { CursorKeeper } from './cursor-keeper.js';
import type { CursorRecord, CursorStore } from './cursor-store.js';
import { ConfigError } from './errors.js';
import { definitionOf, type EventSource } from './event-source.js';
import type { Logger } from './logger.js';
import type { OptionsOf, SourceClass, SourceEntry, SourceMap, SourceOf, SourceSpec } from './source-class.js';
import type { SourceOptions } from './source-definition.js';
import { SourceRegistry } from './source-registry.js';
import { runtimeOf } from './source-runtime.js';

export interface FactoryOptions<Sources extends SourceMap> {
  sources: Sources | SourceRegistry<Sources>;
  cursorStore?: CursorStore<any> | undefined;
  /** Saves the acknowledged frontier while a source is iterated. Default with a store: every second, at the end, and on close. */
  autosave?: false | AutosavePolicy | undefined;
  credentials?: CredentialProvider | undefined;
  logger?: Logger | undefined;
  clock?: Clock | undefined;
}

/** How a source's saved cursor is taken up. */
export interface ResumeOptions {
  /** false: begin again; the first save replaces what was saved. Default true. */
  resume?: boolean | undefined;
  /** Take over a cursor that was saved for another origin. Default false. */
  adoptCursor?: boolean | undefined;
}

/**
 * Makes sources: resolves credential references, loads the saved cursor, saves the acknowledged frontier as you go.
 *
 * ```ts
 * const factory = new EventSourceFactory({ sources: builtinSources, cursorStore: new FileCursorStore('.cursors') });
 * const source = await factory.create('git', { id: 'this-repository', config: { dir: '.' } });
 * ```
 */
export class EventSourceFactory<Sources extends SourceMap = SourceMap> {
  readonly registry: SourceRegistry<Sources>;
  readonly #options: Omit<FactoryOptions<Sources>, 'sources'>;

  constructor(options: FactoryOptions<Sources>) {
    const { sources, ...rest } = options;
    this.registry = sources instanceof SourceRegistry ? sources : new SourceRegistry(sources);
    this.#options = rest;
  }

  /**
   * A source of a registered type. An explicit `cursor` wins over a saved one.
   * @throws UnknownSourceError, ConfigError, MissingPeerError, and CursorError when the saved cursor cannot be used.
   */
  async create<Type extends keyof Sources & string>(
    type: Type,
    options: OptionsOf<Sources[Type]> & ResumeOptions,
  ): Promise<SourceOf<Sources[Type]>> {
    const { resume, adoptCursor, ...given } = options as unknown as SourceOptions & ResumeOptions;
    const sourceClass = (await this.registry.load(type)) as SourceClass;
    const source = await sourceClass.create(await this.#inject(given));
    await this.#attach(source, { resume, adopt: adoptCursor, hasCursor: given.cursor !== undefined });
    return source as SourceOf<Sources[Type]>;
  }

  /** For manifests and queues, where the type is only known at run time. */
  async createFromSpec(spec: SourceSpec): Promise<EventSource> {
    const { type, enabled: _enabled, ...options } = spec;
    const create = this.create as unknown as (type: string, options: SourceOptions) => Promise<EventSource>;
    return create.call(this, type, options);
  }

  /** Returns the same factory, widened: use what it returns. */
  register<Type extends string, Entry extends SourceEntry>(
    type: Type,
    entry: Entry,
  ): EventSourceFactory<Sources & Readonly<Record<Type, Entry>>> {
    this.registry.register(type, entry);
    return this as unknown as EventSourceFactory<Sources & Readonly<Record<Type, Entry>>>;
  }

  /**
   * Saves the acknowledged frontier of a source now; undefined where there is nothing to save.
   * @throws ConfigError without a cursor store.
   */
  async saveCursor(source: EventSource<any, any, any>): Promise<CursorRecord | undefined> {
    const runtime = runtimeOf(source);
    runtime.keeper ??= await this.#keeperFor(source, {});
    await saveFrontier(runtime, runtime.keeper);
    return runtime.keeper.store.load(source.id);
  }

  async #inject(options: SourceOptions): Promise<SourceOptions> {
    const { logger, clock } = this.#options;
    const injected: SourceOptions = { ...options };
    if (injected.logger === undefined) injected.logger = logger;
    if (injected.clock === undefined) injected.clock = clock;
    if (isCredentialReference(options.credentials)) injected.credentials = await this.#resolve(options);
    return injected;
  }

  async #resolve({ id, credentials }: SourceOptions): Promise<unknown> {
    const { ref } = credentials as { ref: string };
    const provider = this.#options.credentials;
    const resolved = await provider?.resolve(ref);
    if (resolved !== undefined && resolved !== null) return resolved;
    const fix =
      provider === undefined ? 'give the factory a credentials provider' : 'does the provider know this name?';
    const message = `credentials { ref: "${ref}" } could not be resolved`;
    throw new ConfigError([{ severity: 'error', code: 'CREDENTIALS_UNRESOLVED', message, fix }], {
      code: 'CREDENTIALS_UNRESOLVED',
      sourceId: id,
    });
  }

  async #attach(
    source: EventSource<any, any, any>,
    options: { resume: boolean | undefined; adopt: boolean | undefined; hasCursor: boolean },
  ): Promise<void> {
    const { cursorStore, autosave } = this.#options;
    if (cursorStore === undefined) return;
    const runtime = runtimeOf(source);
    const keeper = new CursorKeeper(keptSource(source), cursorStore, options);
    const saved = await keeper.load();
    if (saved !== undefined && !options.hasCursor) source.setCursor(saved.cursor);
    runtime.ledger.attach(keeper.state);
    runtime.keeper = keeper;
    runtime.autosave = autosave === false ? undefined : (autosave ?? {});
  }

  async #keeperFor(source: EventSource<any, any, any>, options: ResumeOptions): Promise<CursorKeeper> {
    const { cursorStore } = this.#options;
    if (cursorStore === undefined) {
      const message = `the cursor of "${source.id}" cannot be saved: the factory has no cursorStore`;
      throw new ConfigError([{ severity: 'error', code: 'NO_CURSOR_STORE', message }], { sourceId: source.id });
    }
    const keeper = new CursorKeeper(keptSource(source), cursorStore, options);
    await keeper.load();
    return keeper;
  }
}

/** What a keeper must know of a source. */
export function keptSource(source: EventSource<any, any, any>): ConstructorParameters<typeof CursorKeeper>[0] {
  return {
    id: source.id,
    type: source.type,
    cursorDefinition: definitionOf(source)?.cursor,
    origin: () => source.origin(),
  };
}
